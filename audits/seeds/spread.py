"""How much of a number is due to the seed, and how much to the speakers?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate

from .claims import Claim


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The parts of the variance of one number.

    Attributes:
        seeds: standard deviation over checkpoints, with its interval
        speakers: standard error of the mean over checkpoints, due to speakers; nan if unknown
        recipe: mean over checkpoints, with an interval for other seeds and other speakers
        share: share of the variance of one checkpoint's number that is due to the seed, in [0, 1]
    """

    seeds: Estimate
    speakers: float
    recipe: Estimate
    share: float


def spread(claim: Claim, n: int, units: int) -> Spread:
    """The parts of the variance of a claim.

    The variance over checkpoints, s² with divisor M − 1, has the interval of a normal distribution, (M − 1)
    s² / χ². The variance of the mean over checkpoints is s²/M plus the jackknife variance over speakers, with
    Satterthwaite's degrees of freedom. On the same speakers, s² also contains how differently seeds serve
    these speakers.

    Args:
        claim: one number of all checkpoints
        n: number of clips
        units: number of speakers
    """
    values = claim.values
    freedom, square = len(values) - 1, float(np.var(values, ddof=1))
    seeds = Estimate(value=math.sqrt(square), low=np.nan, high=np.nan, n=n, units=units)
    if units < MIN_UNITS:
        seeds = Estimate(
            value=seeds.value,
            low=np.nan,
            high=np.nan,
            n=n,
            units=units,
            reason=f"fewer than {MIN_UNITS} speakers",
        )
    else:
        seeds = seeds.within(lambda coverage: _chi_bounds(square, freedom, coverage), 0.95)
    error = claim.error**2
    parts, freedoms = np.array([square / len(values), error]), np.array([freedom, max(units - 1, 1)])
    total = float(parts.sum())
    lacking = "" if math.isfinite(claim.mean) else "it is undefined for a checkpoint"
    recipe = Estimate(value=claim.mean, low=np.nan, high=np.nan, n=n, units=units, reason=lacking)
    if not math.isnan(total):
        recipe = recipe.within(lambda coverage: _bounds(claim, parts, freedoms, coverage), 0.95)
    share = square / (square + error) if square + error > 0 else float("nan")
    return Spread(seeds=seeds, speakers=claim.error, recipe=recipe, share=share)


def _chi_bounds(square: float, freedom: int, coverage: float) -> tuple[float, float]:
    """Bounds of a standard deviation from a variance of normal values."""
    tail = (1 - coverage) / 2
    low, high = (freedom * square / float(chdtri(freedom, p)) for p in (tail, 1 - tail))
    return math.sqrt(low), math.sqrt(high)


def _bounds(
    claim: Claim, parts: NDArray[np.float64], freedoms: NDArray[np.integer], coverage: float
) -> tuple[float, float]:
    """Interval of a mean whose variance is a sum of independent parts (Satterthwaite 1946)."""
    spread_of_parts = float((parts**2 / freedoms).sum())
    freedom = float(parts.sum() ** 2 / spread_of_parts) if spread_of_parts > 0 else 1.0
    half = float(stdtrit(freedom, (1 + coverage) / 2)) * math.sqrt(float(parts.sum()))
    return max(claim.mean - half, claim.bounds[0]), min(claim.mean + half, claim.bounds[1])
