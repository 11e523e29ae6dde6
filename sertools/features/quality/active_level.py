"""The level of speech without its pauses: ITU-T P.56."""

import math

import numpy as np
from numpy.typing import NDArray

SMOOTHING_S = 0.03
"""Time constant of each of the two filters that smooth the rectified signal."""

HANGOVER_S = 0.2
"""For how long speech counts as active after its envelope has fallen below a threshold."""

MARGIN_DB = 15.9
"""How far the threshold of activity is below the active level."""

THRESHOLDS = 2.0 ** np.arange(-15, 1)
"""Thresholds of the envelope, 6.02 dB apart, from one step of 16-bit samples to full scale."""


def active_level(signal: NDArray[np.floating], rate: int) -> tuple[float, float]:
    """Active level in dB relative to full scale, and active share of the time (ITU-T P.56, method B).

    The envelope is the rectified signal after two first-order filters of 30 ms. For each threshold c,
    activity a(c) counts the samples whose envelope reached c within the last 200 ms, and A(c) = 10
    log10(Σx² / a(c)). The active level is A where A(c) − 20 log10 c = 15.9 dB, interpolated linearly
    between thresholds.

    Args:
        signal: samples in [−1, 1], shape (samples,)
        rate: samples per second

    Returns:
        level and activity in (0, 1]; both nan for digital silence and where the level is below one step

    Source: ITU-T P.56, Objective measurement of active speech level, 2011.

    >>> tone = np.sin(2 * np.pi * 500 * np.arange(160000) / 16000)
    >>> level, activity = active_level(tone, 16000)
    >>> round(level, 2), round(activity, 2)
    (-3.0, 1.0)
    """
    x = np.asarray(signal, dtype=np.float64)
    energy = float(np.square(x).sum())
    if energy == 0:
        return math.nan, math.nan
    g = math.exp(-1 / (rate * SMOOTHING_S))
    from scipy.signal import lfilter  # slow to import

    envelope = lfilter([1 - g], [1, -g], lfilter([1 - g], [1, -g], np.abs(x)))
    hangover = math.ceil(HANGOVER_S * rate)
    counts = np.array([_active(envelope >= c, hangover) for c in THRESHOLDS])
    counts = counts[counts > 0]
    levels = 10 * np.log10(energy / counts)
    margins = levels - 20 * np.log10(THRESHOLDS[: len(counts)])
    if not len(counts) or margins[0] < MARGIN_DB:
        return math.nan, math.nan
    below = np.flatnonzero(margins <= MARGIN_DB)
    if len(below):
        i = below[0]
        part = 0.0 if i == 0 else (margins[i - 1] - MARGIN_DB) / (margins[i - 1] - margins[i])
        level = float(levels[i] if i == 0 else levels[i - 1] + part * (levels[i] - levels[i - 1]))
    else:  # the envelope of so short a clip does not reach 15.9 dB below the level
        level = float(levels[-1])
    return level, min(1.0, energy / len(x) / 10 ** (level / 10))


def _active(reached: NDArray[np.bool_], hangover: int) -> int:
    """Number of samples at which a threshold is reached, or was within the last `hangover` samples."""
    at = np.flatnonzero(reached)
    if not len(at):
        return 0
    after = np.diff(at, append=len(reached))
    return int(np.minimum(after, hangover + 1).sum())
