"""Do predictions have the same distribution as the truth, and are they in the expected range?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.metrics.classification import confusion, rating_bins
from sertools.statistics.beyond_chance import Square, root_beyond_chance
from sertools.statistics.jackknife import Estimate, jackknife_variance
from sertools.statistics.statistic import Statistic, overall, paired, ratio, unit_sums

MAX_ENUMERATED_UNITS = 20
"""Most speakers whose swaps may be enumerated."""

MAX_CELLS = 2**20
"""Most numbers in a block of swaps; it changes no draw."""


def jensen_shannon(truth: ArrayLike, prediction: ArrayLike, bins: int = 10) -> float:
    """How different are the distributions of truth and prediction, in [0, 1] (Jensen-Shannon distance)?

    √((KL(P‖M) + KL(Q‖M)) / 2), M = (P + Q) / 2, logarithms to base 2, histograms of equal bins on [0, 1].
    Ratings outside [0, 1] count in the outer bins. Returns nan for n = 0. Source: Lin 1991; Endres &
    Schindelin 2003.

    Args:
        truth: ratings in [0, 1], shape (n,)
        prediction: ratings in [0, 1], shape (n,)
        bins: number of equal bins

    >>> jensen_shannon([0.1, 0.1], [0.9, 0.9]), jensen_shannon([0.1, 0.9], [0.92, 0.14])
    (1.0, 0.0)
    """
    return overall(jensen_shannon_statistic(bins), truth, prediction)


def jensen_shannon_statistic(bins: int = 10) -> Statistic:
    """The Jensen-Shannon distance as a statistic on histogram counts."""

    def sums(
        truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        return np.concatenate([_histogram(x, unit, units, bins) for x in (truth, prediction)], axis=1)

    def value(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        t, p = (ratio(c, c.sum(axis=-1, keepdims=True)) for c in (counts[..., :bins], counts[..., bins:]))
        middle = (t + p) / 2
        divergence = (_relative_entropy(t, middle) + _relative_entropy(p, middle)) / 2
        # for equal histograms rounding may give a value slightly above or below 0
        distance: NDArray[np.float64] = np.sqrt(np.clip(divergence, 0.0, 1.0))
        return distance

    return Statistic(name="jensen_shannon", sums=sums, value=value, bounds=(0.0, 1.0))


def jensen_shannon_beyond_chance(
    truth: ArrayLike,
    prediction: ArrayLike,
    unit: ArrayLike,
    *,
    bins: int = 10,
    draws: int = 2000,
    rng: np.random.Generator,
) -> Estimate:
    """How different are the distributions beyond chance, in [0, 1]?

    √max(0, d² − m), where d is the Jensen-Shannon distance and m the mean of d² when truth and prediction of
    each speaker are swapped, or not, at random: even the ratings of two halves of the same corpus have a
    distance. For the interval see `statistics.beyond_chance.root_beyond_chance`. If all swaps are fewer than
    the draws, they are enumerated; otherwise the order of the speakers does not change the draws.

    Args:
        truth: ratings in [0, 1], shape (n,)
        prediction: ratings in [0, 1], shape (n,)
        unit: speaker codes, shape (n,)
        bins: number of equal bins
        draws: number of random swaps
        rng: random generator

    >>> from sertools.randomness import identity_rng
    >>> t = np.tile([0.15, 0.25, 0.35], 6)
    >>> found = jensen_shannon_beyond_chance(t, t, np.repeat(np.arange(6), 3), rng=identity_rng(0))
    >>> found.value, found.low, found.high
    (0.0, 0.0, 0.0)
    """
    (t, p), statistic = paired(truth, prediction), jensen_shannon_statistic(bins)
    present, code = np.unique(np.asarray(unit), return_inverse=True)
    units = len(present)
    if not units:
        return Estimate(value=np.nan, low=np.nan, high=np.nan, n=0, units=0, reason="no clips")
    sums = statistic.sums(t, p, code, units)
    sums = sums[np.lexsort(sums.T)]
    total = sums.sum(axis=0)
    swapped = np.concatenate([statistic.value(each) for each in _swapped(sums, draws, rng)]) ** 2
    # without a speaker who is alone, there is no distance
    left_out = statistic.value(total - sums) ** 2 if units > 1 else np.zeros(1)
    observed = float(statistic.value(total)) ** 2
    square = Square(
        observed=observed,
        chance=float(swapped.mean()),
        chance_variance=float(swapped.var()),
        variance=jackknife_variance(left_out),
        bias=(units - 1) * (float(left_out.mean()) - observed),
    )
    found = root_beyond_chance(square, len(t), units)
    return replace(
        found, high=min(found.high, 1.0), inner=found.inner and (found.inner[0], min(found.inner[1], 1.0))
    )


def _swapped(
    sums: NDArray[np.float64], draws: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Total counts (rows, 2 · bins) of sums (units, 2 · bins), with the two sides of some units swapped."""
    units, bins = sums.shape[0], sums.shape[1] // 2
    total, excess = sums.sum(axis=0), sums[:, bins:] - sums[:, :bins]
    every = 2 ** (units - 1) if units <= MAX_ENUMERATED_UNITS else draws + 1
    for start in range(0, min(every, draws), rows := max(1, MAX_CELLS // units)):
        count = min(rows, min(every, draws) - start)
        if every <= draws:  # swapping all others gives the same distance, so the last unit is never swapped
            swap = (start + np.arange(count))[:, None] >> np.arange(units) & 1
        else:
            swap = rng.integers(0, 2, (count, units))
        moved = swap.astype(np.float64) @ excess
        yield total + np.concatenate([moved, -moved], axis=1)


def relative_difference(truth: ArrayLike, prediction: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Which classes are predicted too often (> 0) or too rarely (< 0)? Shape (c,), in [-1, 1].

    (n_p,c − n_t,c) / n: predictions of a class minus clips of the class, divided by all clips. nan for n = 0.

    Args:
        truth: class codes, shape (n,)
        prediction: class codes, shape (n,)
        classes: number of classes c

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> relative_difference([0, 0, 1, 1], [0, 1, 1, 1], 2).tolist()
    [-0.25, 0.25]
    """
    counts = confusion(truth, prediction, classes)
    return ratio(counts.sum(axis=0) - counts.sum(axis=1), counts.sum())


def relative_difference_statistic(code: int) -> Statistic:
    """The relative difference of one class as a statistic."""

    def sums(
        truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        excess = (prediction == code).astype(np.float64) - (truth == code)
        return unit_sums(np.stack([np.ones(len(excess)), excess], axis=1), unit, units)

    return Statistic(
        name="relative_difference",
        sums=sums,
        value=lambda s: ratio(s[..., 1], s[..., 0]),
        bounds=(-1.0, 1.0),
    )


def in_range(prediction: ArrayLike, low: float = -np.inf, high: float = np.inf) -> NDArray[np.bool_]:
    """Which predictions are in [low, high], both ends included? Booleans, shape (n,).

    nan is in no range.

    Args:
        prediction: shape (n,)
        low: lower end; none by default
        high: upper end; none by default

    >>> in_range([0.3, 0.45, 0.46], high=0.45).tolist()
    [True, True, False]
    """
    p = np.asarray(prediction, dtype=np.float64)
    return (p >= low) & (p <= high)


def share_in_range(prediction: ArrayLike, low: float = -np.inf, high: float = np.inf) -> float:
    """What share of predictions is in [low, high], both ends included, in [0, 1]? nan for n = 0.

    Σ(low ≤ p ≤ high) / n. The category-dimension consistency of ser-tests, with ranges from the literature;
    for its confidence interval use `proportions.proportion(in_range(…), …)`.

    Args:
        prediction: shape (n,)
        low: lower end; none by default
        high: upper end; none by default

    >>> share_in_range([0.2, 0.3, 0.6, 0.7], 0.3, 0.6)
    0.5
    """
    inside = in_range(prediction, low, high)
    return float(ratio(inside.sum(), np.asarray(len(inside))))


def _histogram(
    rating: NDArray[np.float64], unit: NDArray[np.integer], units: int, bins: int
) -> NDArray[np.float64]:
    """Counts per unit and bin, for equal bins on [0, 1], shape (units, bins); the last bin includes 1."""
    code = rating_bins(rating, np.linspace(0, 1, bins + 1)[1:-1])
    return np.bincount(unit * bins + code, minlength=units * bins).astype(np.float64).reshape(units, bins)


def _relative_entropy(p: NDArray[Any], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ p log2(p / q) over the last axis, with 0 log 0 = 0; q > 0 wherever p > 0."""
    share = np.divide(p, q, out=np.ones_like(p), where=p != 0)
    bits: NDArray[np.float64] = (p * np.log2(share)).sum(axis=-1)
    return bits
