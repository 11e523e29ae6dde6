"""Do predictions stay the same when the audio changes slightly?

First clip by clip (`unchanged_ratings`, `unchanged_classes`), then as a share of clips averaged over several
changes (`mean_share`), as the most severe change that is tolerated (`tolerated_level`), and against what is
expected if predictions hardly vary (`spread`, `share_of_equal_pairs`).
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError
from sertools.statistics.bootstrap import bootstrap
from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance
from sertools.statistics.proportions import share_bounds
from sertools.statistics.statistic import Statistic, paired, ratio, unit_sums


def unchanged_ratings(clean: ArrayLike, perturbed: ArrayLike, tolerance: float = 0.05) -> NDArray[np.bool_]:
    """Which predictions changed by less than the tolerance? Booleans, shape (n,).

    |p(x) − p(x′)| < tolerance, strictly, on unrounded values (Wagner et al. 2023, §3.4). The mean is the
    unchanged ratio; `proportions.proportion` gives its interval.

    Args:
        clean: predictions, shape (n,)
        perturbed: predictions for the same clips, shape (n,), same unit
        tolerance: in the unit of the predictions

    Raises:
        AuditError: a prediction is missing (neither changed nor unchanged), or the tolerance is nan

    >>> unchanged_ratings([0.5, 0.5, 0.5], [0.5, 0.54, 0.56]).tolist()
    [True, True, False]
    """
    before, after = paired(clean, perturbed)
    moved = np.abs(after.astype(np.float64) - before.astype(np.float64))
    if not np.isfinite(moved).all() or np.isnan(tolerance):
        missing = int((~np.isfinite(moved)).sum())
        raise AuditError(
            f"{missing} of {len(moved)} pairs of predictions are missing (tolerance {tolerance:g})",
            hint="leave out clips that are missing in either condition",
        )
    return moved < tolerance


def unchanged_classes(clean: ArrayLike, perturbed: ArrayLike) -> NDArray[np.bool_]:
    """Which clips still get the same class? Booleans, shape (n,).

    Args:
        clean: class codes on the clean audio, shape (n,)
        perturbed: class codes on the perturbed audio, shape (n,)

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> unchanged_classes([0, 1, 2], [0, 1, 1]).tolist()
    [True, True, False]
    """
    before, after = paired(clean, perturbed)
    same: NDArray[np.bool_] = before == after
    return same


def spread(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Spread of the predictions relative to that of the truth, ≥ 0: sd(p) / sd(t).

    Both standard deviations divide by n. 0 for a constant, which is trivially unchanged by anything; nan for
    n = 0 or a constant truth.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,)

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> spread([0, 0.5, 1], [0.25, 0.5, 0.75])
    0.5
    """
    t, p = paired(truth, prediction)
    if len(t) == 0 or np.ptp(t) == 0:
        return float("nan")
    return float(ratio(np.std(p), np.std(t)))


def scale_free_tolerance(truth: ArrayLike, prediction: ArrayLike, tolerance: float = 0.05) -> float:
    """The tolerance scaled to the spread of the predictions: tolerance · sd(p) / sd(t).

    0 for a constant model, so that none of its clips count as unchanged; nan for n = 0 or a constant truth.

    Args:
        truth: ratings, shape (n,)
        prediction: predictions on clean audio, shape (n,)
        tolerance: tolerance for a model whose predictions have the same spread as the truth

    >>> scale_free_tolerance([0, 0.5, 1], [0.25, 0.5, 0.75])
    0.025
    """
    return tolerance * spread(truth, prediction)


def mean_share_statistic(success: NDArray[np.float64]) -> Statistic:
    """The share of successes, averaged over conditions, as a statistic of row numbers.

    Pass `np.arange(n)` as truth and prediction: the statistic looks up these rows in `success`.

    Args:
        success: shape (n, k), in [0, 1]; nan if a clip is missing under a condition
    """
    known = np.isfinite(success)
    columns = np.concatenate([known.astype(np.float64), np.where(known, success, 0.0)], axis=1)

    def sums(
        rows: NDArray[np.integer], _: NDArray[Any], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        return unit_sums(columns[rows], unit, units)

    return Statistic(
        name="unchanged_ratio",
        sums=sums,
        value=_mean_share,
        bounds=(0.0, 1.0),
        weights=lambda rows: np.full(len(rows), 1 / len(rows)),
    )


def _mean_share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of k shares, from sums (..., 2k) of clips and successes; nan if one of them is undefined."""
    mean: NDArray[np.float64] = _shares(sums).mean(axis=-1)
    return mean


def _shares(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    k = sums.shape[-1] // 2
    return ratio(sums[..., k:], sums[..., :k])


def mean_share(
    success: NDArray[np.float64], unit: NDArray[np.integer], units: int, *, level: float = 0.95
) -> Estimate:
    """Share of clips that succeed, averaged over conditions with equal weight, with its interval.

    Mean over k conditions of (successes / clips). The interval is like that of `proportions.proportion`, from
    the leave-one-unit-out variance of the mean; see `proportions.share_bounds`. Its width is never 0.

    Args:
        success: shape (n, k), in [0, 1]; nan if a clip is missing under a condition
        unit: codes 0..units−1, shape (n,)
        units: number of codes; units without clips do not count
        level: coverage of the interval

    Returns:
        The estimate; its n counts the clips that are present under at least one condition. The value is nan
        if a condition has no clips, or if there is no condition.

    >>> mean_share(np.array([[1.0, 0.0], [1.0, np.nan]]), np.array([0, 1]), 2).value
    0.5
    """
    inside = np.isfinite(success).any(axis=1)
    n, k = int(inside.sum()), success.shape[1]
    found = Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=len(np.unique(unit[inside])))
    if n == 0:
        return replace(found, reason="no clips" if k else "no condition")
    statistic = mean_share_statistic(success[inside])
    rows = np.arange(n)
    sums = statistic.sums(rows, rows, unit[inside], units)
    sums = sums[sums[:, :k].any(axis=1)]
    total = sums.sum(axis=0)
    value = float(statistic.value(total))
    if np.isnan(value):
        return replace(found, reason="one of the conditions has no clips")
    found = replace(found, value=value)
    if len(sums) < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers")
    left_out = statistic.value(total - sums)
    if np.isnan(left_out).any():
        return replace(found, reason="undefined when one speaker is left out")
    clips = np.bincount(unit[inside], minlength=units)
    variance, of_units = jackknife_variance(left_out), clips[clips > 0]
    return found.within(lambda coverage: share_bounds(value, variance, of_units, level=coverage), level)


def tolerated_level(
    success: NDArray[np.float64],
    levels: NDArray[np.float64],
    wanted: float,
    unit: NDArray[np.integer],
    *,
    identity: float = np.inf,
    draws: int = 2000,
    rng: np.random.Generator,
) -> Estimate:
    """The most severe level at which at least the share `wanted` of clips succeeds.

    The shares are made monotone by their running minimum: a level counts as tolerated only if all milder
    levels are. Between two levels the share is interpolated linearly, also between `identity`, where all
    clips succeed, and the mildest level. The interval is a bootstrap over speakers; a draw outside the range
    of levels counts as the nearest end of the range, so an end of the interval may be an end of the range.

    Args:
        success: booleans or nan, shape (n, m), one column per level, mild to severe
        levels: shape (m,), monotone
        wanted: share in (0, 1), e.g. .95
        unit: codes of the speakers from 0, shape (n,)
        identity: the level at which nothing changes; infinite if there is no such finite level
        draws: number of bootstrap draws
        rng: for the bootstrap

    Returns:
        The estimate of the level; nan with the reason if the share crosses `wanted` outside the range of
        levels.

    >>> success = np.array([[1.0, 1.0], [1.0, 0.0]] * 5)
    >>> speakers, rng = np.arange(10), np.random.default_rng(0)
    >>> found = tolerated_level(success, np.array([1.0, 2.0]), 0.75, speakers, rng=rng)
    >>> found.value
    1.5
    """
    begin = [identity] if np.isfinite(identity) else []
    steps = np.array([*begin, *levels], dtype=np.float64)

    def position(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = _shares(sums)
        at_identity = np.ones((*shares.shape[:-1], len(begin)))
        return _first_below(np.concatenate([at_identity, shares], axis=-1), wanted)

    def level_at(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        at = position(sums)
        return np.where(np.isnan(at), np.nan, np.interp(np.nan_to_num(at), np.arange(len(steps)), steps))

    rows = np.arange(len(success))
    sums = mean_share_statistic(success).sums(rows, rows, unit, int(unit.max(initial=-1)) + 1)
    sums = sums[sums[:, : success.shape[1]].any(axis=1)]
    found = bootstrap(level_at, sums, n=len(success), draws=draws, rng=rng)
    outside = _outside(float(position(sums.sum(axis=0))), steps, wanted)
    if outside:
        return replace(found, value=np.nan, low=np.nan, high=np.nan, reason=outside)
    if not found.reason and {found.low, found.high} & {float(steps[0]), float(steps[-1])}:
        return replace(found, reason="the interval reaches the end of the tested levels")
    return found


def _first_below(shares: NDArray[np.float64], wanted: float) -> NDArray[np.float64]:
    """Where the running minimum of shares (..., m) falls below `wanted`: a position between two of them.

    −1 if already the first is below, m if none is; nan if a share is undefined.
    """
    shares = np.minimum.accumulate(shares, axis=-1)
    below = shares < wanted
    first = below.argmax(axis=-1)
    before = np.maximum(first - 1, 0)
    high = np.take_along_axis(shares, before[..., None], axis=-1)[..., 0]
    low = np.take_along_axis(shares, first[..., None], axis=-1)[..., 0]
    between = before + ratio(high - wanted, high - low)
    between = np.where(below.any(axis=-1), np.where(first == 0, -1.0, between), shares.shape[-1])
    return np.where(np.isnan(shares).any(axis=-1), np.nan, between)


def _outside(where: float, steps: NDArray[np.float64], wanted: float) -> str:
    if where < 0:
        return f"already at the mildest level, {steps[0]:g}, fewer than {wanted:.0%} are unchanged"
    if where >= len(steps):
        return f"even at the most severe level, {steps[-1]:g}, at least {wanted:.0%} are unchanged"
    return ""


def draw_variance(success: NDArray[np.float64]) -> tuple[float, float]:
    """Variance of the outcomes between clips, and within clips over draws.

    Within: the mean over clips of the variance over r draws, with divisor r − 1. Between: the variance of
    the clips' means, with divisor n − 1, minus within / r (one-way random effects), at least 0.

    Args:
        success: shape (n, r), one column per draw; clips with a nan are left out

    Returns:
        (between, within); nan if there are fewer than two draws or clips

    >>> draw_variance(np.array([[1.0, 1.0], [0.0, 0.0]]))
    (0.5, 0.0)
    """
    known = success[np.isfinite(success).all(axis=1)]
    n, r = known.shape
    if n < 2 or r < 2:
        return float("nan"), float("nan")
    within = float(known.var(axis=1, ddof=1).mean())
    between = float(known.mean(axis=1).var(ddof=1)) - within / r
    return max(between, 0.0), within


def share_of_equal_pairs(prediction: NDArray[Any], tolerance: float) -> float:
    """Share of pairs of different clips whose predictions are closer than the tolerance (0: the same class).

    This is the unchanged ratio to expect if clips were swapped at random: an unchanged ratio no higher than
    this only shows that predictions hardly vary. 1 for a constant; nan for fewer than two clips.

    Args:
        prediction: ratings, or class codes with tolerance 0, shape (n,), finite
        tolerance: in the unit of the ratings; pairs strictly closer count

    >>> share_of_equal_pairs(np.array([0.1, 0.12, 0.9]), 0.05)
    0.3333333333333333
    >>> share_of_equal_pairs(np.array([1, 1, 2]), 0)
    0.3333333333333333
    """
    n = len(prediction)
    if n < 2:
        return float("nan")
    ordered = np.sort(prediction.astype(np.float64))
    if tolerance == 0:
        _, counts = np.unique(ordered, return_counts=True)
        return float((counts * (counts - 1)).sum() / (n * (n - 1)))
    behind = np.searchsorted(ordered, ordered + tolerance, side="left") - np.arange(n) - 1
    return float(2 * behind.sum() / (n * (n - 1)))
