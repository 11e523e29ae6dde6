"""How uncertain is a number? Confidence intervals that account for several clips per speaker.

The unit is the speaker: all functions leave out one unit at a time (the jackknife on additive sums;
Efron & Stein 1981) and use Student's t. If a corpus names no speakers, `unit=arange(n)` makes clips the
units; such an interval is too narrow if speakers repeat, and the caller has to report that.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from sertools.statistics.statistic import Scale, Statistic, paired, without_each
from sertools.statistics.wilson import effective_clips, wilson
from sertools.wording import plural

MIN_UNITS = 5
"""Minimum number of units (per group) for an interval."""

Group = tuple[NDArray[Any], NDArray[Any], NDArray[np.integer]]
"""Truth (n,), prediction (n,) and unit codes (n,) of the clips of one group or condition."""


TINY = 1e-12
"""Differences below this are rounding error."""

LEVEL, INNER_LEVEL = 0.95, 0.9
"""Coverage of the interval that is reported, and of the one inside it that shows equivalence at 5 %."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its confidence interval.

    Attributes:
        value: the estimate; nan if undefined
        low, high: bounds of the interval; nan if there is none
        n: number of clips used
        units: number of units (speakers) used
        reason: why the value or the interval is missing; empty if neither is
        inner: bounds of the 90 % interval, if `low` and `high` are those of the 95 % interval; each 5 % test
            of a limit (TOST, Schuirmann 1987) is decided by it
    """

    value: float
    low: float
    high: float
    n: int
    units: int
    reason: str = ""
    inner: tuple[float, float] | None = None

    def within(self, bounds: Callable[[float], tuple[float, float]], level: float) -> "Estimate":
        """The same with an interval.

        Args:
            bounds: coverage → both ends of the interval
            level: coverage of the interval; for 95 % the 90 % interval is kept as well
        """
        low, high = bounds(level)
        return replace(self, low=low, high=high, inner=bounds(INNER_LEVEL) if level == LEVEL else None)

    def minus(self, number: float) -> "Estimate":
        """The same, minus a number that is known exactly."""
        return self.mapped(lambda value: value - number)

    def mapped(self, increasing: Callable[[float], float]) -> "Estimate":
        """The value and the ends of its intervals under an increasing function."""
        value, low, high = (increasing(each) for each in (self.value, self.low, self.high))
        inner = None if self.inner is None else (increasing(self.inner[0]), increasing(self.inner[1]))
        return replace(self, value=value, low=low, high=high, inner=inner)


def estimate(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    unit: ArrayLike,
    units: int,
    *,
    level: float = 0.95,
    unit_noun: str = "speaker",
) -> Estimate:
    """The value of a statistic with its confidence interval.

    Leave-one-unit-out jackknife: variance (G−1)/G Σ(θ₍ᵢ₎ − mean θ₍.₎)², t quantile with G−1 degrees of
    freedom, on the statistic's scale (artanh θ or log θ); clipped to the statistic's bounds.

    Where a statistic between 0 and 1 is 0 or 1 for every unit (UAR = 1), units do not show its spread, and
    it gets Wilson's interval of a share, which does not have width 0. For shares of clips use `proportion`.

    Args:
        statistic: what to estimate
        truth: shape (n,)
        prediction: shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes; units without clips are ignored
        level: coverage of the interval
        unit_noun: what a unit is called in the reason for a missing interval
    """
    t, p, unit = *paired(truth, prediction), np.asarray(unit)
    sums = statistic.sums(t, p, unit, units)[np.bincount(unit, minlength=units) > 0]
    found = estimate_from_sums(statistic, sums, len(t), level=level, unit_noun=unit_noun)
    at_a_bound = found.high - found.low < TINY and min(found.value, 1 - found.value) < TINY
    if statistic.bounds != (0.0, 1.0) or not at_a_bound:
        return found
    weights = np.full(len(t), 1 / len(t)) if statistic.weights is None else statistic.weights(t)
    clips = effective_clips(weights, unit)
    return found.within(lambda cover: wilson(found.value, clips, float(ndtri((1 + cover) / 2))), level)


def estimate_from_sums(
    statistic: Statistic,
    sums: NDArray[np.float64],
    n: int,
    *,
    level: float = 0.95,
    unit_noun: str = "speaker",
) -> Estimate:
    """The same from the sums of each unit, where a clip has not just one truth and one prediction.

    Args:
        statistic: what to estimate; only its value, scale and bounds are used
        sums: additive sums of each unit that has clips, shape (units, k)
        n: number of clips behind the sums
        level: coverage of the interval
        unit_noun: what a unit is called in the reason for a missing interval
    """
    total = sums.sum(axis=0)
    value, left_out = float(statistic.value(total)), without_each(statistic.value, sums)
    if np.isnan(value):
        return Estimate(
            value=value, low=np.nan, high=np.nan, n=n, units=len(sums), reason=_undefined(statistic, n)
        )
    return estimate_from_left_out(statistic, value, left_out, n, level=level, unit_noun=unit_noun)


def estimate_from_left_out(
    statistic: Statistic,
    value: float,
    left_out: NDArray[np.float64],
    n: int,
    *,
    level: float = 0.95,
    unit_noun: str = "speaker",
) -> Estimate:
    """The same from the value and the values without each unit, for statistics that have no additive sums.

    Args:
        statistic: what to estimate; only its name, scale and bounds are used
        value: over all clips
        left_out: without each unit in turn, shape (units,)
        n: number of clips
        level: coverage of the interval
        unit_noun: what a unit is called in the reason for a missing interval
    """
    found = Estimate(value=value, low=np.nan, high=np.nan, n=n, units=len(left_out))
    if np.isnan(value):
        return replace(found, reason=_undefined(statistic, n))
    if len(left_out) < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} {unit_noun}s")
    if np.isnan(left_out).any():
        return replace(found, reason=f"{statistic.name} is undefined when one {unit_noun} is left out")

    def bounds(coverage: float) -> tuple[float, float]:
        low, high = _interval(value, left_out, coverage, statistic.scale)
        return max(low, statistic.bounds[0]), min(high, statistic.bounds[1])

    return found.within(bounds, level)


def gap(statistic: Statistic, a: Group, b: Group, *, level: float = 0.95) -> Estimate:
    """How much higher is a statistic in one group of clips than in another: a − b?

    If the groups share no unit, the variance is the sum of both jackknife variances, with Satterthwaite's
    degrees of freedom. If they share units (the same speakers in two conditions, or a group and all clips),
    each unit is left out of both; the degrees of freedom are those of the smaller group.

    Args:
        statistic: the statistic to compare
        a: truth, prediction and unit codes of the first group
        b: truth, prediction and unit codes of the second group; equal codes are the same unit
        level: coverage of the interval

    Returns:
        The difference; `n` counts the clips of both groups, `units` the distinct units.
    """
    units = 1 + max((int(codes.max()) for _, _, codes in (a, b) if len(codes)), default=0)
    sums_a, sums_b = (statistic.sums(*paired(t, p), codes, units) for t, p, codes in (a, b))
    in_a, in_b = (np.bincount(codes, minlength=units) > 0 for _, _, codes in (a, b))
    value = float(statistic.value(sums_a.sum(axis=0)) - statistic.value(sums_b.sum(axis=0)))
    n, either = len(a[0]) + len(b[0]), in_a | in_b
    found = Estimate(value=value, low=np.nan, high=np.nan, n=n, units=int(either.sum()))
    if np.isnan(value):
        return replace(found, reason=f"{statistic.name} is undefined in a group")
    fewest = int(min(in_a.sum(), in_b.sum()))
    if fewest < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers in a group")
    if (in_a & in_b).any():
        without_a, without_b = (without_each(statistic.value, sums, either) for sums in (sums_a, sums_b))
        left_out = [without_a - without_b]
        variance, freedom = jackknife_variance(left_out[0]), float(fewest - 1)
    else:
        left_out = [
            without_each(statistic.value, sums_a, in_a),
            without_each(statistic.value, sums_b, in_b),
        ]
        variance, freedom = _satterthwaite(*left_out)
    if np.isnan(np.concatenate(left_out)).any():
        return replace(found, reason=f"{statistic.name} is undefined when one speaker is left out")
    widest = statistic.bounds[1] - statistic.bounds[0]

    def bounds(coverage: float) -> tuple[float, float]:
        half = _quantile(coverage, freedom) * math.sqrt(variance)
        return max(value - half, -widest), min(value + half, widest)

    return found.within(bounds, level)


def contrast(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    changed: ArrayLike,
    unit: ArrayLike,
    *,
    level: float = 0.95,
) -> Estimate:
    """How much does a statistic change from one set of predictions to another: metric(x′) − metric(x)?

    Paired: both sets cover the same clips, and each unit is left out of both. Used to compare perturbed with
    clean audio, or a new model with an old one.

    Args:
        statistic: the statistic to compare
        truth: shape (n,)
        prediction: the predictions before, shape (n,)
        changed: the predictions after, shape (n,)
        unit: codes from 0, shape (n,)
        level: coverage of the interval
    """
    (t, p), (_, q), unit = paired(truth, prediction), paired(truth, changed), np.asarray(unit)
    return replace(gap(statistic, (t, q, unit), (t, p, unit), level=level), n=len(t))


def group_minus_all(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    unit: ArrayLike,
    group: ArrayLike,
    groups: int,
    *,
    level: float = 0.95,
) -> list[Estimate]:
    """How much higher is a statistic in each group than over all clips? One estimate per group.

    The group's speakers are a subset of all speakers, so each unit is left out of both.

    Args:
        statistic: the statistic to compare
        truth: shape (n,)
        prediction: shape (n,)
        unit: codes from 0, shape (n,)
        group: codes 0..groups−1, shape (n,); negative for clips in no group, which count among all clips
        groups: number of groups
        level: coverage of the interval

    Returns:
        Estimates with the `n` and `units` of each group.
    """
    (t, p), unit, group = paired(truth, prediction), np.asarray(unit), np.asarray(group)
    found = []
    for code in range(groups):
        inside = group == code
        one = gap(statistic, (t[inside], p[inside], unit[inside]), (t, p, unit), level=level)
        found.append(replace(one, n=int(inside.sum()), units=len(np.unique(unit[inside]))))
    return found


def _interval(value: float, left_out: NDArray[np.float64], level: float, scale: Scale) -> tuple[float, float]:
    """Jackknife-t interval of one value."""
    transform, inverse = _SCALES[scale]
    half = _quantile(level, len(left_out) - 1) * math.sqrt(jackknife_variance(transform(left_out)))
    middle = transform(np.asarray(value))
    # transforming there and back may lose the last digit, or the last 1e-12 of a perfect correlation
    return min(float(inverse(middle - half)), value), max(float(inverse(middle + half)), value)


def _fisher(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fisher's z; ±1, whose z is infinite, is replaced by ±(1 − 1e-12)."""
    z: NDArray[np.float64] = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    return z


def _log(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm; 0, whose logarithm is infinite, is replaced by 1e-12."""
    log: NDArray[np.float64] = np.log(np.maximum(value, 1e-12))
    return log


_Map = tuple[
    Callable[[NDArray[np.float64]], NDArray[np.float64]], Callable[[NDArray[np.float64]], NDArray[np.float64]]
]
_SCALES: dict[Scale, _Map] = {
    "linear": (np.asarray, np.asarray),
    "fisher": (_fisher, np.tanh),
    "log": (_log, np.exp),
}


def jackknife_variance(left_out: NDArray[np.float64]) -> float:
    """Jackknife variance of G leave-one-out values: (G−1)/G Σ(θ₍ᵢ₎ − mean θ₍.₎)²."""
    return float((len(left_out) - 1) * np.var(left_out))


def _satterthwaite(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Variance and degrees of freedom of a difference of independent jackknives (Satterthwaite 1946)."""
    parts = np.array([jackknife_variance(a), jackknife_variance(b)])
    spread = float((parts**2 / [len(a) - 1, len(b) - 1]).sum())
    # without variance the degrees of freedom do not matter
    freedom = float(parts.sum() ** 2 / spread) if spread > 0 else 1.0
    return float(parts.sum()), freedom


def _quantile(level: float, freedom: float) -> float:
    """Two-sided quantile of Student's t: both tails together hold 1 − level."""
    return float(stdtrit(freedom, (1 + level) / 2))


def _undefined(statistic: Statistic, n: int) -> str:
    return f"{statistic.name} is undefined on {plural(n, 'clip')}" if n else "no clips"
