"""Statistics that are above 0 by chance alone: how much of them remains, with intervals that can hold 0.

The spread of scores over speakers, or the distance between two distributions, is above 0 even if speakers or
distributions are alike, because clips are few. So what chance gives is subtracted on the squared scale, and
the interval reaches down to 0 wherever chance may explain the rest.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri, stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.statistics.statistic import Statistic, overall, ratio, unit_sums

MEAN_DISTANCE = math.sqrt(2 / math.pi)
"""Mean of |x| in standard deviations, for a normal x with mean 0."""


def spread_beyond_chance(scores: ArrayLike, errors: ArrayLike, n: int, *, level: float = 0.95) -> Estimate:
    """By how much do the true scores of units differ: their standard deviation, ≥ 0?

    √max(0, s² − mean SE²), where s² is the variance of the observed scores (divisor G − 1) and SE the
    standard error of each. The interval is that of s² for normally distributed scores, (G − 1) s² / χ², less
    mean SE².

    Args:
        scores: observed score of each unit, shape (units,)
        errors: standard error of each score, shape (units,)
        n: number of clips behind the scores
        level: coverage of the interval

    >>> found = spread_beyond_chance([0.2, 0.4, 0.6, 0.8, 1.0], [0.1] * 5, n=50)
    >>> round(found.value**2, 12), round(spread_beyond_chance([0.5, 0.6] * 3, [0.1] * 6, n=60).low, 12)
    (0.09, 0.0)
    """
    x, chance = np.asarray(scores, dtype=np.float64), _mean_square(errors)
    found = Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=len(x))
    if len(x) < 2:
        return replace(found, reason="fewer than two speakers")
    freedom, square = len(x) - 1, float(np.var(x, ddof=1))
    found = replace(found, value=_root(square - chance))
    if len(x) < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")

    def bounds(coverage: float) -> tuple[float, float]:
        tail = (1 - coverage) / 2
        low, high = _chi_square_bounds(square, max(square, chance), freedom, tail, tail)
        return _root(low - chance), _root(high - chance)

    return found.within(bounds, level)


def distance_beyond_chance(
    differences: ArrayLike, errors: ArrayLike, n: int, *, level: float = 0.95
) -> Estimate:
    """How far from 0 are the true differences of units on average: the mean of |d|, ≥ 0?

    √(2/π) · √max(0, mean d² − mean SE²) for observed differences d with standard errors SE, as if the true
    ones were normally distributed about 0; but at least √max(0, m² − s²/G), their mean m without its own
    error, because no mean of |d| is smaller: a model that rates every speaker too high by .1 is off by .1.
    The interval joins those of mean d² (χ² with Satterthwaite's degrees of freedom, less mean SE²) and of m
    (Student's t); the lower ends have half the tail each.

    Args:
        differences: observed difference of each unit, shape (units,)
        errors: standard error of each difference, shape (units,)
        n: number of clips behind the differences
        level: coverage of the interval

    >>> found = distance_beyond_chance([0.1, 0.1, 0.1, 0.1, 0.1], [0.0] * 5, n=50)
    >>> round(found.value, 12), round(found.low, 12)
    (0.1, 0.1)
    """
    d, chance = np.asarray(differences, dtype=np.float64), _mean_square(errors)
    value = overall(SPEAKER_AVERAGE, d, np.asarray(errors, dtype=np.float64))
    found = Estimate(value=value, low=np.nan, high=np.nan, n=n, units=len(d))
    if not len(d):
        return replace(found, reason="no speakers")
    units, square, mean = len(d), float(np.mean(d**2)), abs(float(d.mean()))
    if units < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")
    variance = float(np.var(d, ddof=1))
    spread = variance**2 + 2 * mean**2 * variance
    freedom = units * (mean**2 + variance) ** 2 / spread if spread > 0 else np.inf

    def bounds(coverage: float) -> tuple[float, float]:
        tail = (1 - coverage) / 2
        low, high = _chi_square_bounds(square, max(square, chance), freedom, tail / 2, tail)
        error = math.sqrt(variance / units)
        below, above = (float(stdtrit(units - 1, 1 - p)) * error for p in (tail / 2, tail))
        return (
            min(max(MEAN_DISTANCE * _root(low - chance), mean - below), value),
            max(MEAN_DISTANCE * _root(high - chance), mean + above, value),
        )

    return found.within(bounds, level)


@dataclass(frozen=True, kw_only=True)
class Square:
    """The square of a distance, and what is known about it.

    Attributes:
        observed: the observed square
        chance: its mean where the true distance is 0
        bias: its bias where the true distance is as observed, by the jackknife; at most `chance` counts
        chance_variance: its variance where the true distance is 0
        variance: its jackknife variance over units
    """

    observed: float
    chance: float
    chance_variance: float
    variance: float
    bias: float = np.inf


def root_beyond_chance(square: Square, n: int, units: int, *, level: float = 0.95) -> Estimate:
    """A distance without what chance contributes, ≥ 0: √max(0, observed square − its mean by chance).

    The interval is that of the square by Student's t. Its variance is that by chance where the distance is
    near 0, where the jackknife overestimates it by a factor of two on average, and the jackknife's variance
    without that excess where it is not. The upper end starts at the square less its bias, if that is smaller
    than the mean by chance: too much would be subtracted from a large distance.

    Args:
        square: the square of the distance
        n: number of clips behind it
        units: number of units behind it
        level: coverage of the interval

    >>> square = Square(observed=0.05, chance=0.01, chance_variance=1e-4, variance=1e-4)
    >>> found = root_beyond_chance(square, 99, 9)
    >>> round(found.value, 12), round(found.high**2, 4)
    (0.2, 0.0631)
    """
    beyond = square.observed - square.chance
    most = max(square.observed - min(square.bias, square.chance), 0.0)
    found = Estimate(value=_root(beyond), low=np.nan, high=np.nan, n=n, units=units)
    if units < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")
    error = math.sqrt(max(square.chance_variance, square.variance - square.chance_variance))

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(units - 1, (1 + coverage) / 2)) * error
        return _root(beyond - half), _root(most + half)

    return found.within(bounds, level)


def _distance_sums(
    difference: NDArray[Any], error: NDArray[Any], unit: NDArray[np.integer], units: int
) -> NDArray[np.float64]:
    """Sums of 1, d, d², SE², shape (units, 4)."""
    columns = [np.ones_like(difference), difference, difference**2, error**2]
    return unit_sums(np.stack(columns, axis=1), unit, units)


def _distance(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value of `distance_beyond_chance`."""
    n = sums[..., 0]
    mean, square, chance = (ratio(sums[..., i], n) for i in (1, 2, 3))
    # the variance of the mean; a single unit does not show any
    of_mean = np.where(n > 1, np.maximum(square - mean**2, 0.0) / np.maximum(n - 1, 1), 0.0)
    about_0 = MEAN_DISTANCE * np.sqrt(np.maximum(square - chance, 0.0))
    value: NDArray[np.float64] = np.maximum(about_0, np.sqrt(np.maximum(mean**2 - of_mean, 0.0)))
    return value


def _chi_square_bounds(
    square: float, at_least: float, freedom: float, below: float, above: float
) -> tuple[float, float]:
    """Bounds of a variance with probabilities `below` and `above` outside them.

    The upper bound is that of a variance of `at_least`, so that it never falls below what chance gives.
    """
    if not math.isfinite(freedom):
        return square, at_least
    return freedom * square / float(chdtri(freedom, below)), freedom * at_least / float(
        chdtri(freedom, 1 - above)
    )


def _mean_square(errors: ArrayLike) -> float:
    squares: NDArray[np.float64] = np.asarray(errors, dtype=np.float64) ** 2
    return float(squares.mean()) if len(squares) else 0.0


def _root(square: float) -> float:
    """√max(0, x)."""
    return math.sqrt(max(square, 0.0))


SPEAKER_AVERAGE = Statistic(
    name="speaker_average", sums=_distance_sums, value=_distance, bounds=(0.0, np.inf)
)
"""The value of `distance_beyond_chance`: differences are the truth, their standard errors the prediction."""
