"""How well does a score separate two kinds of pairs or clips? Equal error rate and area under the
curve.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance
from sertools.statistics.statistic import ratio

BINS = 2000
"""Number of bins in which scores are counted, so that leaving a speaker out is a subtraction."""


def eer(same: ArrayLike, different: ArrayLike) -> float:
    """At which rate are as many pairs of one speaker rejected as pairs of two are accepted, in [0, 1]?

    The equal error rate: FRR(t) = share of `same` below t, FAR(t) = share of `different` at or above t, at
        the threshold where both are equal, interpolated between two thresholds. .5 is chance, 0 is perfect;
        nan if one side is empty.

    Args:
        same: scores of pairs of clips by one speaker; higher means more alike
        different: scores of pairs of clips by two speakers

    >>> eer([3, 4, 5], [0, 1, 2]), eer([0, 1], [0, 1])
    (0.0, 0.5)
    """
    a, b = np.asarray(same, dtype=np.float64), np.asarray(different, dtype=np.float64)
    edges = np.unique(np.concatenate([a, b]))
    counts = [np.bincount(np.searchsorted(edges, x), minlength=len(edges)) for x in (a, b)]
    return float(eer_of_counts(counts[0].astype(np.float64), counts[1].astype(np.float64)))


def eer_of_counts(same: NDArray[np.float64], different: NDArray[np.float64]) -> NDArray[np.float64]:
    """The equal error rate from counts of scores in increasing bins, shape (...,).

    Args:
        same: number of pairs of one speaker in each bin, shape (..., bins)
        different: the same of pairs of two speakers
    """
    zero = np.zeros((*same.shape[:-1], 1))
    below = np.concatenate([zero, np.cumsum(same, axis=-1)], axis=-1)
    above = different.sum(axis=-1, keepdims=True) - np.concatenate(
        [zero, np.cumsum(different, axis=-1)], axis=-1
    )
    frr, far = ratio(below, below[..., -1:]), ratio(above, above[..., :1])
    apart = frr - far  # −1 at the lowest threshold, 1 at the highest
    at = np.argmax(apart >= 0, axis=-1)[..., None]
    after, before = (np.take_along_axis(apart, np.maximum(i, 0), axis=-1) for i in (at, at - 1))
    share = ratio(-before, after - before)
    first, second = (np.take_along_axis(frr, np.maximum(i, 0), axis=-1) for i in (at - 1, at))
    rate = first + share * (second - first)
    defined = np.isfinite(apart).all(axis=-1)
    return np.where(defined, rate[..., 0], np.nan)


def auc(higher: ArrayLike, lower: ArrayLike) -> float:
    """How often does a value of the first kind exceed one of the second, ties counting half, in [0, 1]?

    The area under the receiver operating characteristic (Mann-Whitney U / (n m)). .5 is chance; nan if one
    side is empty.

    >>> auc([2, 3], [1, 2])
    0.875
    """
    a, b = np.asarray(higher, dtype=np.float64), np.asarray(lower, dtype=np.float64)
    if not len(a) or not len(b):
        return float("nan")
    order = np.sort(b)
    wins = np.searchsorted(order, a, side="left") + np.searchsorted(order, a, side="right")
    return float(wins.sum() / 2 / (len(a) * len(b)))


def auc_within(
    value: NDArray[np.float64],
    first: NDArray[np.bool_],
    stratum: NDArray[np.integer],
    unit: NDArray[np.integer],
) -> Estimate:
    """How often does a clip of the first kind have a higher value than one of the second in the same stratum?

    The area under the curve over all such pairs, with the jackknife over units, each of which is left out
    with all pairs that it is part of, and Student's t with the units of the smaller side minus 1.

    Args:
        value: shape (n,)
        first: the clips of the first kind, shape (n,)
        stratum: codes from 0; only clips with equal codes are compared, shape (n,)
        unit: codes, shape (n,)
    """
    codes, index = np.unique(unit, return_inverse=True)
    total, inside = np.zeros(2), np.zeros((len(codes), 2))
    of_unit = np.zeros((len(codes), 2))
    for code in np.unique(stratum):
        here = np.flatnonzero(stratum == code)
        a, b = here[first[here]], here[~first[here]]
        won, lost = _wins(value[a], value[b]), len(a) - _wins(value[b], value[a])
        total += [won.sum(), len(a) * len(b)]
        # each unit with all clips of the other kind: its own of the first kind, and its own of the second
        of_unit[:, 0] += np.bincount(index[a], won, len(codes)) + np.bincount(index[b], lost, len(codes))
        of_unit[:, 1] += np.bincount(index[a], minlength=len(codes)) * len(b)
        of_unit[:, 1] += np.bincount(index[b], minlength=len(codes)) * len(a)
        inside += _within_units(value, a, b, index, len(codes))
    area = float(ratio(total[0], total[1]))
    found = Estimate(value=area, low=np.nan, high=np.nan, n=len(value), units=len(codes))
    if np.isnan(area):
        return replace(found, reason="there is no pair to compare")
    fewest = min(len(np.unique(index[side])) for side in (first, ~first))
    if fewest < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers on one side")

    # the pairs of a unit with itself are taken away twice
    left = total - of_unit + inside
    left_out = ratio(left[:, 0], left[:, 1])
    if np.isnan(left_out).any():
        return replace(found, reason="undefined when one speaker is left out")
    error = float(np.sqrt(jackknife_variance(left_out)))

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(fewest - 1, (1 + coverage) / 2)) * error
        return max(area - half, 0.0), min(area + half, 1.0)

    return found.within(bounds, 0.95)


def _wins(value: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many of the others each value exceeds, ties counting half, shape (n,)."""
    order = np.sort(others)
    below: NDArray[np.float64] = (
        np.searchsorted(order, value, side="left") + np.searchsorted(order, value, side="right")
    ) / 2
    return below


def _within_units(
    value: NDArray[np.float64],
    a: NDArray[np.integer],
    b: NDArray[np.integer],
    index: NDArray[np.integer],
    units: int,
) -> NDArray[np.float64]:
    """Wins and pairs between clips a and b of the same unit, shape (units, 2)."""
    found = np.zeros((units, 2))
    for unit in np.intersect1d(index[a], index[b]):
        own, other = a[index[a] == unit], b[index[b] == unit]
        found[unit] = _wins(value[own], value[other]).sum(), len(own) * len(other)
    return found
