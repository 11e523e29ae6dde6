"""Tests slices on speakers that took no part in the search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from sertools.metrics.standardised import cells, standardised_difference
from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance
from sertools.statistics.statistic import ratio

from .search import Losses, Slice


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A slice that was found on some speakers, tested on others.

    Attributes:
        slice: as it was found
        alone: its excess on the other speakers, with its 95 % interval
        together: the same with the interval at the level that holds for all tested slices together
        p_value: one-sided, of an excess by chance; nan without an interval
        inside: its clips among those of the other speakers, shape (n,)
    """

    slice: Slice
    alone: Estimate
    together: Estimate
    p_value: float
    inside: NDArray[np.bool_]


def confirm(losses: Losses, slices: Sequence[Slice], inside: Sequence[NDArray[np.bool_]]) -> list[Confirmed]:
    """The excess of each slice on speakers that took no part in the search.

    Args:
        losses: losses of these speakers' clips
        slices: what was found
        inside: for each of them, which of the clips are in it, shape (n,)
    """
    found = []
    for each, mask in zip(slices, inside, strict=True):
        alone, p_value = excess(losses, mask)
        together, _ = excess(losses, mask, tests=len(slices))
        found.append(Confirmed(slice=each, alone=alone, together=together, p_value=p_value, inside=mask))
    return found


def excess(losses: Losses, inside: NDArray[np.bool_], tests: int = 1) -> tuple[Estimate, float]:
    """How much higher is the loss in a slice than in other clips with the same truth, and is that chance?

    Σ_k n_k (mean loss in the slice in stratum k − mean loss outside it in stratum k) / Σ_k n_k, with n_k
    clips of the slice in stratum k, over the strata with clips both in the slice and outside (direct
    standardisation). The variance is that of the jackknife over speakers; the degrees of freedom are the
    number of speakers in the slice minus 1. Where losses are 0 or 1, the variance is at least that of
    independent clips, with one more loss and one more hit in each stratum, because a few clips without a loss
    do not show that there are none.

    Args:
        losses: losses of clips
        inside: the clips of the slice, shape (n,)
        tests: number of intervals that shall hold together (Bonferroni)

    Returns:
        The excess with its interval; its `n` and `units` are those of the slice. The one-sided p-value.
    """
    units = int(losses.unit.max()) + 1 if len(losses.unit) else 0
    strata = int(losses.stratum.max()) + 1 if len(losses.stratum) else 0
    statistic = standardised_difference(strata)
    sums = statistic.sums(cells(losses.stratum, inside), losses.loss, losses.unit, units)
    total = sums.sum(axis=0)
    speakers = len(np.unique(losses.unit[inside]))
    value = float(statistic.value(total[None])[0]) if strata else float("nan")
    found = Estimate(value=value, low=np.nan, high=np.nan, n=int(inside.sum()), units=speakers)
    if np.isnan(value):
        reason = "the other speakers have no such clips" if not inside.any() else "no clips to compare with"
        return replace(found, reason=reason), float("nan")
    if speakers < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers"), float("nan")
    left_out = statistic.value(total - sums)
    if np.isnan(left_out).any():
        return replace(found, reason="undefined when one speaker is left out"), float("nan")
    variance = max(jackknife_variance(left_out), _least_variance(losses, total))
    freedom, error = speakers - 1, float(np.sqrt(variance))

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(freedom, 1 - (1 - coverage) / tests / 2)) * error
        return value - half, value + half

    p_value = float(stdtr(freedom, -value / error)) if error > 0 else float(value <= 0)
    return found.within(bounds, 0.95), p_value


def _least_variance(losses: Losses, total: NDArray[np.float64]) -> float:
    """Variance of the excess if losses of 0 or 1 were independent; 0 for other losses."""
    if not np.isin(losses.loss, (0.0, 1.0)).all():
        return 0.0
    n, lost = total.reshape(2, -1, 2)
    both = np.asarray((n > 0).all(axis=-1), dtype=np.bool_)
    weight = np.where(both, n[:, 1], 0.0) / max(n[both, 1].sum(), 1.0)
    share = (lost.sum(axis=-1) + 1) / (n.sum(axis=-1) + 2)
    spread = share * (1 - share)
    return float((weight**2 * spread * ratio(1.0, n).sum(axis=-1, where=both[:, None])).sum())
