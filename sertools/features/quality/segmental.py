"""The distance of one signal from another, frame by frame: segmental signal-to-noise ratio."""

import math

import numpy as np
from numpy.typing import NDArray

FRAME_S, HOP_S = 0.03, 0.015
LOWEST_DB, HIGHEST_DB = -10.0, 35.0
"""Range to which the ratio of each frame is limited, so that single frames do not decide the mean."""

SPEECH_DB = 40.0
"""Frames of the reference that are quieter than the loudest one by more than this do not count."""

FARTHEST_S = 0.25
"""Largest shift in time that is looked for."""

Signal = NDArray[np.floating]


def aligned(reference: Signal, changed: Signal, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both signals where they overlap, after the shift in time at which they correlate most.

    Args:
        reference: shape (samples,)
        changed: of any other length
        rate: samples per second

    Returns:
        two signals of one length, which may be 0
    """
    x, y = (np.asarray(each, dtype=np.float64) for each in (reference, changed))
    if not len(x) or not len(y):
        return x[:0], y[:0]
    from scipy.signal import correlate  # slow to import

    products = correlate(y, x, method="fft")
    lags = np.arange(-len(x) + 1, len(y))
    near = np.abs(lags) <= FARTHEST_S * rate
    # a shift must be better than none by more than rounding
    best = int(lags[near][np.argmax(products[near])])
    unshifted = products[lags == 0][0]
    if products[near].max() <= unshifted + 1e-9 * abs(unshifted):
        best = 0
    x, y = x[max(0, -best) :], y[max(0, best) :]
    n = min(len(x), len(y))
    return x[:n], y[:n]


def segmental_snr(reference: Signal, changed: Signal, rate: int) -> float:
    """Mean over frames of 10 log10(Σx² / Σ(x − y)²) in dB, each limited to −10 to 35 dB.

    Frames of 30 ms every 15 ms; only those within 40 dB of the loudest frame of the reference count. A change
    of the level counts as noise, a shift in time does not, see `aligned`.

    Args:
        reference: shape (samples,)
        changed: of any other length
        rate: samples per second

    Returns:
        dB in [−10, 35]; nan for digital silence and for less than a frame

    Source: Hansen & Pellom, An effective quality evaluation protocol for speech enhancement algorithms, 1998.

    >>> x = np.sin(np.arange(16000) / 5)
    >>> segmental_snr(x, x, 16000), round(segmental_snr(x, 0.9 * x, 16000), 6)
    (35.0, 20.0)
    """
    x, y = aligned(reference, changed, rate)
    frame, hop = round(FRAME_S * rate), round(HOP_S * rate)
    if len(x) < frame or not x.any():
        return math.nan
    signal, noise = (_energies(each, frame, hop) for each in (x, x - y))
    loud = signal > signal.max() * 10 ** (-SPEECH_DB / 10)
    with np.errstate(divide="ignore"):
        ratios = 10 * np.log10(signal[loud] / noise[loud])
    return float(np.clip(ratios, LOWEST_DB, HIGHEST_DB).mean())


def _energies(x: NDArray[np.float64], frame: int, hop: int) -> NDArray[np.float64]:
    """Sum of squares of each frame."""
    frames = np.lib.stride_tricks.sliding_window_view(x, frame)[::hop]
    energies: NDArray[np.float64] = np.square(frames).sum(axis=1)
    return energies
