"""Joins the first half of one clip with the second half of another."""

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AudioError
from sertools.tables.condition import NOT_LONGER

FRAME_S = 0.02
FADE_S = 0.01
MIDDLE = (0.35, 0.65)
"""Part of a clip, of its length without silence at the ends, in which it is cut."""

SILENT_DB = -40.0
"""Frames this far below the loudest one at either end do not belong to the speech."""


def spliced(first: NDArray[np.float32], second: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """The first half of one signal and the second half of the other, cross-faded for 10 ms, shape (samples,).

    Each is cut at its quietest frame of 20 ms in the middle, between 35 and 65 % of its speech.

    Args:
        first: shape (samples,)
        second: shape (samples,)
        rate: samples per second

    Raises:
        AudioError: a signal is shorter than a tenth of a second, or silent
    """
    before, after = first[: middle(first, rate)], second[middle(second, rate) :]
    fade = min(round(FADE_S * rate), len(before), len(after))
    rise = np.linspace(0, 1, fade + 2, dtype=np.float32)[1:-1]
    joint = before[len(before) - fade :] * (1 - rise) + after[:fade] * rise
    return np.concatenate([before[: len(before) - fade], joint, after[fade:]]).astype(np.float32)


def after_change(
    before: NDArray[np.float32], after: NDArray[np.float32], rate: int, since_s: float, window_s: float
) -> NDArray[np.float32]:
    """The last seconds of two clips, one after the other, some time after the second one began.

    Args:
        before: the first clip, shape (samples,); if it is short, the window is shorter
        after: the second clip, shape (samples,)
        rate: samples per second
        since_s: time since the second clip began, in s
        window_s: length of the window, in s, at least `since_s`

    Raises:
        AudioError: the second clip is not longer than that
    """
    heard, window = round(since_s * rate), round(window_s * rate)
    if len(after) <= heard:
        raise AudioError(f"a clip of {len(after) / rate:.2f} s {NOT_LONGER} {since_s:g} s")
    joined = np.concatenate([before[max(0, len(before) - (window - heard)) :], after[:heard]])
    return joined[-window:].astype(np.float32)


def middle(signal: NDArray[np.float32], rate: int) -> int:
    """The sample at which a signal is cut: the middle of its quietest frame near the middle of the speech.

    Raises:
        AudioError: the signal is shorter than a tenth of a second, or silent
    """
    frame = round(FRAME_S * rate)
    n = len(signal) // frame
    if n < 5 or not signal.any():
        raise AudioError("the clip is too short to be spliced, or silent")
    power = np.square(signal[: n * frame].reshape(n, frame), dtype=np.float64).mean(axis=1)
    speech = np.flatnonzero(power > power.max() * 10 ** (SILENT_DB / 10))
    low, length = speech[0], speech[-1] - speech[0] + 1
    start, end = (int(low + part * length) for part in MIDDLE)
    return int((start + power[start : max(end, start + 1)].argmin()) * frame + frame // 2)
