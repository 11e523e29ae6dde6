"""Sets of classes and intervals of ratings that contain the truth for unseen speakers."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate

from .answers import Answers


@dataclass(frozen=True, kw_only=True)
class Sets:
    """Sets or intervals for speakers that took no part in the calibration.

    Attributes:
        coverage: share of the clips of a speaker that lie in their set, averaged over speakers
        size: mean number of classes of a set, or width of an interval, averaged over speakers
        bound: the bound of the scores: a class is in the set if its probability is at least 1 − bound, a
            rating if it is within bound of the prediction; infinite with too few speakers
    """

    coverage: Estimate
    size: Estimate
    bound: float


def sets(calibration: Answers, tested: Answers, miss: float) -> Sets:
    """Coverage and size of sets on some speakers, calibrated on others.

    The score of a clip is 1 − probability of the true class, or |t − p|. The bound is the 1 − `miss` quantile
    of the scores in which each of K speakers has the weight 1 / (K + 1), shared among the speaker's clips,
    and a speaker who is always missed has the rest. Then a clip of another speaker of the same kind lies in
    its set with a probability of at least 1 − `miss`.

    Args:
        calibration: labelled clips of some speakers
        tested: labelled clips of others
        miss: share of clips that may lie outside

    Source: Lee, Barber & Willett, Distribution-free inference with hierarchical data, 2023.
    """
    bound = bound_of(nonconformity(calibration), calibration.unit, miss)
    codes, unit = np.unique(tested.unit, return_inverse=True)
    clips = np.bincount(unit, minlength=len(codes))
    inside, size = nonconformity(tested) <= bound, _sizes(tested, bound)
    covered, sizes = (
        np.bincount(unit, weights=each, minlength=len(codes)) / np.maximum(clips, 1)
        for each in (inside, size)
    )
    return Sets(
        coverage=_over_speakers(covered, len(unit), (0.0, 1.0)),
        size=_over_speakers(sizes, len(unit), (0.0, np.inf)),
        bound=bound,
    )


def nonconformity(answers: Answers) -> NDArray[np.float64]:
    """How badly each labelled clip fits its prediction, shape (n,)."""
    if answers.is_emotion:
        rows = np.arange(len(answers.truth))
        likely: NDArray[np.float64] = answers.scores[rows, answers.truth.astype(np.int64)]
        return 1 - likely
    found: NDArray[np.float64] = np.abs(answers.scores[:, 0] - answers.truth)
    return found


def bound_of(scores: NDArray[np.float64], unit: NDArray[np.integer], miss: float) -> float:
    """The weighted 1 − miss quantile of the scores, infinite if the speakers are too few.

    >>> bound_of(np.arange(9.0), np.arange(9), 0.1), bound_of(np.arange(8.0), np.arange(8), 0.1)
    (8.0, inf)
    """
    codes, index, counts = np.unique(unit, return_inverse=True, return_counts=True)
    weight = 1 / ((len(codes) + 1) * counts[index])
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weight[order]) >= 1 - miss - 1e-12
    return float(scores[order][reached.argmax()]) if reached.any() else math.inf


def _sizes(answers: Answers, bound: float) -> NDArray[np.float64]:
    """Size of the set of each clip: number of classes, or width of the interval on the scale from 0 to 1."""
    if answers.is_emotion:
        return np.asarray((1 - answers.scores <= bound).sum(axis=1), dtype=np.float64)
    p = answers.scores[:, 0]
    width: NDArray[np.float64] = np.minimum(p + bound, 1.0) - np.maximum(p - bound, 0.0)
    return np.maximum(width, 0.0)


def _over_speakers(values: NDArray[np.float64], n: int, ends: tuple[float, float]) -> Estimate:
    """The mean over speakers with Student's t; one more speaker at each end, so that its width is never 0."""
    units = len(values)
    found = Estimate(
        value=float(values.mean()) if units else np.nan, low=np.nan, high=np.nan, n=n, units=units
    )
    if units < MIN_UNITS:
        return Estimate(
            value=found.value,
            low=np.nan,
            high=np.nan,
            n=n,
            units=units,
            reason=f"fewer than {MIN_UNITS} speakers",
        )
    error = float(values.std(ddof=1)) / math.sqrt(units)
    if math.isfinite(ends[1]):
        share = (float(values.sum()) + 0.5) / (units + 1)
        error = max(error, math.sqrt(share * (1 - share) / n))

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(units - 1, (1 + coverage) / 2)) * error
        return max(found.value - half, ends[0]), min(found.value + half, ends[1])

    return found.within(bounds, 0.95)
