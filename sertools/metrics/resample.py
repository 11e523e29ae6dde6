"""How sure is a number whose jackknife is not smooth, and could a gap between groups be chance?

Both draw units (speakers) at random: with replacement for the bootstrap, their group labels without for the
permutation test. All draws are one matrix product with the sums of the units.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from sertools.errors import AuditError
from sertools.metrics.intervals import MIN_UNITS, Estimate
from sertools.metrics.sums import Statistic, paired

UNDEFINED = 0.01
"""Share of undefined draws above which there is no answer."""

FEWEST_DRAWS = 20
"""With fewer draws 2.5 % and 97.5 % of them are no more than the lowest and the highest."""

CELLS = 25_000
"""Numbers of a random matrix held at once, few enough for the processor's cache; it changes no draw."""


@dataclass(frozen=True, kw_only=True)
class NullGap:
    """What a gap between groups would be if the groups did not matter.

    Attributes:
        observed: largest minus smallest value over groups, ≥ 0; with two groups |a − b|
        p_value: probability of such a gap, or a larger one, by chance; in (0, 1]
        smallest_detectable: 95th percentile of the gaps by chance; a limit below it cannot be verified
        reason: why one of them is nan; empty where none is
    """

    observed: float
    p_value: float
    smallest_detectable: float
    reason: str = ""


def bootstrap_weights(strata: np.ndarray, draws: int, *, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often is each unit drawn? Blocks of rows (draws, units) of counts, `draws` rows together.

    Within each stratum as many units are drawn, with replacement, as it has.

    Args:
        strata: codes from 0 of the units, shape (units,)
        draws: number of draws
        rng: source of the draws
    """
    by_stratum = np.argsort(strata, kind="stable")
    _, stratum, size = np.unique(strata, return_inverse=True, return_counts=True)
    first = np.cumsum(size) - size
    units = len(strata)
    block = max(1, CELLS // max(1, units))
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        # counting which units are drawn is ten times faster than drawing the counts, which are multinomial;
        # one uniform number for each unit of each draw, so that neither strata nor blocks change a draw
        uniform = rng.random((rows, units))
        uniform *= size[stratum]
        drawn = by_stratum.take(first[stratum] + uniform.astype(np.int64))
        drawn += units * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * units)
        yield counts.reshape(rows, units).astype(np.float64)  # a product of floats is a fast one


def widened_percentiles(drawn: np.ndarray, units: int, *, level: float = 0.95) -> tuple[float, float]:
    """The interval of bootstrap draws, widened to Student's t (Hesterberg 2015).

    Percentiles Φ(±t √(G/(G−1))), t the quantile with G−1 degrees of freedom, because plain percentiles are
    too narrow for few units: they know neither the t quantile nor the divisor G−1.

    Args:
        drawn: the statistic in each draw, finite, shape (draws,)
        units: number of units G, of the smallest stratum
        level: coverage of the interval
    """
    tail = float(ndtr(-np.sqrt(units / (units - 1)) * stdtrit(units - 1, (1 + level) / 2)))
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap(
    value: Callable[[np.ndarray], np.ndarray],
    sums: np.ndarray,
    *,
    n: int,
    strata: np.ndarray | None = None,
    draws: int = 2000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Estimate:
    """Within which bounds is a value known whose jackknife is not smooth?

    For maxima, medians and ranks over units; the jackknife is better, and needs no seed, for the rest.
    The interval may exclude the value of a maximum, which is biased upwards.

    Args:
        value: sums (..., k) → values (...), nan where undefined
        sums: additive sums of each unit, shape (units, k)
        n: number of clips behind the sums
        strata: codes of the units' groups, shape (units,); each keeps its number of units
        draws: number of draws
        level: coverage of the interval
        rng: source of the draws

    Raises:
        AuditError: fewer than 20 draws
    """
    if draws < FEWEST_DRAWS:
        raise AuditError(
            f"{draws} draws are too few for an interval", hint=f"at least {FEWEST_DRAWS} (--resamples)"
        )
    strata = np.zeros(len(sums), dtype=np.int64) if strata is None else np.asarray(strata)
    found = float(value(sums.sum(axis=0)))

    def answer(low: float, high: float, reason: str) -> Estimate:
        return Estimate(value=found, low=low, high=high, n=n, units=len(sums), reason=reason)

    if np.isnan(found):
        return answer(np.nan, np.nan, f"undefined on these {n} clips")
    fewest = int(np.unique(strata, return_counts=True)[1].min())
    if fewest < MIN_UNITS:
        in_a_group = " in a group" if fewest < len(sums) else ""
        return answer(np.nan, np.nan, f"fewer than {MIN_UNITS} speakers{in_a_group}")
    drawn = np.concatenate([value(w @ sums) for w in bootstrap_weights(strata, draws, rng=rng)])
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1 - UNDEFINED) * draws:
        return answer(np.nan, np.nan, f"undefined in {1 - len(defined) / draws:.0%} of bootstrap draws")
    return answer(*widened_percentiles(defined, fewest, level=level), "")


def max_minus_min(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    unit: ArrayLike,
    units: int,
    group: ArrayLike,
    groups: int,
    *,
    draws: int = 2000,
    level: float = 0.95,
    rng: np.random.Generator,
) -> Estimate:
    """How far apart are the best and the worst group, ≥ 0?

    Bootstrap over units, within groups where each unit is in one group only, else over all units. A
    difference of extremes is above 0 even if all groups are alike: read it beside `permutation`.

    Args:
        statistic: what to compare
        truth: shape (n,)
        prediction: shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes; those without clips do not count
        group: codes 0..groups−1, shape (n,); clips with a negative code are left out
        groups: number of codes; groups without clips do not count
        draws: number of draws
        level: coverage of the interval
        rng: source of the draws
    """
    sums, clips = _by_group(statistic, truth, prediction, unit, units, group, groups)
    n = int(clips.sum())
    member = clips > 0
    strata = member.argmax(axis=0) if (member.sum(axis=0) == 1).all() else None
    if len(clips) < 2:
        return Estimate(
            value=np.nan, low=np.nan, high=np.nan, n=n, units=sums.shape[1], reason="fewer than two groups"
        )
    count, inside, k = sums.shape

    def value(flat: np.ndarray) -> np.ndarray:
        return _extent(statistic.value(flat.reshape(*flat.shape[:-1], count, k)))

    flat = sums.transpose(1, 0, 2).reshape(inside, count * k)
    return bootstrap(value, flat, n=n, strata=strata, draws=draws, level=level, rng=rng)


def permutation(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    unit: ArrayLike,
    units: int,
    group: ArrayLike,
    groups: int,
    *,
    draws: int = 2000,
    rng: np.random.Generator,
) -> NullGap:
    """Could a gap between groups be chance, and how large must one be to be seen in this corpus?

    Group labels are permuted over units (speakers), not clips, so that a group keeps its number of
    speakers. p = (1 + gaps by chance at least as large) / (1 + draws) (Phipson & Smyth 2010).

    Args:
        statistic: what to compare; with two groups the gap is |a − b|, with more max − min
        truth: shape (n,)
        prediction: shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes; those without clips do not count
        group: codes 0..groups−1, shape (n,), the same for all clips of a unit; clips with a negative code
            are left out
        groups: number of codes; groups without clips do not count
        draws: number of permutations
        rng: source of the permutations
    """
    sums, clips = _by_group(statistic, truth, prediction, unit, units, group, groups)
    return permuted_gap(
        lambda of_groups: _extent(statistic.value(of_groups)),
        sums,
        clips,
        what=statistic.name,
        draws=draws,
        rng=rng,
    )


def permuted_gap(
    gap: Callable[[np.ndarray], np.ndarray],
    sums: np.ndarray,
    clips: np.ndarray,
    *,
    what: str,
    draws: int = 2000,
    rng: np.random.Generator,
) -> NullGap:
    """The same for any gap between groups that is a function of their sums.

    Args:
        gap: sums of all groups (..., groups, k) → gaps (...), nan where undefined
        sums: of each unit's clips in each group, shape (groups, units, k)
        clips: their number, shape (groups, units)
        what: is compared, for the reason where there is no answer
        draws: number of permutations
        rng: source of the permutations

    Raises:
        AuditError: there is nothing to draw
    """
    if draws < 1:
        raise AuditError(f"{draws} permutations say nothing", hint=f"at least {FEWEST_DRAWS} (--resamples)")
    if len(clips) < 2:
        return NullGap(
            observed=np.nan, p_value=np.nan, smallest_detectable=np.nan, reason="fewer than two groups"
        )
    observed = float(gap(sums.sum(axis=1)))

    def no_answer(reason: str) -> NullGap:
        return NullGap(observed=observed, p_value=np.nan, smallest_detectable=np.nan, reason=reason)

    if np.isnan(observed):
        return no_answer(f"{what} is undefined in a group")
    member = clips > 0
    if (member.sum(axis=0) > 1).any():
        return no_answer(
            "a speaker belongs to more than one group, so groups cannot be permuted over speakers"
        )
    label, each = member.argmax(axis=0), sums.sum(axis=0)
    block = max(1, CELLS // len(label))
    drawn = []
    for start in range(0, draws, block):
        labels = rng.permuted(np.tile(label, (min(block, draws - start), 1)), axis=1)
        of_groups = [(labels == code).astype(np.float64) @ each for code in range(len(clips))]
        drawn.append(gap(np.stack(of_groups, axis=-2)))
    null = np.concatenate(drawn)
    defined = null[~np.isnan(null)]
    if len(defined) < (1 - UNDEFINED) * draws:
        return no_answer(f"undefined in {1 - len(defined) / draws:.0%} of permutations")
    # a permutation that changes nothing must count, whatever the order of its sums has rounded
    as_large = int((defined >= observed - 1e-12).sum())
    return NullGap(
        observed=observed,
        p_value=(1 + as_large) / (1 + len(defined)),
        smallest_detectable=float(np.quantile(defined, 0.95)),
    )


def holm(p_values: ArrayLike) -> np.ndarray:
    """Which p-values remain when many are tested at once? Adjusted, shape (m,), in [0, 1] (Holm 1979).

    The i-th smallest of m is multiplied by m − i + 1, and none may be below a smaller one's. nan stays nan
    and does not count as a test.

    >>> holm([0.01, 0.04, 0.03]).round(12).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted


def _by_group(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    unit: ArrayLike,
    units: int,
    group: ArrayLike,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums (groups, units, k) and clips (groups, units) of the groups and units that have clips."""
    (t, p), unit, group = paired(truth, prediction), np.asarray(unit), np.asarray(group)
    t, p, unit, group = (x[group >= 0] for x in (t, p, unit, group))
    both = group * units + unit
    # one call for all groups, so that all sums have one centre
    sums = statistic.sums(t, p, both, groups * units).reshape(groups, units, -1)
    clips = np.bincount(both, minlength=groups * units).reshape(groups, units)
    there, inside = clips.any(axis=1), clips.any(axis=0)
    return sums[there][:, inside], clips[there][:, inside]


def _extent(values: np.ndarray) -> np.ndarray:
    """Largest minus smallest along the last axis; nan where one is undefined."""
    extent: np.ndarray = values.max(axis=-1) - values.min(axis=-1)
    return extent
