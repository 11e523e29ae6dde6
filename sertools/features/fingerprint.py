"""Audio fingerprints to find duplicate recordings, robust to changes of level, sampling rate or file format.

The method is that of Haitsma & Kalker (2002): energy differences between neighbouring bands are differenced
again over time, and the signs are bits that depend on the recording but hardly on how it was stored. This
version uses 25 bands between 200 and 2000 Hz on a logarithmic scale, all of which exist in any audio sampled
at 4 kHz or more, windows of 256 ms every 12 ms, and 128 frames around the centre of the energy in that range,
which depends neither on the level nor on silence at the ends. Frames 30 dB below the loudest count as quiet
and are ignored. A recording that was cut within the speech, or clipped hard, is not recognised as the same.

The fingerprint is computed by the engine like a model's predictions, with one column per frame, and cached in
the store, so each corpus is decoded only once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.metrics.fingerprints import BITS, FRAMES, QUIET_FRAME
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs, Signal, Task

RATE = 8000
WINDOW, HOP = 2048, 96
LOWEST_HZ, HIGHEST_HZ = 200.0, 2000.0
QUIETER = 1e-3
"""A frame with less than this fraction of the loudest frame's energy is quiet."""

HASH_WORDS = 3
"""Number of words in the hash of the samples; each has 24 bits, which float32 represents exactly."""

SILENT = -1.0
"""Code of a quiet frame; other frames are 24-bit numbers."""


@dataclass(kw_only=True)
class Prints(LoadedSignalModel):
    """Audio fingerprint and hash of clips, implemented as a model whose scores are 24-bit words."""

    name: str = "fingerprints"
    labels: tuple[str, ...] = (
        *(f"hash_{i}" for i in range(HASH_WORDS)),
        *(f"frame_{i:03d}" for i in range(FRAMES)),
    )
    task: Task = "regression"
    sampling_rate: int = RATE
    shortest: int = 1
    fingerprint: str = "prints-1"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Words of the hash and of the frames, shape (n, 3 + 128); −1 for quiet frames."""
        return Outputs(
            scores=np.stack([np.concatenate([hash_words(s), frame_words(s)]) for s in signals])
            if signals
            else np.zeros((0, len(self.labels)))
        )

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The columns `audio_hash` and `audio_print` as text; missing for clips that could not be decoded."""
        rows = [
            (None, None)
            if np.isnan(words).any()
            else ("".join(map(_text, words[:HASH_WORDS])), "".join(map(_text, words[HASH_WORDS:])))
            for words in scores.to_numpy(dtype=np.float64)
        ]
        return pd.DataFrame(rows, index=scores.index, columns=["audio_hash", "audio_print"], dtype=object)


def hash_words(signal: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """A 72-bit hash of the samples, rounded to 16 bits, in 3 words; equal only for identical samples."""
    rounded = np.round(np.asarray(signal, dtype=np.float64) * 32768).astype("<i4")
    digest = hashlib.blake2b(rounded.tobytes(), digest_size=3 * HASH_WORDS).digest()
    return np.array([int.from_bytes(digest[i : i + 3], "big") for i in range(0, len(digest), 3)], dtype=float)


def frame_words(signal: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The bits of 128 frames around the centre of energy as numbers, shape (128,); −1 for quiet frames.

    Args:
        signal: at 8 kHz, shape (samples,)
    """
    from scipy.signal import sosfiltfilt  # slow to import

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
    words: NDArray[np.float64] = np.where(power < QUIETER * power.max(), SILENT, bits)
    return words


def _bands(signal: NDArray[np.float64], first: int) -> NDArray[np.float64]:
    """Energy of each band in 129 windows, the first starting at sample `first`; shape (129, 25)."""
    span = FRAMES * HOP + WINDOW
    window = np.zeros(span)
    begin, end = max(first, 0), min(len(signal), first + span)
    window[begin - first : end - first] = signal[begin:end]
    frames = np.lib.stride_tricks.sliding_window_view(window, WINDOW)[::HOP]
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
    pooled: NDArray[np.float64] = spectrum @ _pool()
    return pooled


@cache
def _pool() -> NDArray[np.float64]:
    """Membership matrix of frequencies in bands, shape (frequencies, 25)."""
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BITS + 2)
    band = np.searchsorted(edges, np.fft.rfftfreq(WINDOW, 1 / RATE), side="right") - 1
    pool: NDArray[np.float64] = (band[:, None] == np.arange(BITS + 1)).astype(np.float64)
    return pool


@cache
def _band_pass() -> NDArray[np.float64]:
    from scipy.signal import butter  # slow to import

    sections: NDArray[np.float64] = butter(4, [LOWEST_HZ, HIGHEST_HZ], "bandpass", fs=RATE, output="sos")
    return sections


def _text(word: float) -> str:
    return QUIET_FRAME if word == SILENT else f"{int(word):06x}"
