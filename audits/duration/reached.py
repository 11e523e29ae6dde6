"""The length, or time, from which a score is good enough."""

import numpy as np
from numpy.typing import NDArray


def shortest_length(
    scores: NDArray[np.float64], whole: NDArray[np.float64], lengths: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """The length from which scores reach a share of the score on whole clips, shape (…); nan if none does.

    Args:
        scores: at each length, shape (…, l)
        whole: on whole clips, shape (…)
        lengths: rising, shape (l,)
        share: of `whole` that must be reached

    >>> lengths = np.array([1.0, 2.0, 4.0])
    >>> round(float(shortest_length(np.array([0.5, 0.9, 1.0]), np.array(1.0), lengths, 0.95)), 6)
    3.0
    """
    target = share * whole[..., None]
    reached = scores >= target
    # a length counts only if all longer ones reach the target too
    onwards = np.flip(np.logical_and.accumulate(np.flip(reached, -1), axis=-1), -1)
    first = onwards.argmax(axis=-1)
    before = np.maximum(first - 1, 0)

    def at(values: NDArray[np.float64], index: NDArray[np.integer]) -> NDArray[np.float64]:
        return np.take_along_axis(values, index[..., None], -1)[..., 0]

    low, high = at(scores, before), at(scores, first)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(first > 0, (target[..., 0] - low) / (high - low), 1.0)
    found = lengths[before] + part * (lengths[first] - lengths[before])
    defined = onwards.any(axis=-1) & np.isfinite(scores).all(axis=-1) & (whole > 0)
    return np.where(defined, np.where(first > 0, found, lengths[0]), np.nan)
