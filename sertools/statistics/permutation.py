"""Permutation tests of gaps between groups, and Holm's correction for several tests."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from sertools.errors import AuditError
from sertools.statistics.bootstrap import FEWEST_DRAWS, UNDEFINED, GroupedClips, sums_by_group
from sertools.statistics.statistic import BLOCK, Statistic, ratio, without_each

MANY_UNITS = 500
"""Number of units from which studentised gaps by chance are drawn from the normal distribution that they
tend to, because permuting so many units takes minutes."""

SMALLEST_VARIANCE = 0.01
"""Least variance of a group, as a share of what the variance over all units gives for a group of its size."""

MAX_CELLS = 2**19
"""Most numbers in a block of permutations; it changes no draw."""

Values = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Sums (..., k) → values (..., c) that are compared between groups, nan where undefined."""


@dataclass(frozen=True, kw_only=True)
class NullGap:
    """A gap between groups, compared with the gaps that arise by chance.

    Attributes:
        observed: largest minus smallest value over groups, ≥ 0; with two groups |a − b|
        p_value: probability of a gap at least this large, in its standard errors, by chance; in (0, 1]
        smallest_detectable: the true gap that this corpus finds in 80 % of cases at p < .05
        smallest_verifiable: the smallest limit that this corpus can show to be kept in 80 % of cases if there
            is no gap at all
        low, low_90: lower ends of the 95 % and of the 90 % interval of the largest gap, ≥ 0: the largest
            difference minus its standard error times the quantile of the largest studentised gap by chance
        reason: why one of them is nan; empty if none is
    """

    observed: float
    p_value: float = np.nan
    smallest_detectable: float = np.nan
    smallest_verifiable: float = np.nan
    low: float = np.nan
    low_90: float = np.nan
    reason: str = ""


def permutation(
    statistic: Statistic,
    grouped: GroupedClips,
    *,
    draws: int = 2000,
    rng: np.random.Generator,
) -> NullGap:
    """Could a gap between groups be due to chance, and how large a gap can this corpus detect?

    Group labels are permuted over units (speakers), not clips, so that the number of speakers per group is
    unchanged. What is compared is the studentised gap, that is the gap divided by its jackknife standard
    error, which is computed anew in each permutation: otherwise p-values are wrong where groups differ in
    clips per speaker (Janssen 1997; Chung & Romano 2013). With more than two groups it is the largest over
    all pairs. p = (1 + permutations that are at least as large) / (1 + permutations) (Phipson & Smyth 2010).

    Args:
        statistic: the statistic to compare; with two groups the gap is |a − b|, with more max − min
        grouped: the clips, with their units and groups; all clips of a unit are in the same group
        draws: number of permutations
        rng: source of the permutations
    """
    sums, clips = sums_by_group(statistic, grouped)
    return permuted_gap(
        lambda of_group: statistic.value(of_group)[..., None],
        sums,
        clips,
        what=statistic.name,
        draws=draws,
        rng=rng,
    )


def permuted_gap(
    values: Values,
    sums: NDArray[np.float64],
    clips: NDArray[np.number],
    *,
    what: str,
    draws: int = 2000,
    rng: np.random.Generator,
) -> NullGap:
    """Permutation test of the largest gap among several values of each group (see `permutation`).

    Args:
        values: sums of a group (..., k) → its values (..., c), nan where undefined
        sums: sums over each unit's clips in each group, shape (groups, units, k)
        clips: number of clips of each unit in each group, shape (groups, units)
        what: name of what is compared, for the reason if there is no result
        draws: number of permutations
        rng: source of the permutations

    Raises:
        AuditError: fewer than one permutation
    """
    if draws < 1:
        raise AuditError(
            f"{draws} permutations are too few", hint=f"--resamples must be at least {FEWEST_DRAWS}"
        )
    if len(clips) < 2:
        return NullGap(observed=np.nan, reason="fewer than two groups")
    of_groups = values(sums.sum(axis=1))
    observed = float((of_groups.max(axis=0) - of_groups.min(axis=0)).max())
    member = clips > 0
    if np.isnan(observed):
        return NullGap(observed=observed, reason=f"{what} is undefined in a group")
    if (member.sum(axis=0) > 1).any():
        reason = "a speaker belongs to more than one group, so group labels cannot be permuted over speakers"
        return NullGap(observed=observed, reason=reason)
    gaps = _Gaps.of(values, sums.sum(axis=0), len(sums))
    own = gaps.studentised(member.argmax(axis=0)[None])
    if np.isnan(own.t).any():
        return NullGap(observed=observed, reason=f"{what} is undefined when one speaker is left out")
    many = len(gaps.of_units) > MANY_UNITS
    null = _normal(own, draws, rng) if many else _permuted(gaps, member.argmax(axis=0), draws, rng)
    defined = null[~np.isnan(null)]
    if len(defined) < (1 - UNDEFINED) * draws:
        share = f"{1 - len(defined) / draws:.0%}"
        return NullGap(observed=observed, reason=f"undefined in {share} of permutations")
    # a permutation that changes nothing must count, despite rounding from another order of summation
    as_large = int((defined >= own.largest[0] * (1 - 1e-9)).sum())
    detectable, verifiable = own.power(float(np.quantile(defined, 0.95, method="higher")))
    return NullGap(
        observed=observed,
        p_value=(1 + as_large) / (1 + len(defined)),
        smallest_detectable=detectable,
        smallest_verifiable=verifiable,
        low=own.lower_end(float(np.quantile(defined, 0.95, method="higher"))),
        low_90=own.lower_end(float(np.quantile(defined, 0.9, method="higher"))),
    )


@dataclass(frozen=True, kw_only=True)
class _Studentised:
    """Values of groups with their jackknife variances, and gaps in standard errors, for several labellings.

    Attributes:
        values: shape (rows, groups, c)
        variances: shape (rows, groups, c)
        units: number of units of each group, shape (groups,)
        t: |a − b| / standard error of each pair of groups, shape (rows, pairs, c)
    """

    values: NDArray[np.float64]
    variances: NDArray[np.float64]
    units: NDArray[np.integer]
    t: NDArray[np.float64]

    @property
    def largest(self) -> NDArray[np.float64]:
        """The largest gap in standard errors, shape (rows,)."""
        largest: NDArray[np.float64] = self.t.max(axis=(1, 2))
        return largest

    def lower_end(self, critical: float) -> float:
        """The largest difference less `critical` of its standard errors; 0 if none is above 0."""
        largest = 0.0
        for a, b in itertools.combinations(range(len(self.units)), 2):
            error = np.sqrt(self.variances[0, a] + self.variances[0, b])
            less = np.multiply(critical, error, out=np.zeros_like(error), where=error > 0)
            largest = max(largest, float((np.abs(self.values[0, a] - self.values[0, b]) - less).max()))
        return largest

    def power(self, critical: float) -> tuple[float, float]:
        """Smallest gap that is detected in 80 % of cases, and smallest limit that can be verified.

        For the pair and value with the largest gap, by Student's t with Satterthwaite's degrees of freedom:
        (t.975 + t.80) and (t.95 + t.90) standard errors; with several pairs or values, the critical value is
        that of the permutations.
        """
        pairs = list(itertools.combinations(range(len(self.units)), 2))
        apart = np.stack([np.abs(self.values[0, a] - self.values[0, b]) for a, b in pairs])
        pair, c = np.unravel_index(int(apart.argmax()), apart.shape)
        a, b = pairs[int(pair)]
        parts = self.variances[0, [a, b], c]
        freedoms = np.maximum(self.units[[a, b]] - 1, 1)
        spread = float((parts**2 / freedoms).sum())
        freedom = float(parts.sum() ** 2 / spread) if spread > 0 else 1.0
        error = float(np.sqrt(parts.sum()))
        alone = self.t[0].size == 1
        detected = float(stdtrit(freedom, 0.975)) if alone else critical
        detectable = (detected + float(stdtrit(freedom, 0.8))) * error
        verifiable = float(stdtrit(freedom, 0.95) + stdtrit(freedom, 0.9)) * error
        return detectable, verifiable


@dataclass(frozen=True, kw_only=True)
class _Gaps:
    """What is needed to studentise the gaps of any labelling of the units.

    Attributes:
        measure: sums (..., k) → values (..., c)
        of_units: sums of each unit, shape (units, k)
        groups: number of groups
        variance_of_a_unit: the jackknife variance over all units times their number, shape (c,)
    """

    measure: Values
    of_units: NDArray[np.float64]
    groups: int
    variance_of_a_unit: NDArray[np.float64]

    @classmethod
    def of(cls, measure: Values, of_units: NDArray[np.float64], groups: int) -> "_Gaps":
        left_out = without_each(measure, of_units)
        units = len(of_units)
        variance = units * (units - 1) * np.nanvar(left_out, axis=0) if units > 1 else left_out[0] * 0
        return cls(measure=measure, of_units=of_units, groups=groups, variance_of_a_unit=variance)

    def _without_each(self, sums: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
        """The values of each unit's group without the unit, shape (rows, units, c), in blocks of units."""
        rows = np.arange(len(labels))[:, None]
        at_once = max(1, BLOCK // (len(labels) * sums.shape[-1]))
        starts = range(0, len(self.of_units), at_once)
        blocks = [slice(start, start + at_once) for start in starts]
        parts = [self.measure(sums[rows, labels[:, b]] - self.of_units[b]) for b in blocks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def studentised(self, labels: NDArray[np.integer]) -> _Studentised:
        """The gaps for each labelling of the units, shape (rows, units)."""
        member = (labels[:, None, :] == np.arange(self.groups)[:, None]).astype(np.float64)
        sums = member @ self.of_units
        values = self.measure(sums)
        rows = np.arange(len(labels))[:, None]
        left_out = self._without_each(sums, labels) - values[rows, labels]
        units = member.sum(axis=2)[..., None]
        mean, square = member @ left_out / units, member @ left_out**2 / units
        variances = np.maximum((units - 1) * (square - mean**2), 0.0)
        variances = np.maximum(variances, SMALLEST_VARIANCE * self.variance_of_a_unit / units)
        t = []
        for a, b in itertools.combinations(range(self.groups), 2):
            apart, error = np.abs(values[:, a] - values[:, b]), np.sqrt(variances[:, a] + variances[:, b])
            # without any variance, a difference is beyond chance, and none is none; a variance is nan where a
            # value is undefined without one of the units
            exact = np.where(np.isnan(error), np.nan, np.where(apart > 1e-12, np.inf, apart))
            t.append(np.where(error > 0, ratio(apart, error), exact))
        return _Studentised(
            values=values, variances=variances, units=units[0, :, 0].astype(np.int64), t=np.stack(t, axis=1)
        )


def _permuted(
    gaps: _Gaps, label: NDArray[np.integer], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The largest gaps in standard errors with the units' group labels permuted, shape (draws,)."""

    def blocks() -> Iterator[NDArray[np.float64]]:
        rows = max(1, MAX_CELLS // gaps.of_units.size)
        for start in range(0, draws, rows):
            labels = rng.permuted(np.tile(label, (min(rows, draws - start), 1)), axis=1)
            yield gaps.studentised(labels).largest

    return np.concatenate(list(blocks()))


def _normal(own: _Studentised, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The largest gaps in standard errors between independent normal values of the groups, shape (draws,)."""
    deviations = np.sqrt(own.variances[0])
    drawn = rng.standard_normal((draws, *deviations.shape)) * deviations
    t = [
        ratio(np.abs(drawn[:, a] - drawn[:, b]), np.hypot(deviations[a], deviations[b]))
        for a, b in itertools.combinations(range(len(deviations)), 2)
    ]
    largest: NDArray[np.float64] = np.nan_to_num(np.stack(t, axis=1)).max(axis=(1, 2))
    return largest


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted for multiple testing, shape (m,), in [0, 1] (Holm 1979).

    The i-th smallest of m p-values is multiplied by m − i + 1, and the results are made non-decreasing. nan
    stays nan and does not count as a test.

    >>> holm([0.01, 0.04, 0.03]).round(12).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted
