"""Permutation tests of gaps between groups, and Holm's correction for several tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError
from sertools.statistics.bootstrap import (
    FEWEST_DRAWS,
    MAX_MATRIX_CELLS,
    UNDEFINED,
    GroupedClips,
    extent,
    sums_by_group,
)
from sertools.statistics.statistic import Statistic


@dataclass(frozen=True, kw_only=True)
class NullGap:
    """A gap between groups, compared with the gaps that arise by chance.

    Attributes:
        observed: largest minus smallest value over groups, ≥ 0; with two groups |a − b|
        p_value: probability of a gap at least this large by chance; in (0, 1]
        smallest_detectable: 95th percentile of the gaps by chance; a limit below it cannot be verified
        reason: why one of them is nan; empty if none is
    """

    observed: float
    p_value: float
    smallest_detectable: float
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
    unchanged. p = (1 + gaps by chance at least as large) / (1 + draws) (Phipson & Smyth 2010).

    Args:
        statistic: the statistic to compare; with two groups the gap is |a − b|, with more max − min
        grouped: the clips, with their units and groups; all clips of a unit are in the same group
        draws: number of permutations
        rng: source of the permutations
    """
    sums, clips = sums_by_group(statistic, grouped)
    return permuted_gap(
        lambda of_groups: extent(statistic.value(of_groups)),
        sums,
        clips,
        what=statistic.name,
        draws=draws,
        rng=rng,
    )


def permuted_gap(
    gap: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    sums: NDArray[np.float64],
    clips: NDArray[np.number],
    *,
    what: str,
    draws: int = 2000,
    rng: np.random.Generator,
) -> NullGap:
    """Permutation test of any gap between groups that is a function of their sums (see `permutation`).

    Args:
        gap: sums of all groups (..., groups, k) → gaps (...), nan where undefined
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
    observed = float(gap(sums.sum(axis=1))) if len(clips) > 1 else np.nan
    member = clips > 0
    reason = _why_untested(observed, member, what)
    if reason:
        return NullGap(observed=observed, p_value=np.nan, smallest_detectable=np.nan, reason=reason)
    null = np.concatenate(
        [gap(of_groups) for of_groups in _permuted_sums(sums, member.argmax(axis=0), draws, rng)]
    )
    defined = null[~np.isnan(null)]
    if len(defined) < (1 - UNDEFINED) * draws:
        reason = f"undefined in {1 - len(defined) / draws:.0%} of permutations"
        return NullGap(observed=observed, p_value=np.nan, smallest_detectable=np.nan, reason=reason)
    # a permutation that changes nothing must count, despite rounding from another order of summation
    as_large = int((defined >= observed - 1e-12).sum())
    return NullGap(
        observed=observed,
        p_value=(1 + as_large) / (1 + len(defined)),
        smallest_detectable=float(np.quantile(defined, 0.95)),
    )


def _why_untested(observed: float, member: NDArray[np.bool_], what: str) -> str:
    """Why a gap cannot be tested, given which units (groups, units) have clips in which group; else empty."""
    if len(member) < 2:
        return "fewer than two groups"
    if np.isnan(observed):
        return f"{what} is undefined in a group"
    if (member.sum(axis=0) > 1).any():
        return "a speaker belongs to more than one group, so group labels cannot be permuted over speakers"
    return ""


def _permuted_sums(
    sums: NDArray[np.float64], label: NDArray[np.integer], draws: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Sums of all groups with the units' group labels permuted: blocks (rows, groups, k), `draws` rows."""
    of_units = sums.sum(axis=0)
    block = max(1, MAX_MATRIX_CELLS // len(label))
    for start in range(0, draws, block):
        labels = rng.permuted(np.tile(label, (min(block, draws - start), 1)), axis=1)
        of_groups = [(labels == code).astype(np.float64) @ of_units for code in range(len(sums))]
        yield np.stack(of_groups, axis=-2)


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
