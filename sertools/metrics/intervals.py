"""How sure is a number? Intervals that respect that clips of one speaker are not independent.

The unit is the speaker: everything here leaves one unit out at a time (the jackknife on additive sums;
Efron & Stein 1981) and looks up Student's t. Where a corpus names no speakers, `unit=arange(n)` makes clips
the units; such an interval is too narrow if speakers repeat, which the caller has to say.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from sertools.metrics.sums import Scale, Statistic, paired, ratio, unit_sums

MIN_UNITS = 5
"""With fewer units (per group) there is no interval."""

INTRA_SPEAKER = 0.02
"""Intra-speaker correlation assumed of a share while hardly a clip has told how much speakers differ."""

TELLING = 50
"""Clips of the rarer outcome at which half as much is assumed."""

Group = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Truth (n,), prediction (n,) and unit codes (n,) of the clips of one group or condition."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its interval.

    Attributes:
        value: nan where undefined
        low, high: the interval; nan where there is none
        n: clips that entered
        units: units (speakers) that entered
        reason: why the value or the interval is missing; empty where both are there
    """

    value: float
    low: float
    high: float
    n: int
    units: int
    reason: str = ""


def estimate(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    unit: ArrayLike,
    units: int,
    *,
    level: float = 0.95,
) -> Estimate:
    """What is the value of a statistic, and within which bounds is it known?

    Leave-one-unit-out jackknife: variance (G−1)/G Σ(θ₍ᵢ₎ − mean θ₍.₎)², t quantile with G−1 degrees of
    freedom, on the statistic's scale (artanh θ or log θ); cut to the statistic's bounds.

    A bounded statistic at its bound for every unit (UAR = 1) gets an interval of width 0: the units give no
    hint of its spread. Shares of clips belong into `proportion`, which never does that.

    Args:
        statistic: what to estimate
        truth: shape (n,)
        prediction: shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes; those without clips do not count
        level: coverage
    """
    t, p, unit = *paired(truth, prediction), np.asarray(unit)
    sums = statistic.sums(t, p, unit, units)[np.bincount(unit, minlength=units) > 0]
    total = sums.sum(axis=0)
    value = float(statistic.value(total))
    found = Estimate(value=value, low=np.nan, high=np.nan, n=len(t), units=len(sums))
    if np.isnan(value):
        return replace(found, reason=_undefined(statistic, len(t)))
    if len(sums) < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")
    left_out = statistic.value(total - sums)
    if np.isnan(left_out).any():
        return replace(found, reason=f"{statistic.name} is undefined when one speaker is left out")
    low, high = _interval(value, left_out, level, statistic.scale)
    return replace(found, low=max(low, statistic.bounds[0]), high=min(high, statistic.bounds[1]))


def gap(statistic: Statistic, a: Group, b: Group, *, level: float = 0.95) -> Estimate:
    """How much higher is a statistic in one group of clips than in another: a − b?

    Where the groups share no unit, the variance is the sum of both jackknife variances, with
    Satterthwaite's degrees of freedom. Where they share units (the same speakers in two conditions, a group
    and all), each unit is left out of both; the degrees of freedom are those of the smaller group.

    Args:
        statistic: what to compare
        a: truth, prediction and unit codes of the first group
        b: the same of the second; equal codes are the same unit
        level: coverage

    Returns:
        n counts the clips of both groups, units the different units.
    """
    units = 1 + max((int(codes.max()) for _, _, codes in (a, b) if len(codes)), default=0)
    sums_a, sums_b = (statistic.sums(*paired(t, p), codes, units) for t, p, codes in (a, b))
    in_a, in_b = (np.bincount(codes, minlength=units) > 0 for _, _, codes in (a, b))
    total_a, total_b = sums_a.sum(axis=0), sums_b.sum(axis=0)
    value = float(statistic.value(total_a) - statistic.value(total_b))
    n, either = len(a[0]) + len(b[0]), in_a | in_b
    found = Estimate(value=value, low=np.nan, high=np.nan, n=n, units=int(either.sum()))
    if np.isnan(value):
        return replace(found, reason=f"{statistic.name} is undefined in a group")
    fewest = int(min(in_a.sum(), in_b.sum()))
    if fewest < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers in a group")
    if (in_a & in_b).any():
        left_out = [statistic.value(total_a - sums_a[either]) - statistic.value(total_b - sums_b[either])]
        variance, freedom = _variance(left_out[0]), float(fewest - 1)
    else:
        left_out = [statistic.value(total_a - sums_a[in_a]), statistic.value(total_b - sums_b[in_b])]
        variance, freedom = _satterthwaite(*left_out)
    if np.isnan(np.concatenate(left_out)).any():
        return replace(found, reason=f"{statistic.name} is undefined when one speaker is left out")
    half = _quantile(level, freedom) * math.sqrt(variance)
    widest = statistic.bounds[1] - statistic.bounds[0]
    return replace(found, low=max(value - half, -widest), high=min(value + half, widest))


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

    Paired: the same clips in both, and each unit is left out of both. For perturbed against clean sound,
    or a new model against an old one.

    Args:
        statistic: what to compare
        truth: shape (n,)
        prediction: the predictions before, shape (n,)
        changed: the predictions after, shape (n,)
        unit: codes from 0, shape (n,)
        level: coverage
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

    A group's speakers are among all speakers, so each unit is left out of both.

    Args:
        statistic: what to compare
        truth: shape (n,)
        prediction: shape (n,)
        unit: codes from 0, shape (n,)
        group: codes 0..groups−1, shape (n,); negative for clips that are in no group, but among all
        groups: number of groups
        level: coverage

    Returns:
        Estimates whose n and units are those of the group.
    """
    (t, p), unit, group = paired(truth, prediction), np.asarray(unit), np.asarray(group)
    found = []
    for code in range(groups):
        inside = group == code
        one = gap(statistic, (t[inside], p[inside], unit[inside]), (t, p, unit), level=level)
        found.append(replace(one, n=int(inside.sum()), units=len(np.unique(unit[inside]))))
    return found


def proportion(success: ArrayLike, unit: ArrayLike, units: int, *, level: float = 0.95) -> Estimate:
    """Which share of clips succeeds, and within which bounds is it known?

    Wilson's interval with the effective number of clips, see `share_bounds`. Never outside [0, 1], never of
    width 0.

    Args:
        success: booleans, shape (n,)
        unit: codes 0..units−1, shape (n,)
        units: number of codes; those without clips do not count
        level: coverage

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
    variance = _variance(left_out[:, 1] / left_out[:, 0])
    low, high = share_bounds(value, variance, sums[:, 0], level=level)
    return replace(found, low=low, high=high)


def share_bounds(
    value: float, variance: float, clips: np.ndarray, *, level: float = 0.95
) -> tuple[float, float]:
    """Within which bounds is a share known, whose jackknife variance over speakers was found?

    Wilson's bounds for n_eff = p(1−p)/v clips and the t quantile with G−1 degrees of freedom. Few clips of
    the rarer outcome cannot show how much speakers differ: v may come out far too small. So n_eff is at most
    n over the design effect 1 + (Σm²/Σm − 1) ρ of units with m clips (Kish 1965), ρ the intra-speaker
    correlation .02 · 50 / (50 + clips of the rarer outcome), which vanishes as they become many. Where this
    holds, the variance is assumed and not estimated, so the quantile is the normal one.
    docs/statistics.md shows what it is worth.

    Args:
        value: the share, in [0, 1]
        variance: of the share, ≥ 0
        clips: of each unit, > 0, shape (units,)
        level: coverage
    """
    n = float(clips.sum())
    rarer = n * min(value, 1 - value)
    correlation = INTRA_SPEAKER * TELLING / (TELLING + rarer)
    most = n / (1 + ((clips**2).sum() / n - 1) * correlation)
    # below this, the units differ by rounding only
    if variance > 1e-24 and value * (1 - value) < most * variance:
        return _wilson(value, value * (1 - value) / variance, _quantile(level, len(clips) - 1))
    return _wilson(value, most, float(ndtri((1 + level) / 2)))


def _wilson(value: float, effective: float, quantile: float) -> tuple[float, float]:
    """The shares at most `quantile` of their own standard errors away from the value (Wilson 1927)."""
    square = quantile**2 / effective
    centre = (value + square / 2) / (1 + square)
    half = math.sqrt(value * (1 - value) * square + square**2 / 4) / (1 + square)
    # at a share of 0 or 1 rounding may lead past the bound or short of it
    return max(min(centre - half, value), 0.0), min(max(centre + half, value), 1.0)


def _interval(value: float, left_out: np.ndarray, level: float, scale: Scale) -> tuple[float, float]:
    """The jackknife-t interval of one value."""
    there, back = _SCALES[scale]
    half = _quantile(level, len(left_out) - 1) * math.sqrt(_variance(there(left_out)))
    middle = there(np.asarray(value))
    # there and back again may lose the last digit, or the last 1e-12 of a perfect correlation
    return min(float(back(middle - half)), value), max(float(back(middle + half)), value)


def _fisher(value: np.ndarray) -> np.ndarray:
    """Fisher's z, with ±1, whose z is infinite, taken as ±(1 − 1e-12)."""
    z: np.ndarray = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    return z


def _log(value: np.ndarray) -> np.ndarray:
    """The logarithm, with 0, whose logarithm is infinite, taken as 1e-12."""
    log: np.ndarray = np.log(np.maximum(value, 1e-12))
    return log


_Map = tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
_SCALES: dict[Scale, _Map] = {
    "linear": (np.asarray, np.asarray),
    "fisher": (_fisher, np.tanh),
    "log": (_log, np.exp),
}


def _variance(left_out: np.ndarray) -> float:
    """(G−1)/G Σ(θ₍ᵢ₎ − mean θ₍.₎)², the jackknife variance of G leave-one-out values."""
    return float((len(left_out) - 1) * np.var(left_out))


def _satterthwaite(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Variance and degrees of freedom of two independent jackknives' difference (Satterthwaite 1946)."""
    parts = np.array([_variance(a), _variance(b)])
    spread = float((parts**2 / [len(a) - 1, len(b) - 1]).sum())
    # without variance the degrees of freedom do not matter
    freedom = float(parts.sum() ** 2 / spread) if spread > 0 else 1.0
    return float(parts.sum()), freedom


def _quantile(level: float, freedom: float) -> float:
    """Student's t at which the two tails hold 1 − level."""
    return float(stdtrit(freedom, (1 + level) / 2))


def _undefined(statistic: Statistic, n: int) -> str:
    return f"{statistic.name} is undefined on these {n} clips" if n else "no clips"
