"""How does a score vary from speaker to speaker, and are speakers ranked as they should be?"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from sertools.metrics.sums import Statistic, paired, ratio, unit_sums

ALIKE = 12
"""Decimals to which means must agree to share a rank: the mean of equal numbers differs by rounding."""


def unit_means(values: ArrayLike, unit: np.ndarray, units: int) -> np.ndarray:
    """What is the mean of each unit's values, shape (units,)? nan for a unit without values.

    >>> unit_means([1.0, 2.0, 3.0], np.array([0, 0, 1]), 2).tolist()
    [1.5, 3.0]
    """
    x = np.asarray(values, dtype=np.float64)
    n, total = unit_sums(np.stack([np.ones_like(x), x], axis=1), unit, units).T
    return ratio(total, n)


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Do two lists rank their units alike, in [-1, 1] (Spearman's ρ, signed)?

    Pearson's correlation of the ranks, tied values sharing their mean rank; values that agree to 12
    decimals are tied. nan where all values of a list are tied.

    Args:
        x: shape (units,)
        y: shape (units,)

    >>> round(spearman([1, 2, 3, 4], [10, 30, 20, 40]), 12)
    0.8
    """
    x, y = paired(x, y)
    return float(weighted_spearman(x, y)(np.ones(len(x))))


def weighted_spearman(x: ArrayLike, y: ArrayLike) -> Callable[[np.ndarray], np.ndarray]:
    """What is Spearman's ρ when each unit is there as often as its weight says?

    Ranks follow from the weights by one matrix product, so that a bootstrap over units needs no sorting:
    a unit's rank is the weight below it plus half the weight of its ties, itself included.

    Args:
        x: finite, shape (units,)
        y: finite, shape (units,)

    Returns:
        A function of weights (..., units), such as counts of draws, that gives ρ (...).
    """
    before = [_before(np.asarray(values, dtype=np.float64)) for values in (x, y)]

    def value(weights: np.ndarray) -> np.ndarray:
        total = weights.sum(axis=-1, keepdims=True)
        a, b = (weights @ matrix for matrix in before)
        a, b = (ranks - ratio((weights * ranks).sum(axis=-1, keepdims=True), total) for ranks in (a, b))
        aa, bb, ab = ((weights * product).sum(axis=-1) for product in (a * a, b * b, a * b))
        # ranks are multiples of a half: what lies below 1e-9 is rounding
        spread = np.where((aa > 1e-9) & (bb > 1e-9), np.sqrt(aa) * np.sqrt(bb), 0.0)
        rho: np.ndarray = np.clip(ratio(ab, spread), -1.0, 1.0)
        return rho

    return value


def scores_of_draws(
    statistic: Statistic,
    truth: ArrayLike,
    prediction: ArrayLike,
    *,
    size: int,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """What score would other clips of one speaker give? One for each draw, shape (draws,).

    `size` clips are drawn with replacement from the speaker's own, `draws` times (Wagner et al. 2023, §4.7:
    1000 draws of 200 clips).

    Args:
        statistic: the score
        truth: of one speaker's clips, shape (n,)
        prediction: shape (n,)
        size: clips in a draw
        draws: number of draws
        rng: source of the draws
    """
    t, p = paired(truth, prediction)
    n = len(t)
    drawn = rng.integers(n, size=(draws, size)) + n * np.arange(draws)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)
    return statistic.value(weights @ statistic.sums(t, p, np.arange(n), n))


def square_sums(values: ArrayLike) -> np.ndarray:
    """The columns 1, x, x² of each unit's value, shape (units, 3): what its spread is made of."""
    x = np.asarray(values, dtype=np.float64)
    return np.stack([np.ones_like(x), x, x * x], axis=1)


def standard_deviation(sums: np.ndarray) -> np.ndarray:
    """How far do units differ: √(Σ(x − m)² / (n − 1)), from sums (..., 3); nan for fewer than two units.

    >>> float(standard_deviation(square_sums([1.0, 2.0, 3.0]).sum(axis=0)))
    1.0
    """
    n, x, xx = np.moveaxis(sums, -1, 0)
    # equal values may differ from 0 by rounding
    deviation: np.ndarray = np.sqrt(np.maximum(ratio(xx - ratio(x * x, n), np.where(n > 1, n - 1, 0.0)), 0.0))
    return deviation


def mean_absolute(sums: np.ndarray) -> np.ndarray:
    """The mean of units' absolute values, from sums (..., 2) of 1 and |x|."""
    return ratio(sums[..., 1], sums[..., 0])


def _before(values: np.ndarray) -> np.ndarray:
    """How much each unit (row) adds to the rank of each unit (column): 1 below, ½ tied. Shape (g, g)."""
    rounded = np.round(values, ALIKE)
    below, tied = rounded[:, None] < rounded[None, :], rounded[:, None] == rounded[None, :]
    added: np.ndarray = below + tied / 2.0
    return added
