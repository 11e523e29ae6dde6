"""How does a score vary between speakers, and are speakers ranked correctly?"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.statistics.statistic import Statistic, paired, ratio, unit_sums
from sertools.wording import plural

RANK_DECIMALS = 12
"""Decimals to which means must agree to share a rank; means of equal numbers can differ by rounding."""


def unit_means(values: ArrayLike, unit: NDArray[np.integer], units: int) -> NDArray[np.float64]:
    """Mean of each unit's values, shape (units,); nan for a unit without values.

    Args:
        values: shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes

    >>> unit_means([1.0, 2.0, 3.0], np.array([0, 0, 1]), 2).tolist()
    [1.5, 3.0]
    """
    x = np.asarray(values, dtype=np.float64)
    n, total = unit_sums(np.stack([np.ones_like(x), x], axis=1), unit, units).T
    return ratio(total, n)


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Do two lists rank their units in the same order? Spearman's ρ, signed, in [-1, 1].

    Tied values share their mean rank; values that agree to 12 decimals are tied. nan if all values of a
    list are tied.

    Args:
        x: shape (units,)
        y: shape (units,)

    >>> round(spearman([1, 2, 3, 4], [10, 30, 20, 40]), 12)
    0.8
    """
    x, y = (np.round(values, RANK_DECIMALS) for values in paired(x, y))
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    from scipy import stats  # slow to import

    return float(stats.spearmanr(x, y).statistic)


def rank_correlation(x: ArrayLike, y: ArrayLike, n: int, *, level: float = 0.95) -> Estimate:
    """Do two lists rank their units in the same order? Spearman's ρ with its confidence interval.

    The interval is artanh ρ ± z √((1 + ρ²/2) / (G − 3)) for G units (Bonett & Wright 2000). A perfect
    ranking, whose artanh is infinite, is replaced by the midpoint between 1 and the next lower ρ that is
    possible with G units, 1 − 12 / (G (G² − 1)).

    Args:
        x: shape (units,)
        y: shape (units,)
        n: number of clips in all units
        level: coverage of the interval

    Returns:
        ρ in [-1, 1], without an interval for fewer than 5 units; nan if all units are equal on one side.

    Raises:
        AuditError: the two differ in length

    >>> found = rank_correlation([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 6, 5], n=60)
    >>> round(found.value, 12) == round(1 - 6 * 2 / (6 * 35), 12), found.low < found.value < found.high
    (True, True)
    """
    units = len(np.asarray(x))
    rho = spearman(x, y)
    found = Estimate(value=rho, low=np.nan, high=np.nan, n=n, units=units)
    if np.isnan(rho):
        return replace(found, reason=f"undefined on {plural(n, 'clip')}")
    if units < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")
    most = 1 - 6 / (units * (units**2 - 1))

    def bounds(coverage: float) -> tuple[float, float]:
        half = special.ndtri((1 + coverage) / 2) * np.sqrt((1 + rho**2 / 2) / (units - 3))
        low, high = np.tanh(np.arctanh(np.clip(rho, -most, most)) + np.array([-half, half]))
        return min(float(low), rho), max(float(high), rho)

    return found.within(bounds, level)


def standard_errors(values: ArrayLike, unit: NDArray[np.integer], units: int) -> NDArray[np.float64]:
    """Standard error of each unit's mean over its values, shape (units,): √(Σ(x − m)² / (n (n − 1))).

    nan for a unit with fewer than two values.

    Args:
        values: shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes

    >>> standard_errors([1.0, 3.0, 5.0], np.array([0, 0, 1]), 2).tolist()
    [1.0, nan]
    """
    x = np.asarray(values, dtype=np.float64)
    n = np.bincount(unit, minlength=units).astype(np.float64)
    from_mean = x - unit_means(x, unit, units)[unit]
    squares = unit_sums((from_mean**2)[:, None], unit, units)[:, 0]
    return np.sqrt(ratio(squares, n * (n - 1)))


def mostly_tied(values: ArrayLike) -> bool:
    """Whether more than half of the values are equal, to 12 decimals, so that they can hardly be ranked.

    >>> mostly_tied([0.2, 0.2, 0.2, 0.4, 0.5]), mostly_tied([0.2, 0.2, 0.4, 0.4])
    (True, False)
    """
    x = np.round(np.asarray(values, dtype=np.float64), RANK_DECIMALS)
    return bool(len(x)) and int(np.unique(x, return_counts=True)[1].max()) > len(x) / 2


def anova(truth: ArrayLike, unit: NDArray[np.integer]) -> tuple[float, float]:
    """Do the means of units differ beyond chance? F and p-value of an analysis of variance; nan if undefined.

    One-way analysis of variance, F = (between / (G − 1)) / (within / (n − G)), over G ≥ 2 units with more
    clips than units (n > G). If p is not small, the order of the units' means is due to chance; 1 − 1/F is
    the share of the variance of the means that is not (their reliability).

    Args:
        truth: shape (n,)
        unit: codes, shape (n,)

    >>> f, p = anova([0, 0, 1, 1, 0, 1], np.array([0, 0, 1, 1, 2, 2]))
    >>> round(f, 12), round(p, 6)
    (3.0, 0.19245)
    """
    t: NDArray[Any] = np.asarray(truth, dtype=np.float64)
    _, code = np.unique(unit, return_inverse=True)
    units, n = int(code.max(initial=-1)) + 1, len(t)
    if units < 2 or n <= units:
        return np.nan, np.nan
    sizes, means = np.bincount(code), unit_means(t, code, units)
    between = float((sizes * (means - t.mean()) ** 2).sum()) / (units - 1)
    within = float(((t - means[code]) ** 2).sum()) / (n - units)
    if between == 0 and within == 0:
        return np.nan, np.nan
    f = between / within if within else np.inf
    return f, float(special.fdtrc(units - 1, n - units, f))


def anova_p_value(truth: ArrayLike, unit: NDArray[np.integer]) -> float:
    """Do the means of units differ beyond chance? The p-value of `anova`; nan if undefined.

    Args:
        truth: shape (n,)
        unit: codes, shape (n,)

    >>> round(anova_p_value([0, 0, 1, 1, 0, 1], np.array([0, 0, 1, 1, 2, 2])), 6)
    0.19245
    """
    return anova(truth, unit)[1]


def scores_of_draws(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    *,
    size: int,
    draws: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Scores of random draws of one speaker's clips, shape (draws,).

    `size` clips are drawn with replacement from the speaker's clips, `draws` times (Wagner et al. 2023,
    §4.7: 1000 draws of 200 clips).

    Args:
        statistic: the score
        truth: truth of one speaker's clips, shape (n,)
        prediction: shape (n,)
        size: clips per draw
        draws: number of draws
        rng: random generator for the draws

    >>> from sertools.metrics.regression import MAE
    >>> scores_of_draws(MAE, [0, 0], [1, 1], size=3, draws=2, rng=np.random.default_rng(0)).tolist()
    [1.0, 1.0]
    """
    t, p = paired(truth, prediction)
    n = len(t)
    drawn = rng.integers(n, size=(draws, size)) + n * np.arange(draws)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)
    return statistic.value(weights @ statistic.sums(t, p, np.arange(n), n))
