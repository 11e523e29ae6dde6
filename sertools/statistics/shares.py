"""Differences of shares of clips, such as recall, between two sets of predictions or two groups of clips."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate, Group, jackknife_variance
from sertools.statistics.statistic import paired
from sertools.statistics.wilson import design_effect, wilson


def change_of_recall(
    truth: ArrayLike,
    prediction: ArrayLike,
    changed: ArrayLike,
    unit: ArrayLike,
    *,
    repeats: float = 1.0,
    level: float = 0.95,
) -> Estimate:
    """How much does the mean recall over classes (UAR) change, with an interval that never has width 0?

    The change is the share of gains (wrong before, right after) minus that of losses, where a clip of one of
    K classes, which has n_k clips, weighs 1 / (K n_k). Each of the two shares gets Wilson's bounds with the
    effective number of clips: p(1−p) / v with the jackknife variance v over speakers, but at most
    1 / (Σw² · design effect), with an intra-speaker correlation of .02, because few gains and losses cannot
    show how much speakers differ. The bounds are joined by MOVER (Zou & Donner 2008), with the correlation
    that two outcomes of one multinomial have.

    Args:
        truth: class codes, shape (n,)
        prediction: class codes before, shape (n,)
        changed: class codes after, shape (n,)
        unit: speaker codes from 0, shape (n,)
        repeats: how often each clip occurs among the n, e.g. under several draws of a perturbation
        level: coverage of the interval

    Returns:
        The change in [−1, 1]; `n` counts the rows.

    Source: Zou & Donner, Construction of confidence limits about effect measures, 2008.
    """
    (t, p), (_, q) = paired(truth, prediction), paired(truth, changed)
    gained, lost = (p != t) & (q == t), (p == t) & (q != t)
    return gains_minus_losses(t, gained, lost, unit, repeats=repeats, level=level)


def gains_minus_losses(
    truth: ArrayLike,
    gained: ArrayLike,
    lost: ArrayLike,
    unit: ArrayLike,
    *,
    repeats: float = 1.0,
    level: float = 0.95,
) -> Estimate:
    """The same from shares: in which part of several comparisons is each clip gained, and in which lost?

    Args:
        truth: class codes, shape (n,)
        gained: share of the comparisons of each clip that it gains, in [0, 1], shape (n,)
        lost: share that it loses, in [0, 1], shape (n,)
        unit: speaker codes from 0, shape (n,)
        repeats: how often each clip occurs among the n
        level: coverage of the interval

    Returns:
        The change in [−1, 1]; `n` counts the rows.
    """
    t, unit = np.asarray(truth), np.asarray(unit)
    present, code = np.unique(unit, return_inverse=True)
    found = Estimate(value=np.nan, low=np.nan, high=np.nan, n=len(t), units=len(present))
    if not len(t):
        return replace(found, reason="no clips")
    classes, cls = np.unique(t, return_inverse=True)
    shape = (len(present), len(classes))
    clips = _counts(code, cls, np.ones(len(t)), shape)
    gains, losses = (_counts(code, cls, np.asarray(x, dtype=np.float64), shape) for x in (gained, lost))
    gain, loss = (_weighted(each.sum(axis=0), clips.sum(axis=0)) for each in (gains, losses))
    value = float(gain - loss)
    if len(present) < MIN_UNITS:
        return replace(found, value=value, reason=f"fewer than {MIN_UNITS} speakers")
    once = clips / repeats  # as if all repetitions of a clip had the same outcome
    most = _most_clips(once, 1 / (len(classes) * once.sum(axis=0)))
    correlation = -math.sqrt(gain * loss / ((1 - gain) * (1 - loss))) if gain < 1 and loss < 1 else -1.0

    def bounds(coverage: float) -> tuple[float, float]:
        (low_g, high_g), (low_l, high_l) = (
            _bounds(float(share), each, clips, most, coverage)
            for share, each in ((gain, gains), (loss, losses))
        )
        below = _joined(gain - low_g, high_l - loss, correlation)
        above = _joined(high_g - gain, loss - low_l, correlation)
        return max(value - below, -1.0), min(value + above, 1.0)

    return replace(found, value=value).within(bounds, level)


@dataclass(frozen=True, eq=False)
class RecallPairs:
    """Changes of mean recall (UAR) between all pairs of many models on the same clips.

    Attributes:
        value: recall of the first model of each pair minus that of the second, shape (pairs,), in the order
            of `numpy.triu_indices`
        towards_zero: half-width of the interval of `change_of_recall` on the side of 0, shape (pairs,)
    """

    value: NDArray[np.float64]
    towards_zero: NDArray[np.float64]


def changes_of_recall(
    truth: ArrayLike, right: ArrayLike, unit: ArrayLike, *, level: float = 0.95
) -> RecallPairs:
    """`change_of_recall` for all pairs of models at once, from which clips each of them gets right.

    The gains of a pair are what one model gets right minus what both do, so that products of matrices give
    them all.

    Args:
        truth: class codes, shape (n,)
        right: whether each model is right, at least two, shape (models, n)
        unit: speaker codes, at least `MIN_UNITS` different ones, shape (n,)
        level: coverage of the interval
    """
    (present, code), (classes, cls) = (np.unique(x, return_inverse=True) for x in (unit, truth))
    cell, shape = code * len(classes) + cls, (len(present), len(classes))
    order = np.argsort(cell, kind="stable")
    hits = np.asarray(right)[:, order].astype(np.float32)
    starts = np.searchsorted(cell[order], np.arange(shape[0] * shape[1] + 1))
    clips = np.diff(starts).astype(np.float64).reshape(shape)
    own = np.stack([hits[:, a:b].sum(axis=1) for a, b in pairwise(starts)], axis=1)
    parts = []
    for i in range(len(hits) - 1):
        both = np.stack([hits[i + 1 :, a:b] @ hits[i, a:b] for a, b in pairwise(starts)], axis=1)
        gains = (own[i] - both).astype(np.float64).reshape(-1, *shape)
        losses = (own[i + 1 :] - both).astype(np.float64).reshape(-1, *shape)
        parts.append(_towards_zero(gains, losses, clips, level))
    value, half = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return RecallPairs(value=value, towards_zero=half)


def _towards_zero(
    gains: NDArray[np.float64], losses: NDArray[np.float64], clips: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The change of each pair and its half-width towards 0, from gains and losses (pairs, units, classes)."""
    most = _most_clips(clips, 1 / (clips.shape[1] * clips.sum(axis=0)))
    (gain, low_g, high_g), (loss, low_l, high_l) = (
        _many_bounds(each, clips, most, level) for each in (gains, losses)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = -np.sqrt(gain * loss / ((1 - gain) * (1 - loss)))
    correlation = np.where((gain < 1) & (loss < 1), correlation, -1.0)
    value = gain - loss

    def joined(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sqrt(np.maximum(a**2 + b**2 - 2 * correlation * a * b, 0.0))

    below = np.minimum(joined(gain - low_g, high_l - loss), value + 1)
    above = np.minimum(joined(high_g - gain, loss - low_l), 1 - value)
    return value, np.where(value > 0, below, above)


def _many_bounds(
    hits: NDArray[np.float64], clips: NDArray[np.float64], most: float, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weighted shares of hits (pairs, units, classes), with the bounds of `_bounds`; each (pairs,)."""
    total, of_all = hits.sum(axis=1), clips.sum(axis=0)
    share = _weighted(total, np.broadcast_to(of_all, total.shape))
    left_out = _weighted(total[:, None] - hits, np.broadcast_to(of_all - clips, hits.shape))
    variance, spread = (len(clips) - 1) * left_out.var(axis=1), share * (1 - share)
    decides = (variance > 1e-24) & (spread < most * variance)
    effective = np.where(decides, spread / np.where(decides, variance, 1.0), most)
    quantile = np.where(decides, stdtrit(len(clips) - 1, (1 + level) / 2), ndtri((1 + level) / 2))
    square = quantile**2 / effective
    centre = (share + square / 2) / (1 + square)
    half = np.sqrt(spread * square + square**2 / 4) / (1 + square)
    low = np.maximum(np.minimum(centre - half, share), 0.0)
    return share, low, np.minimum(np.maximum(centre + half, share), 1.0)


def gap_of_recall(a: Group, b: Group, *, level: float = 0.95) -> Estimate:
    """How much higher is the mean recall over classes (UAR) in one group of speakers than in another: a − b?

    Each group's UAR gets Wilson's bounds as in `change_of_recall`, and the two are joined by MOVER, so that
    the interval never has width 0, not even if every prediction is right.

    Args:
        a: class codes of truth and prediction, and speaker codes, of the first group
        b: the same of the second group, which shares no speaker with the first
        level: coverage of the interval

    Returns:
        The difference in [−1, 1]; `n` counts the clips of both groups, `units` their speakers.
    """
    one, other = _recall(*a, level), _recall(*b, level)
    n, units = one.n + other.n, one.units + other.units
    value = one.value - other.value
    found = Estimate(value=value, low=np.nan, high=np.nan, n=n, units=units)
    if np.isnan(value):
        return replace(found, reason="uar is undefined in a group")
    if np.isnan([one.low, other.low]).any():
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers in a group")

    def bounds(coverage: float) -> tuple[float, float]:
        first, second = (
            (x.low, x.high) if coverage == level else x.inner or (x.low, x.high) for x in (one, other)
        )
        below = _joined(one.value - first[0], second[1] - other.value, 0.0)
        above = _joined(first[1] - one.value, other.value - second[0], 0.0)
        return max(value - below, -1.0), min(value + above, 1.0)

    return found.within(bounds, level)


def least_interval(change: float, effective: float, *, level: float = 0.95) -> tuple[float, float]:
    """The narrowest interval that the change of a share may have where gains and losses are not known.

    As in `change_of_recall`, with the fewest gains and losses that make the change: only gains, or only
    losses. It never has width 0.

    Args:
        change: in [−1, 1]
        effective: number of independent clips that the share is worth at most
        level: coverage of the interval

    >>> low, high = least_interval(0.0, 100)
    >>> round(low, 3), round(high, 3)
    (-0.037, 0.037)
    """
    quantile = float(ndtri((1 + level) / 2))
    gain, loss = max(change, 0.0), max(-change, 0.0)
    (low_g, high_g), (low_l, high_l) = (wilson(share, effective, quantile) for share in (gain, loss))
    below, above = _joined(gain - low_g, high_l - loss, 0.0), _joined(high_g - gain, loss - low_l, 0.0)
    return max(change - below, -1.0), min(change + above, 1.0)


def least_half_widths(change: ArrayLike, effective: ArrayLike, *, level: float = 0.95) -> NDArray[np.float64]:
    """How far `least_interval` reaches from each of several changes towards 0, and at least as far beyond.

    Args:
        change: in [−1, 1], shape (n,)
        effective: number of independent clips that each share is worth at most, shape (n,)
        level: coverage of the interval

    >>> low, high = least_interval(-0.2, 100)
    >>> bool(abs(least_half_widths([-0.2], [100])[0] - (high + 0.2)) < 1e-12)
    True
    """
    share = np.abs(np.asarray(change, dtype=np.float64))
    square = ndtri((1 + level) / 2) ** 2 / np.asarray(effective, dtype=np.float64)
    centre = (share + square / 2) / (1 + square)
    half = np.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    lower = np.maximum(np.minimum(centre - half, share), 0.0)
    widths: NDArray[np.float64] = np.minimum(np.hypot(share - lower, square / (1 + square)), share + 1)
    return widths


def _counts(
    unit: NDArray[np.integer], cls: NDArray[np.integer], values: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Sums of values by unit and class."""
    flat = np.bincount(unit * shape[1] + cls, weights=values, minlength=shape[0] * shape[1])
    return flat.astype(np.float64).reshape(shape)


def _recall(
    truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], level: float
) -> Estimate:
    """The mean recall of one group, with Wilson's bounds."""
    present, code = np.unique(unit, return_inverse=True)
    found = Estimate(value=np.nan, low=np.nan, high=np.nan, n=len(truth), units=len(present))
    if not len(truth):
        return found
    classes, cls = np.unique(truth, return_inverse=True)
    shape = (len(present), len(classes))
    clips = _counts(code, cls, np.ones(len(truth)), shape)
    hits = _counts(code, cls, (truth == prediction).astype(np.float64), shape)
    value = float(_weighted(hits.sum(axis=0), clips.sum(axis=0)))
    if len(present) < MIN_UNITS:
        return replace(found, value=value)
    most = _most_clips(clips, 1 / (len(classes) * clips.sum(axis=0)))
    return replace(found, value=value).within(
        lambda coverage: _bounds(value, hits, clips, most, coverage), level
    )


def _weighted(hits: NDArray[np.float64], clips: NDArray[np.float64]) -> Any:
    """Mean over the classes that have clips of their shares of hits, along the last axis."""
    has = clips > 0
    shares = np.divide(hits, clips, out=np.zeros_like(hits), where=has)
    return shares.sum(axis=-1) / has.sum(axis=-1)


def _most_clips(clips: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The largest effective number of clips: 1 / (Σw² · design effect) (Kish 1965)."""
    return float(1 / ((clips.sum(axis=0) * weights**2).sum() * design_effect(clips.sum(axis=1))))


def _bounds(
    share: float, hits: NDArray[np.float64], clips: NDArray[np.float64], most: float, level: float
) -> tuple[float, float]:
    """Wilson's bounds of a weighted share, given the hits and the clips of each speaker and class."""
    left_out = _weighted(hits.sum(axis=0) - hits, clips.sum(axis=0) - clips)
    variance = jackknife_variance(left_out)
    if variance > 1e-24 and share * (1 - share) < most * variance:
        quantile = float(stdtrit(len(clips) - 1, (1 + level) / 2))
        return wilson(share, share * (1 - share) / variance, quantile)
    return wilson(share, most, float(ndtri((1 + level) / 2)))


def _joined(one: float, other: float, correlation: float) -> float:
    """Half-width of a difference from the half-widths of its parts (MOVER)."""
    return math.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))
