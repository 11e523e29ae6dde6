"""Describes how a clip was recorded: rate, channels, level, clipping, offset, bandwidth, silence."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sertools.audio.decoding import opened
from sertools.audio.files import Signal

FRAME_S = 0.02
QUIETER_DB = 50.0
"""A frame whose level is this far below that of the loudest frame is silence."""

CLIPPED_SHARE = 0.001
"""From this share of samples in flat peaks on, a clip counts as clipped."""

OFFSET = 0.1
"""From this ratio of mean and standard deviation on, a clip has a constant offset."""

BANDWIDTH_DB = 70.0
"""Frequencies whose power is this far below that of the strongest one are not in the signal."""

FEWEST_FRAMES, MOST_SNR_DB = 10, 100.0
"""Fewest frames of which a signal-to-noise ratio is estimated, and its largest value."""

SPECTRUM = 1024
"""Number of samples in a window of the spectrum."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """How a clip was recorded and stored.

    Attributes:
        rate: samples per second of the file
        channels: number of channels of the file
        opposed: whether the first two channels have opposite polarity, so that their mean cancels speech
        polarity: skewness of the residual of linear prediction, whose sign is that of the polarity; nan if
            too short (Drugman 2013)
        peak: largest absolute sample, 1 is full scale
        clipped: share of samples in flat peaks, in [0, 1]
        offset: mean divided by standard deviation; nan for digital silence
        bandwidth_hz: highest frequency with power; nan if too short
        silence: share of frames of 20 ms that are silent, in [0, 1]
    """

    rate: int
    channels: int
    opposed: bool
    polarity: float
    peak: float
    clipped: float
    offset: float
    bandwidth_hz: float
    silence: float


def recording(path: Path, signal: Signal, rate: int) -> Recording:
    """How a clip was recorded and stored.

    Args:
        path: its file
        signal: the clip at the file's own rate, shape (samples,)
        rate: samples per second

    Raises:
        AudioError: the file cannot be decoded
    """
    channels, opposed = _channels(path)
    samples = signal.astype(np.float64)
    deviation = float(samples.std())
    return Recording(
        rate=rate,
        channels=channels,
        opposed=opposed,
        polarity=residual_skewness(samples, rate),
        peak=float(np.abs(samples).max()),
        clipped=clipped_share(samples),
        offset=float(samples.mean()) / deviation if deviation > 0 else float("nan"),
        bandwidth_hz=bandwidth_hz(samples, rate),
        silence=silent_share(samples, rate),
    )


def clipped_share(samples: npt.NDArray[np.float64]) -> float:
    """Share of samples in runs of three or more at the largest value of either sign, in [0, 1].

    >>> clipped_share(np.array([0.0, 1, 1, 1, 0, -0.5, -1, 0.2]))
    0.375
    """
    found = 0
    for side in (samples, -samples):
        top = float(side.max())
        if top > 0:
            at_top = np.concatenate(([False], side >= top * (1 - 1e-4), [False]))
            edges = np.flatnonzero(np.diff(at_top.astype(np.int8)))
            runs = edges[1::2] - edges[::2]
            found += int(runs[runs >= 3].sum())
    return found / len(samples)


def bandwidth_hz(samples: npt.NDArray[np.float64], rate: int) -> float:
    """Highest frequency whose mean power is at most 70 dB below that of the strongest; nan if too short."""
    if len(samples) < SPECTRUM or not samples.any():
        return float("nan")
    from scipy.signal import welch

    frequencies, power = welch(samples, rate, window="blackmanharris", nperseg=SPECTRUM, detrend="constant")
    present = power >= power.max() * 10 ** (-BANDWIDTH_DB / 10)
    return float(frequencies[present].max())


def residual_skewness(samples: npt.NDArray[np.float64], rate: int) -> float:
    """Skewness of the linear prediction residual of a signal; nan if it is too short or constant.

    The pulses of the voice remain, and they all point to one side. The order of the prediction is two more
    than the sampling rate in kHz.
    """
    order = 2 + rate // 1000
    centred = samples - samples.mean()
    if len(centred) < SPECTRUM or not centred.any():
        return float("nan")
    from scipy.linalg import solve_toeplitz
    from scipy.signal import lfilter
    from scipy.stats import skew

    lags = np.array([centred[: len(centred) - k] @ centred[k:] for k in range(order + 1)])
    lags[0] *= 1 + 1e-6  # a signal without high frequencies has a singular matrix
    prediction = solve_toeplitz(lags[:order], lags[1:])
    return float(skew(lfilter(np.concatenate(([1.0], -prediction)), [1.0], centred)))


def silent_share(samples: npt.NDArray[np.float64], rate: int) -> float:
    """Share of frames of 20 ms that are 50 dB or more below the loudest one, in [0, 1].

    >>> silent_share(np.repeat([0.5, 0.0, 0.0, 0.5], 320), 16000)
    0.5
    """
    size = max(1, min(round(FRAME_S * rate), len(samples)))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    energy = (frames**2).mean(axis=1)
    return float((energy <= energy.max() * 10 ** (-QUIETER_DB / 10)).mean())


def level_db(samples: npt.NDArray[np.float64]) -> float:
    """Root mean square of a signal in dB, 0 for a full-scale square wave; −inf for digital silence.

    >>> round(level_db(np.array([0.1, -0.1])), 6)
    -20.0
    """
    power = float((samples**2).mean())
    return 10 * float(np.log10(power)) if power > 0 else -float("inf")


def snr_db(samples: npt.NDArray[np.float64], rate: int) -> float:
    """Estimated signal-to-noise ratio in dB: speech is the 95th, noise the 10th percentile of frame powers.

    Of frames of 20 ms; 10 log10((P95 − P10) / P10). It needs pauses: without them speech counts as noise, and
    the estimate is too low. nan for a clip with fewer than 10 frames; at most 100 dB, as for a clip whose
    pauses are digital silence.

    >>> noise = np.tile([0.001, -0.001], 1600)
    >>> round(snr_db(np.concatenate([noise, 1000 * noise]), 16000), 2)
    60.0
    """
    size = max(1, round(FRAME_S * rate))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    if len(frames) < FEWEST_FRAMES:
        return float("nan")
    noise, speech = np.percentile((frames**2).mean(axis=1), [10, 95])
    if speech <= noise:
        return 0.0 if speech > 0 else float("nan")
    return min(10 * float(np.log10((speech - noise) / max(noise, speech * 1e-10))), MOST_SNR_DB)


def _channels(path: Path) -> tuple[int, bool]:
    """Number of channels, and whether the first two have opposite polarity where the file begins to sound."""
    with opened(path) as sound:
        for block in sound.blocks():
            if block.shape[1] == 1:
                return 1, False
            pair = block[:, :2].astype(np.float64)
            energy = float((pair**2).sum())
            if energy > 0:
                return block.shape[1], bool(2 * (pair[:, 0] * pair[:, 1]).sum() < -0.9 * energy)
            channels = block.shape[1]
    return channels, False
