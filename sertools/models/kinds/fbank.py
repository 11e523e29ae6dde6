"""Filter banks, the baseline below every encoder: `fbank`, as in EMO-SUPERB, or `fbank:no-cmvn`. No weights.

Kaldi's log-mel energies (80 bands from 20 Hz, windows of 25 ms every 10 ms, pre-emphasis .97, the window
named after Povey) with their first and second differences over time, 240 values per frame, as s3prl's
upstream `fbank` computes them. There are no scores: audits of layers apply, and a head can be trained on the
frames. `fbank` scales every value to mean 0 and standard deviation 1 over each clip, so the mean over time
that probes read is 0 and says nothing; `fbank:no-cmvn` leaves the values as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError, nearest
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedSignalModel, signal_facts
from sertools.models.model import Frames, Outputs, Signal

SCHEME = "fbank"
ALONE = True
"""Whether the name of the kind is enough, without anything after it."""

RATE_HZ = 16000
WINDOW, HOP, FFT = 400, 160, 512
"""In samples."""

BANDS = 80
LEAST = 1.1920928955078125e-07
"""Smallest energy of which a logarithm is taken: the machine epsilon of float32, as in Kaldi."""

EPSILON = 1e-10
"""Added to standard deviations."""

CANCELLED = 1e-5
"""A mean over time below this is what rounding leaves of 0."""

NORMALISED = (
    "Every value has the mean 0 over each clip, so probes and maps of means over time find nothing in this "
    "model; --model fbank:no-cmvn keeps the means."
)


@dataclass(kw_only=True)
class FilterBanks(LoadedSignalModel):
    """Log-mel energies and their differences; see `Model`.

    Attributes:
        normalised: whether every value is scaled to mean 0 and standard deviation 1 over each clip
    """

    normalised: bool

    has_frames = True
    """The values have a time axis."""

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """No scores (n, 0); the only layer is the mean over time, (n, 1, 240)."""
        return self._outputs([self.frames(signal) for signal in signals], layers)

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """The same with the values of each frame."""
        states = [self.frames(signal) for signal in signals]
        first, step = WINDOW / 2 / RATE_HZ, HOP / RATE_HZ
        return self._outputs(states, True), [
            Frames(states=(each,), first_s=(first,), step_s=(step,)) for each in states
        ]

    def frames(self, signal: Signal) -> NDArray[np.float32]:
        """The values of each frame of a signal (samples,), shape (frames, 240)."""
        bands = log_mel(signal)
        rises = differences(bands)
        found = np.concatenate([bands, rises, differences(rises)], axis=1)
        if self.normalised:
            found = (found - found.mean(axis=0)) / (EPSILON + found.std(axis=0, ddof=1))
        return found.astype(np.float32)

    def _outputs(self, states: Sequence[NDArray[np.float32]], layers: bool) -> Outputs:
        scores = np.empty((len(states), 0), dtype=np.float32)
        if not layers:
            return Outputs(scores=scores)
        means = np.stack([each.mean(axis=0, dtype=np.float64) for each in states])[:, None]
        if self.normalised:
            means[np.abs(means) < CANCELLED] = 0.0
        return Outputs(scores=scores, layers=means.astype(np.float32))


def log_mel(signal: Signal) -> NDArray[np.float64]:
    """Kaldi's log-mel energies of a signal (samples,) at 16 kHz, shape (frames, 80)."""
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    filters = mel_filter_bank(
        num_frequency_bins=FFT // 2 + 1,
        num_mel_filters=BANDS,
        min_frequency=20,
        max_frequency=RATE_HZ // 2,
        sampling_rate=RATE_HZ,
        norm=None,
        mel_scale="kaldi",
        triangularize_in_mel_space=True,
    )
    found = spectrogram(
        signal.astype(np.float64),
        window_function(WINDOW, "povey", periodic=False),
        frame_length=WINDOW,
        hop_length=HOP,
        fft_length=FFT,
        power=2.0,
        center=False,
        preemphasis=0.97,
        mel_filters=filters,
        log_mel="log",
        mel_floor=LEAST,
        remove_dc_offset=True,
        dtype=np.float64,
    )
    return np.asarray(found.T, dtype=np.float64)


def differences(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences over time by regression over five frames; the ends are repeated.

    Σ n (c[t+n] − c[t−n]) / (2 Σ n²) for n = 1, 2.

    Args:
        values: shape (frames, d)

    >>> differences(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]))[2].item()
    1.0
    """
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    n = len(values)
    near, far = padded[3 : n + 3] - padded[1 : n + 1], padded[4 : n + 4] - padded[:n]
    return np.asarray((near + 2 * far) / 10)


def load(rest: str, options: LoadOptions) -> FilterBanks:
    """The filter banks, normalised by clip unless `rest` is `no-cmvn`.

    Raises:
        ModelError: there is no such variant
    """
    if rest not in {"", "no-cmvn"}:
        raise ModelError(f"no filter banks {rest!r}", hint=nearest(rest, ["no-cmvn"]))
    name = f"fbank-{rest}" if rest else "fbank"
    return FilterBanks(
        name=name,
        labels=(),
        task="encoder",
        sampling_rate=RATE_HZ,
        shortest=WINDOW + HOP,
        fingerprint=f"{name}-1",
        facts=signal_facts(
            "filter banks",
            "built in",
            {
                "architecture": f"{BANDS} log-mel energies and their differences",
                "parameters": 0,
                "head": "none",
            },
            labels=(),
            task="encoder",
            sampling_rate=RATE_HZ,
            further={
                "features": f"windows of {WINDOW} samples every {HOP}"
                + ("" if rest else ", every value scaled over each clip"),
                "notes": [] if rest else [NORMALISED],
            },
        ),
        normalised=not rest,
    )
