"""How much do two crossed factors move answers, and what share of both is due to the first?

The effects of a factor are differences between its levels, within one speaker and at equal levels of the
other factor. The mean product of the differences of two *different* speakers is an unbiased estimate of
their consistent square: neither the noise of single answers nor what is peculiar to one speaker adds to it.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance

STEPS = 2001
"""Shares that are tried for the ends of an interval, from 0 to 1."""


def differences(
    values: NDArray[np.float64],
    unit: NDArray[np.integer],
    level: NDArray[np.integer],
    other: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Differences between all pairs of levels of a factor, within units, at equal levels of another factor.

    Args:
        values: answers, finite, shape (n, c)
        unit: speaker codes 0..G−1, shape (n,)
        level: codes of the factor, shape (n,)
        other: codes of the other factor, shape (n,)

    Returns:
        shape (G, pairs of levels, c): the mean over levels of the other factor in which a unit has both; nan
        if there is none

    >>> values = np.array([[1.0], [3.0], [2.0], [6.0]])
    >>> differences(values, np.zeros(4, int), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))[0, 0].tolist()
    [-3.0]
    """
    units, levels, others = (int(codes.max(initial=-1)) + 1 for codes in (unit, level, other))
    first, second = (np.array(x, dtype=int) for x in zip(*combinations(range(levels), 2), strict=True))
    found = np.full((units, len(first), values.shape[1]), np.nan)
    for i in range(units):
        own = unit == i
        cell = level[own] * others + other[own]
        n = np.bincount(cell, minlength=levels * others).astype(float)
        sums = [np.bincount(cell, weights=column, minlength=levels * others) for column in values[own].T]
        means = np.stack(sums, axis=-1) / np.where(n > 0, n, np.nan)[:, None]
        table = means.reshape(levels, others, -1)
        apart = table[first] - table[second]
        known = np.isfinite(apart[..., 0])
        total = np.where(known[..., None], apart, 0.0).sum(axis=1)
        count = known.sum(axis=1)[:, None]
        found[i] = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return found


@dataclass(frozen=True, kw_only=True)
class Square:
    """The consistent square of the effects of a factor: mean over pairs of levels, half of it a variance.

    Attributes:
        value: of all units; may be below 0 by chance; nan if no two units have the same pair of levels
        left_out: without each unit, shape (G,)
    """

    value: float
    left_out: NDArray[np.float64]

    @property
    def p_value(self) -> float:
        """p-value of the one-sided test that the square is 0, by Student's t; 1 if it is not above 0."""
        error = float(np.sqrt(jackknife_variance(self.left_out)))
        if not self.value > 0:
            return 1.0
        return float(stdtr(len(self.left_out) - 1, -self.value / error)) if error > 0 else 0.0


def square(differences: NDArray[np.float64]) -> Square:
    """The consistent square of differences (G, pairs, c) over different units, and without each unit."""
    known = np.isfinite(differences[..., 0])
    d = np.where(known[..., None], differences, 0.0)
    total, own, count = d.sum(axis=0), (d**2).sum(axis=-1), known.sum(axis=0).astype(float)

    def value(total: NDArray[np.float64], own: NDArray[np.float64], count: NDArray[np.float64]) -> float:
        ways = (count * (count - 1)).sum()
        return float(((total**2).sum(axis=-1) - own).sum() / ways / 2) if ways > 0 else float("nan")

    without = [value(total - d[i], own.sum(axis=0) - own[i], count - known[i]) for i in range(len(d))]
    return Square(value=value(total, own.sum(axis=0), count), left_out=np.array(without))


def share_of_first(first: Square, second: Square, n: int, *, level: float = 0.95) -> Estimate:
    """The weight of the first of two factors: s = a / (a + b), with the sizes a and b of their effects.

    Sizes are roots of squares; a square below 0 counts as 0. The interval holds all shares s for which
    (1 − s)² a² − s² b², which is linear in the squares, is not shown to differ from 0 (Fieller 1954), with
    the jackknife variance over units and Student's t. So it contains 0 or 1 where an effect is not shown,
    and is all of [0, 1] where neither is.

    Args:
        first: from `square`
        second: from `square`, of the same units
        n: number of clips
        level: coverage of the interval
    """
    units = len(first.left_out)
    a, b = (np.sqrt(max(each.value, 0.0)) for each in (first, second))
    found = Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=units)
    if not np.isfinite([first.value, second.value]).all():
        return replace(found, reason="no two speakers share words in two voices and voices with two texts")
    if a + b <= 0:
        return replace(found, reason="the answers follow neither the words nor the voice")
    value = float(a / (a + b))
    found = replace(found, value=value)
    if units < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")
    if not np.isfinite([first.left_out, second.left_out]).all():
        return replace(found, reason="undefined when one speaker is left out")
    s = np.linspace(0, 1, STEPS)
    apart = (1 - s) ** 2 * first.value - s**2 * second.value
    without = np.outer((1 - s) ** 2, first.left_out) - np.outer(s**2, second.left_out)
    error = np.sqrt((units - 1) * without.var(axis=1))

    def bounds(coverage: float) -> tuple[float, float]:
        quantile = float(stdtrit(units - 1, (1 + coverage) / 2))
        inside = s[np.abs(apart) <= quantile * error]
        return min(float(inside.min(initial=value)), value), max(float(inside.max(initial=value)), value)

    return found.within(bounds, level)
