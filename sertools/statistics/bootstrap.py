"""Bootstrap intervals for non-smooth statistics.

Units (speakers) are drawn at random, with replacement. All draws are one matrix product with the sums of the
units.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtrit

from sertools.errors import AuditError
from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.statistics.statistic import Statistic, paired
from sertools.wording import plural

UNDEFINED = 0.01
"""Share of undefined draws above which no interval or p-value is returned."""


FEWEST_DRAWS = 20
"""Minimum number of draws; with fewer, the 2.5 % and 97.5 % percentiles are just the extremes."""


MAX_MATRIX_CELLS = 25_000
"""Size of the blocks of a random matrix, chosen to fit in the processor's cache; it does not change draws."""


@dataclass(frozen=True)
class GroupedClips:
    """Truth and prediction of clips, with the unit (speaker) and the group of each clip.

    Attributes:
        truth: shape (n,)
        prediction: shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes; units without clips are ignored
        group: codes 0..groups−1, shape (n,); clips with a negative code are ignored
        groups: number of codes; groups without clips are ignored
    """

    truth: ArrayLike
    prediction: ArrayLike
    unit: ArrayLike
    units: int
    group: ArrayLike
    groups: int


def bootstrap_weights(
    strata: NDArray[np.integer], draws: int, *, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """How often each unit is drawn: blocks of counts, shape (rows, units), with `draws` rows in total.

    From each stratum as many units are drawn, with replacement, as it has.

    Args:
        strata: codes of the units' strata from 0, shape (units,)
        draws: number of draws
        rng: source of the draws
    """
    by_stratum = np.argsort(strata, kind="stable")
    _, stratum, size = np.unique(strata, return_inverse=True, return_counts=True)
    first = np.cumsum(size) - size
    units = len(strata)
    block = max(1, MAX_MATRIX_CELLS // max(1, units))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        # drawing units and counting them is ten times faster than drawing the multinomial counts; each unit
        # of each draw takes one uniform number, so that neither strata nor blocks change a draw
        uniform = rng.random((rows, units))
        uniform *= size[stratum]
        drawn = by_stratum.take(first[stratum] + uniform.astype(np.int64))
        drawn += units * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * units)
        yield counts.reshape(rows, units).astype(np.float64)  # products of floats are fast


def widened_percentiles(
    drawn: NDArray[np.float64], units: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of bootstrap draws, widened to Student's t (Hesterberg 2015).

    Percentiles Φ(±t √(G/(G−1))), where t is the quantile with G−1 degrees of freedom. Plain percentiles are
    too narrow for few units, because they use neither the t quantile nor the divisor G−1.

    Args:
        drawn: the statistic in each draw, finite, shape (draws,)
        units: number of units G in the smallest stratum
        level: coverage of the interval
    """
    tail = float(ndtr(-np.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 + level) / 2)))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap(
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    sums: NDArray[np.float64],
    *,
    n: int,
    strata: NDArray[np.integer] | None = None,
    draws: int = 2000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Estimate:
    """The value of a non-smooth statistic with its bootstrap interval.

    For medians and ranks over units; for smooth statistics the jackknife is better and needs no seed. It is
    not for statistics that are bounded at their null, such as the largest gap between groups: every draw is
    above 0, so the interval cannot contain the value of equal groups.

    Args:
        value: sums (..., k) → values (...), nan where undefined
        sums: additive sums of each unit, shape (units, k)
        n: number of clips behind the sums
        strata: codes of the units' groups, shape (units,); every draw preserves the size of each group
        draws: number of draws
        level: coverage of the interval
        rng: source of the draws

    Raises:
        AuditError: fewer than 20 draws
    """
    if draws < FEWEST_DRAWS:
        raise AuditError(
            f"{draws} draws are too few for an interval", hint=f"--resamples must be at least {FEWEST_DRAWS}"
        )
    strata = np.zeros(len(sums), dtype=np.int64) if strata is None else np.asarray(strata)
    found = float(value(sums.sum(axis=0)))

    def answer(low: float, high: float, reason: str) -> Estimate:
        return Estimate(value=found, low=low, high=high, n=n, units=len(sums), reason=reason)

    if np.isnan(found):
        return answer(np.nan, np.nan, f"undefined on {plural(n, 'clip')}")
    fewest = int(np.unique(strata, return_counts=True)[1].min())
    if fewest < MIN_UNITS:
        in_a_group = " in a group" if fewest < len(sums) else ""
        return answer(np.nan, np.nan, f"fewer than {MIN_UNITS} speakers{in_a_group}")
    drawn = np.concatenate([value(w @ sums) for w in bootstrap_weights(strata, draws, rng=rng)])
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1 - UNDEFINED) * draws:
        return answer(np.nan, np.nan, f"undefined in {1 - len(defined) / draws:.0%} of bootstrap draws")
    return answer(np.nan, np.nan, "").within(
        lambda coverage: widened_percentiles(defined, fewest, level=coverage), level
    )


def sums_by_group(
    statistic: Statistic, grouped: GroupedClips
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Sums (groups, units, k) and clip counts (groups, units) of the groups and units that have clips."""
    units, groups = grouped.units, grouped.groups
    (t, p), unit, group = (
        paired(grouped.truth, grouped.prediction),
        np.asarray(grouped.unit),
        np.asarray(grouped.group),
    )
    t, p, unit, group = (x[group >= 0] for x in (t, p, unit, group))
    both = group * units + unit
    # one call for all groups, so that all sums have the same centre
    sums = statistic.sums(t, p, both, groups * units).reshape(groups, units, -1)
    clips = np.bincount(both, minlength=groups * units).reshape(groups, units)
    with_clips, inside = clips.any(axis=1), clips.any(axis=0)
    if with_clips.all() and inside.all():
        return sums, clips  # with many classes and speakers a copy would be large
    kept = np.ix_(with_clips, inside)
    return sums[kept], clips[kept]
