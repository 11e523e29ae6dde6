"""A fingerprint of sound that survives another level, rate or container: is this the same recording?

As Haitsma & Kalker (2002) describe it: the signs of the differences of the energies of neighbouring bands,
and of these over time, are bits that depend on the recording and hardly on how it was stored. Ours has 25
bands between 200 and 2000 Hz on a logarithmic scale, so that telephone sound at 4 kHz and more has them all,
windows of 256 ms every 12 ms, and 128 frames about the centre of the energy in that range, which moves
neither with the level nor with silence at the ends. A frame 30 dB below the loudest is quiet and says
nothing. What is cut inside the speech, or clipped hard, is another recording to it.

It is computed as a model is: one column a frame, kept in the store, so that a corpus is heard once.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import butter, sosfiltfilt

from sertools.metrics.duplicates import BITS, FRAMES, QUIET
from sertools.model import Outputs, Task

RATE = 8000
WINDOW, HOP = 2048, 96
LOWEST_HZ, HIGHEST_HZ = 200.0, 2000.0
QUIETER = 1e-3
"""A frame with less than this share of the energy of the loudest is quiet."""

HASH_WORDS = 3
"""Words of 24 bits, which float32 holds exactly, of the hash of the samples."""

SILENT = -1.0
"""The code of a quiet frame; any other is a number of 24 bits."""


@dataclass(kw_only=True)
class Prints:
    """Fingerprint and hash of the sound of clips, as a model whose scores are their words."""

    name: str = "fingerprints"
    labels: tuple[str, ...] = (
        *(f"hash_{i}" for i in range(HASH_WORDS)),
        *(f"frame_{i:03d}" for i in range(FRAMES)),
    )
    task: Task = "regression"
    sampling_rate: int = RATE
    shortest: int = 1
    fingerprint: str = "prints-1"
    facts: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Words of the hash and of the frames, shape (n, 3 + 128); −1 in quiet frames."""
        return Outputs(
            scores=np.stack([np.concatenate([hash_words(s), frame_words(s)]) for s in signals])
            if signals
            else np.zeros((0, len(self.labels)))
        )

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """`audio_hash` and `audio_print` as text; missing where the sound could not be heard."""
        rows = [
            (None, None)
            if np.isnan(words).any()
            else ("".join(map(_text, words[:HASH_WORDS])), "".join(map(_text, words[HASH_WORDS:])))
            for words in scores.to_numpy(dtype=np.float64)
        ]
        return pd.DataFrame(rows, index=scores.index, columns=["audio_hash", "audio_print"], dtype=object)


def hash_words(signal: np.ndarray) -> np.ndarray:
    """The samples, rounded to 16 bits, as a hash of 72 bits in 3 words; equal for equal samples only."""
    rounded = np.round(np.asarray(signal, dtype=np.float64) * 32768).astype("<i4")
    digest = hashlib.blake2b(rounded.tobytes(), digest_size=3 * HASH_WORDS).digest()
    return np.array([int.from_bytes(digest[i : i + 3], "big") for i in range(0, len(digest), 3)], dtype=float)


def frame_words(signal: np.ndarray) -> np.ndarray:
    """The bits of 128 frames about the centre of energy as numbers, shape (128,); −1 where quiet.

    Args:
        signal: at 8 kHz, shape (samples,)
    """
    x = np.asarray(signal, dtype=np.float64)
    # the filter needs a few samples more than a very short clip has
    energy = sosfiltfilt(_band_pass(), np.pad(x, (0, max(200 - len(x), 0))))[: len(x)] ** 2
    if energy.sum() == 0:
        return np.full(FRAMES, SILENT)
    centre = round(float((energy * np.arange(len(x))).sum() / energy.sum()))
    bands = _bands(x, centre - FRAMES // 2 * HOP - WINDOW // 2)
    difference = bands[:, :-1] - bands[:, 1:]
    bits = (difference[1:] > difference[:-1]) @ (2.0 ** np.arange(BITS - 1, -1, -1))
    power = bands[1:].sum(axis=1)
    words: np.ndarray = np.where(power < QUIETER * power.max(), SILENT, bits)
    return words


def _bands(signal: np.ndarray, first: int) -> np.ndarray:
    """Energy of each band in 129 windows, the first of which starts at this sample; shape (129, 25)."""
    span = FRAMES * HOP + WINDOW
    window = np.zeros(span)
    begin, end = max(first, 0), min(len(signal), first + span)
    window[begin - first : end - first] = signal[begin:end]
    frames = np.lib.stride_tricks.sliding_window_view(window, WINDOW)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
    pooled: np.ndarray = spectrum @ _pool()
    return pooled


@cache
def _pool() -> np.ndarray:
    """Which frequency belongs to which band, shape (frequencies, 25)."""
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BITS + 2)
    band = np.searchsorted(edges, np.fft.rfftfreq(WINDOW, 1 / RATE), side="right") - 1
    pool: np.ndarray = (band[:, None] == np.arange(BITS + 1)).astype(np.float64)
    return pool


@cache
def _band_pass() -> np.ndarray:
    sections: np.ndarray = butter(4, [LOWEST_HZ, HIGHEST_HZ], "bandpass", fs=RATE, output="sos")
    return sections


def _text(word: float) -> str:
    return QUIET if word == SILENT else f"{int(word):06x}"
