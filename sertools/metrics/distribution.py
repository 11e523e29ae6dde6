"""Do predictions have the same distribution as the truth, and are they in the expected range?"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.metrics.classification import confusion, rating_bins
from sertools.statistics.statistic import Statistic, overall, ratio, unit_sums


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
    for its confidence interval use `jackknife.proportion(in_range(…), …)`.

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
