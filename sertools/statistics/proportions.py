"""How uncertain is a share of clips? Wilson's interval with a number of clips that accounts for speakers."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance
from sertools.statistics.statistic import ratio, unit_sums
from sertools.statistics.wilson import INTRA_SPEAKER, wilson

RARER_CLIPS_OF_HALF_CORRELATION = 50
"""Number of clips of the rarer outcome at which half of that correlation is assumed."""


def proportion(success: ArrayLike, unit: ArrayLike, units: int, *, level: float = 0.95) -> Estimate:
    """The share of clips that succeed, with its confidence interval.

    Wilson's interval with the effective number of clips, see `share_bounds`. Always within [0, 1], and never
    of width 0.

    Args:
        success: booleans, shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes; units without clips are ignored
        level: coverage of the interval

    >>> some = proportion([True] * 9 + [False], range(10), 10)
    >>> some.value, round(some.low, 3), round(some.high, 3)
    (0.9, 0.523, 0.987)
    """
    hits, unit = np.asarray(success, dtype=np.float64), np.asarray(unit)
    n = len(hits)
    sums = unit_sums(np.stack([np.ones(n), hits], axis=1), unit, units)
    sums = sums[sums[:, 0] > 0]
    total = sums.sum(axis=0)
    value = float(ratio(total[1], total[0]))
    found = Estimate(value=value, low=np.nan, high=np.nan, n=n, units=len(sums))
    if n == 0:
        return replace(found, reason="no clips")
    if len(sums) < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")
    left_out = total - sums
    variance = jackknife_variance(left_out[:, 1] / left_out[:, 0])
    return found.within(lambda coverage: share_bounds(value, variance, sums[:, 0], level=coverage), level)


def share_bounds(
    value: float, variance: float, clips: NDArray[Any], *, level: float = 0.95
) -> tuple[float, float]:
    """Confidence bounds of a share, given its jackknife variance over speakers.

    Wilson's bounds for n_eff = p(1−p)/v clips and the t quantile with G−1 degrees of freedom. Few clips of
    the rarer outcome cannot show how much speakers differ, so v may be far too small. Therefore n_eff is at
    most n divided by the design effect 1 + (Σm²/Σm − 1) ρ of units with m clips (Kish 1965), where ρ is the
    intra-speaker correlation .02 · 50 / (50 + clips of the rarer outcome), which vanishes with many such
    clips. When this cap applies, the variance is assumed and not estimated, so the quantile is the normal
    one. docs/statistics.md shows the resulting coverage.

    Args:
        value: the share, in [0, 1]
        variance: jackknife variance of the share, ≥ 0
        clips: number of clips of each unit, > 0, shape (units,)
        level: coverage of the interval
    """
    n = float(clips.sum())
    rarer = n * min(value, 1 - value)
    correlation = INTRA_SPEAKER * RARER_CLIPS_OF_HALF_CORRELATION / (RARER_CLIPS_OF_HALF_CORRELATION + rarer)
    most = n / (1 + ((clips**2).sum() / n - 1) * correlation)
    # a smaller variance is rounding error
    if variance > 1e-24 and value * (1 - value) < most * variance:
        return wilson(value, value * (1 - value) / variance, float(stdtrit(len(clips) - 1, (1 + level) / 2)))
    return wilson(value, most, float(ndtri((1 + level) / 2)))
