"""How much do groups differ in recall, precision and odds, and languages in the effect of sentiment?"""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.metrics.classification import precision_statistic, rating_bins, recall_statistic
from sertools.metrics.groups import Groups
from sertools.statistics.jackknife import (
    INNER_LEVEL,
    LEVEL,
    MIN_UNITS,
    Estimate,
    group_minus_all,
    jackknife_variance,
)
from sertools.statistics.permutation import NullGap, permuted_gap
from sertools.statistics.proportions import share_bounds
from sertools.statistics.statistic import Statistic, ratio
from sertools.tables.pairs import Pairs

NOT_SHARED = "no class occurs in all groups"


BINS = ("<0.25", "0.25-0.5", "0.5-0.75", "≥0.75")
"""Bins of a dimension; each edge belongs to the bin above it."""


def binned(pairs: Pairs) -> Pairs:
    """Truth and prediction of a dimension as bin codes, with edges at .25/.5/.75."""
    return replace(pairs, truth=rating_bins(pairs.truth), prediction=rating_bins(pairs.prediction))


def class_gaps(pairs: Pairs, groups: Groups, code: int, metric: str) -> list[Estimate]:
    """How much higher is recall or precision of one class in each group than over all clips?

    Only clips in the denominator are used (those of the class for recall, those predicted as the class for
    precision), so n and units count these clips, and speakers without such clips are not counted.

    Args:
        pairs: class codes of truth and prediction
        groups: groups of the same clips
        code: code of the class
        metric: `recall` or `precision`

    Returns:
        one estimate per group; if a group has no such clip, n counts the clips of all groups

    >>> import pandas as pd
    >>> truth, prediction = np.array([0, 1, 1, 0, 1, 1]), np.array([0, 1, 1, 0, 1, 0])
    >>> pairs = Pairs(
    ...     truth=truth, prediction=prediction, unit=np.arange(6), units=6, by_speaker=True,
    ...     clips=pd.RangeIndex(6),
    ... )
    >>> groups = Groups(names=("a", "b"), code=np.array([0, 0, 0, 1, 1, 1]))
    >>> [gap.value for gap in class_gaps(pairs, groups, 1, "recall")]
    [0.25, -0.25]
    """
    inside = (pairs.truth if metric == "recall" else pairs.prediction) == code
    statistic = (recall_statistic if metric == "recall" else precision_statistic)(code)
    part = pairs.take(inside)
    found = group_minus_all(
        statistic, part.truth, part.prediction, part.unit, groups.code[inside], len(groups)
    )
    return [
        one if one.n else replace(one, n=part.n, units=part.units, reason=f"{name} has no clip for {metric}")
        for one, name in zip(found, groups.names, strict=True)
    ]


def extent_statistic(
    statistic: Statistic,
    truth: NDArray[Any],
    prediction: NDArray[Any],
    group: NDArray[np.integer],
    groups: int,
) -> Statistic:
    """Largest minus smallest value over groups, as a statistic of row numbers, named `max_minus_min`.

    Pass `np.arange(n)` as truth and as prediction: the statistic looks the values up by row number.

    Args:
        statistic: the statistic to compare between groups
        truth: shape (n,)
        prediction: shape (n,)
        group: codes 0..groups−1, shape (n,); clips with a negative code are left out
        groups: number of codes
    """

    def sums(
        rows: NDArray[np.integer], _: NDArray[Any], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        inside = group[rows] >= 0
        rows, unit = rows[inside], unit[inside]
        both = unit * groups + group[rows]
        return statistic.sums(truth[rows], prediction[rows], both, units * groups).reshape(units, -1)

    def value(flat: NDArray[np.float64]) -> NDArray[np.float64]:
        values = statistic.value(flat.reshape(*flat.shape[:-1], groups, -1))
        extent: NDArray[np.float64] = values.max(axis=-1) - values.min(axis=-1)
        return extent

    return Statistic(name="max_minus_min", sums=sums, value=value)


def equalised_odds(
    pairs: Pairs,
    groups: Groups,
    classes: int,
    *,
    fewest: int = 1,
    draws: int = 2000,
    rng: np.random.Generator,
    by_chance: NullGap | None = None,
) -> Estimate:
    """How much do true-positive and false-positive rates differ between groups, in [0, 1]?

    The largest difference max − min over groups in the true-positive or the false-positive rate, over all
    classes, each class against the rest (equalised odds difference; Hardt et al. 2016). A class is left out
    if a group has no clips of this class, or only clips of this class, in the truth.

    Because it is a maximum, it is above 0 even if groups do not differ. So the lower end of its interval is
    the largest difference of two rates less its standard error times the quantile of the largest studentised
    difference by chance (group labels permuted over speakers), and 0 if that is negative. The upper end is
    the largest upper end of a single difference: Wilson's bounds of the two rates, joined by MOVER, so that
    the interval never has width 0.

    Args:
        pairs: class codes of truth and prediction
        groups: groups of the same clips; clips in no group are ignored
        classes: number of class codes
        fewest: minimum number of clips of a class in the truth; classes with fewer are left out
        draws: number of permutations
        rng: random generator
        by_chance: the result of `equalised_odds_by_chance` for the same clips, if it is known

    Returns:
        The difference; nan with the reason for fewer than two groups, or if no class can be compared. If a
        speaker is in several groups, labels cannot be permuted, and the lower end is 0.

    >>> import pandas as pd
    >>> truth, prediction = np.array([0, 1, 1, 0, 1, 1]), np.array([0, 1, 1, 0, 1, 0])
    >>> pairs = Pairs(
    ...     truth=truth, prediction=prediction, unit=np.arange(6), units=6, by_speaker=True,
    ...     clips=pd.RangeIndex(6),
    ... )
    >>> groups = Groups(names=("a", "b"), code=np.array([0, 0, 0, 1, 1, 1]))
    >>> equalised_odds(pairs, groups, 2, draws=20, rng=np.random.default_rng(0)).value
    0.5
    """
    part, sums, usable = _confusions(pairs, groups, classes, fewest)
    found = Estimate(value=np.nan, low=np.nan, high=np.nan, n=part.n, units=part.units)
    if len(groups) < 2 or not usable.any():
        return replace(found, reason=_not_shared(fewest))
    rates = _rates(sums.sum(axis=1), usable)
    found = replace(found, value=float(np.ptp(rates, axis=0).max()))
    if sums.any(axis=-1).sum(axis=1).min() < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers in a group")
    if by_chance is None:
        by_chance = equalised_odds_by_chance(pairs, groups, classes, fewest=fewest, draws=draws, rng=rng)
    lowest = {LEVEL: by_chance.low, INNER_LEVEL: by_chance.low_90}

    def bounds(coverage: float) -> tuple[float, float]:
        below, above = np.moveaxis(_rate_bounds(sums, rates, usable, coverage), -1, 0)
        ends = [
            rates[a] - rates[b] + np.hypot(above[a] - rates[a], rates[b] - below[b])
            for a, b in itertools.permutations(range(len(groups)), 2)
        ]
        return float(np.nan_to_num(lowest[coverage])), min(float(np.max(ends)), 1.0)

    return replace(found, reason=by_chance.reason).within(bounds, LEVEL)


def equalised_odds_by_chance(
    pairs: Pairs,
    groups: Groups,
    classes: int,
    *,
    fewest: int = 1,
    draws: int = 2000,
    rng: np.random.Generator,
) -> NullGap:
    """Could the difference of `equalised_odds` be chance, and how large must one be to be detected?

    Group labels are permuted over speakers, as in `statistics.permutation`.

    Args:
        pairs: class codes of truth and prediction
        groups: groups of the same clips; clips in no group are ignored
        classes: number of class codes
        fewest: minimum number of clips of a class in the truth; classes with fewer are left out
        draws: number of permutations
        rng: random generator

    Returns:
        The difference, in [0, 1], its p-value, in (0, 1], the lower ends of its intervals, and the smallest
        detectable difference; nan with the reason for fewer than two groups, or if no class can be compared.

    >>> import pandas as pd
    >>> truth, prediction = np.array([0, 1, 1, 0, 1, 1]), np.array([0, 1, 1, 0, 1, 0])
    >>> pairs = Pairs(
    ...     truth=truth, prediction=prediction, unit=np.arange(6), units=6, by_speaker=True,
    ...     clips=pd.RangeIndex(6),
    ... )
    >>> groups = Groups(names=("a", "b"), code=np.array([0, 0, 0, 1, 1, 1]))
    >>> equalised_odds_by_chance(pairs, groups, 2, draws=20, rng=np.random.default_rng(0)).observed
    0.5
    """
    _, sums, usable = _confusions(pairs, groups, classes, fewest)
    if len(groups) < 2 or not usable.any():
        return NullGap(observed=np.nan, reason=_not_shared(fewest))
    clips = sums.sum(axis=-1)
    return permuted_gap(
        lambda counts: _rates(counts, usable), sums, clips, what="equalised odds", draws=draws, rng=rng
    )


def too_few(pairs: Pairs, groups: Groups) -> list[str]:
    """Names of the groups with fewer than 5 speakers (or clips, without speaker labels)."""
    return [
        name
        for code, name in enumerate(groups.names)
        if len(np.unique(pairs.unit[groups.code == code])) < MIN_UNITS
    ]


def large_enough(pairs: Pairs, groups: Groups) -> Groups:
    """The groups with at least 5 speakers; all groups if fewer than two have that many.

    A single speaker would inflate the largest difference between groups, and all differences by chance.
    """
    small = too_few(pairs, groups)
    large = [code for code, name in enumerate(groups.names) if name not in small]
    return groups.only(large) if len(large) > 1 else groups


def _confusions(
    pairs: Pairs, groups: Groups, classes: int, fewest: int
) -> tuple[Pairs, NDArray[np.float64], NDArray[np.bool_]]:
    """The clips in groups, their confusion counts (groups, units, classes²), and which classes are usable.

    A class is usable if every group has clips of it and of other classes, and it has enough clips in total.
    """
    part, code = pairs.take(groups.code >= 0), groups.code[groups.code >= 0]
    size = classes * classes
    cell = (code * part.units + part.unit) * size + part.truth * classes + part.prediction
    # weights of 1, or there would be a second array of this size, of integers
    cells = len(groups) * part.units * size
    counts = np.bincount(cell, weights=np.ones(len(cell)), minlength=cells).astype(np.float64, copy=False)
    sums = counts.reshape(len(groups), part.units, size)
    whole = sums.sum(axis=1).reshape(-1, classes, classes).sum(axis=-1)
    usable = ((whole > 0) & (whole < whole.sum(axis=1, keepdims=True))).all(axis=0)
    usable &= whole.sum(axis=0) >= fewest
    return part, sums, usable


def _not_shared(fewest: int) -> str:
    return NOT_SHARED + (f" and has {fewest} clips" if fewest > 1 else "")


def _rates(flat: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """True-positive and false-positive rates (..., 2 · usable classes) of counts (..., classes²)."""
    return ratio(*_hits_and_clips(flat, usable))


def _hits_and_clips(
    flat: NDArray[np.float64], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numerators and denominators of the rates, each (..., 2 · usable classes), of counts (..., classes²)."""
    counts = flat.reshape(*flat.shape[:-1], len(usable), len(usable))
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    true, answered = counts.sum(axis=-1), counts.sum(axis=-2)
    rest = counts.sum(axis=(-2, -1))[..., None] - true
    return (
        np.concatenate([right[..., usable], (answered - right)[..., usable]], axis=-1),
        np.concatenate([true[..., usable], rest[..., usable]], axis=-1),
    )


def _rate_bounds(
    sums: NDArray[np.float64], rates: NDArray[np.float64], usable: NDArray[np.bool_], level: float
) -> NDArray[np.float64]:
    """Wilson's bounds (groups, rates, 2) of rates (groups, rates), given counts (groups, units, classes²)."""
    hits, clips = _hits_and_clips(sums, usable)
    found = np.empty((*rates.shape, 2))
    for group, rate in np.ndindex(rates.shape):
        n, right = clips[group, :, rate], hits[group, :, rate]
        n, right = n[n > 0], right[n > 0]
        variance = jackknife_variance(ratio(right.sum() - right, n.sum() - n))
        share = float(rates[group, rate])
        found[group, rate] = share_bounds(share, float(np.nan_to_num(variance)), n, level=level)
    return found
