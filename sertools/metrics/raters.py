"""How well do raters score against each other, and how far do they agree? For votes and ratings.

A rater is held against the others of the same clip: against the class that most of them chose, or against
their mean. All sums add up over clips, so that a speaker is left out by a subtraction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.metrics.regression import CONSTANT
from sertools.randomness import identity_rng
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.tables.votes import majority

HALVES = 20
"""Number of random halves of the raters over which a score is averaged."""


@dataclass(frozen=True, kw_only=True)
class Faced:
    """The label of one rater for a clip and its reference; equal votes share one row.

    Attributes:
        clip: row of the clip, shape (m,)
        answer: class code of the rater, shape (m,)
        truth: class code that the answer is held against, shape (m,)
        weight: number of raters of the clip who gave this answer, shape (m,)
    """

    clip: NDArray[np.int64]
    answer: NDArray[np.int64]
    truth: NDArray[np.int64]
    weight: NDArray[np.float64]

    def take(self, mask: NDArray[np.bool_]) -> "Faced":
        """The rows where `mask`, shape (m,), is true."""
        return Faced(
            clip=self.clip[mask], answer=self.answer[mask], truth=self.truth[mask], weight=self.weight[mask]
        )

    def sums(
        self, answer: NDArray[np.int64], unit: NDArray[np.integer], units: int, classes: int
    ) -> NDArray[np.float64]:
        """Confusion counts of some answers with this truth, shape (units, c · c).

        Args:
            answer: class codes, shape (m,): those of the raters, or those of a model for the same clips
            unit: speaker code of each clip, shape (n,)
            units: number of speakers
            classes: number of classes c
        """
        cell = (unit[self.clip] * classes + self.truth) * classes + answer
        cells = units * classes * classes
        counts = np.bincount(cell, weights=self.weight, minlength=cells).astype(np.float64)
        return counts.reshape(units, classes * classes)


def against_others(counts: NDArray[np.float64]) -> Faced:
    """Each vote against the class that most of the other raters chose; without those whose others tie.

    Args:
        counts: votes, shape (n, c)

    >>> faced = against_others(np.array([[2.0, 1.0]]))
    >>> faced.answer.tolist(), faced.truth.tolist(), faced.weight.tolist()
    ([1], [0], [1.0])
    """
    clip, answer = np.nonzero(counts > 0)
    others = counts[clip]
    others[np.arange(len(clip)), answer] -= 1
    faced = Faced(clip=clip, answer=answer, truth=majority(others), weight=counts[clip, answer])
    return faced.take(faced.truth >= 0)


def against_label(counts: NDArray[np.float64], label: NDArray[np.int64]) -> Faced:
    """Each vote against a label that is not made of the votes, such as the emotion that an actor intended.

    Args:
        counts: votes, shape (n, c)
        label: class codes, shape (n,); negative for clips without one
    """
    clip, answer = np.nonzero((counts > 0) & (label >= 0)[:, None])
    return Faced(clip=clip, answer=answer, truth=label[clip], weight=counts[clip, answer])


def best_answer(counts: NDArray[np.float64]) -> NDArray[np.int64]:
    """The answer to each clip with the highest UAR against a random rater; −1 without votes, shape (n,).

    The truth is each vote in turn. A vote for a rare class weighs more, so the answer is the class of which
    the clip has the largest share of all votes. No other answers reach more on these votes.

    Args:
        counts: votes, shape (n, c)

    >>> best_answer(np.array([[2.0, 1.0], [2.0, 0.0], [0.0, 0.0]])).tolist()
    [1, 0, -1]
    """
    weighted = np.nan_to_num(ratio(counts, counts.sum(axis=0, keepdims=True)))
    return np.where(counts.sum(axis=1) > 0, weighted.argmax(axis=1), -1)


def against_a_rater(counts: NDArray[np.float64], answers: NDArray[np.int64]) -> Faced:
    """The same answers to each clip against every rater in turn.

    Args:
        counts: votes, shape (n, c)
        answers: class codes, shape (n,); negative for clips without an answer
    """
    clip, vote = np.nonzero((counts > 0) & (answers >= 0)[:, None])
    return Faced(clip=clip, answer=answers[clip], truth=vote, weight=counts[clip, vote])


def random_halves(
    counts: NDArray[np.float64], clips: Sequence[str], *, seed: int = 0, draws: int = HALVES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The votes of a random half of each clip's raters, and of the other, each of shape (draws, n, c).

    Of an odd number, the first half has one rater less. A clip's draws depend on its id alone.

    Args:
        counts: votes, whole numbers, shape (n, c)
        clips: ids of the clips
        seed: random seed
        draws: number of draws
    """
    whole = np.round(counts).astype(np.int64)
    first = np.zeros((draws, *counts.shape))
    for i, clip in enumerate(clips):
        size = int(whole[i].sum()) // 2
        if size:
            rng = identity_rng(seed, "halves of the raters", clip)
            first[:, i] = rng.multivariate_hypergeometric(whole[i], size, size=draws)
    return first, whole.astype(np.float64) - first


def half_means(
    ratings: NDArray[np.float64], clips: Sequence[str], *, seed: int = 0, draws: int = HALVES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean ratings of a random half of each clip's raters, and of the other, each of shape (draws, n).

    nan for clips with fewer than two raters; otherwise as `random_halves`.

    Args:
        ratings: shape (n, r), nan beyond a clip's raters
        clips: ids of the clips
        seed: random seed
        draws: number of draws
    """
    first = np.full((draws, len(ratings)), np.nan)
    second = first.copy()
    for i, clip in enumerate(clips):
        given = ratings[i][np.isfinite(ratings[i])]
        size = len(given) // 2
        if size:
            rng = identity_rng(seed, "halves of the raters", clip)
            drawn = rng.permuted(np.tile(given, (draws, 1)), axis=1)
            first[:, i], second[:, i] = drawn[:, :size].mean(axis=1), drawn[:, size:].mean(axis=1)
    return first, second


def mean_of_draws(statistic: Statistic, draws: int) -> Statistic:
    """The mean of a statistic over random draws, on sums (units, draws · k)."""
    return Statistic(
        name=statistic.name,
        sums=statistic.sums,
        value=lambda sums: statistic.value(sums.reshape(*sums.shape[:-1], draws, -1)).mean(axis=-1),
        scale=statistic.scale,
        bounds=statistic.bounds,
    )


def mean_of_others(ratings: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the other raters for each rating, shape (n, r); nan for a rater without others.

    >>> mean_of_others(np.array([[0.0, 1.0, 0.5]])).tolist()
    [[0.75, 0.25, 0.5]]
    """
    known = np.isfinite(ratings)
    number = known.sum(axis=1, keepdims=True)
    total = np.where(known, ratings, 0.0).sum(axis=1, keepdims=True)
    return np.where(known, ratio(total - ratings, number - 1), np.nan)


def krippendorff_alpha(counts: ArrayLike) -> float:
    """How far do raters agree on classes beyond chance, at most 1 (Krippendorff's α, nominal)?

    1 − D_o / D_e on the coincidences of pairs of votes for the same clip: D_o is the share of unequal pairs,
    each clip with m votes weighing m, and D_e that of pairs drawn from all votes. 0 is chance, below 0 they
    disagree more than by chance. Clips with one vote are left out. nan if all votes are for one class.
    Source: Krippendorff, Content Analysis, 2004, ch. 11.

    Args:
        counts: votes, shape (n, c)

    >>> krippendorff_alpha([[2, 0], [0, 2]]), round(krippendorff_alpha([[1, 1], [1, 1]]), 12)
    (1.0, -0.5)
    """
    votes = np.asarray(counts, dtype=np.float64)
    return float(ALPHA.value(coincidences(votes, np.zeros(len(votes), dtype=np.int64), 1)[0]))


def coincidences(counts: NDArray[np.float64], unit: NDArray[np.integer], units: int) -> NDArray[np.float64]:
    """Coincidences of votes for the same clip, shape (units, c · c): n_i (n_j − [i = j]) / (m − 1).

    Args:
        counts: votes, shape (n, c)
        unit: speaker codes, shape (n,)
        units: number of speakers
    """
    m = counts.sum(axis=1)
    pairable = m > 1
    votes, c = counts[pairable], counts.shape[1]
    products = votes[:, :, None] * (votes[:, None, :] - np.eye(c)) / (m[pairable] - 1)[:, None, None]
    return unit_sums(products.reshape(len(votes), c * c), unit[pairable], units)


def _alpha(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    c = round(np.sqrt(sums.shape[-1]))
    pairs = sums.reshape(*sums.shape[:-1], c, c)
    total = pairs.sum(axis=(-2, -1))
    equal = np.diagonal(pairs, axis1=-2, axis2=-1).sum(axis=-1)
    by_chance = total**2 - (pairs.sum(axis=-1) ** 2).sum(axis=-1)
    return 1 - ratio((total - 1) * (total - equal), by_chance)


def krippendorff_alpha_interval(ratings: ArrayLike) -> float:
    """How far do raters agree on ratings beyond chance, at most 1 (Krippendorff's α, interval)?

    1 − D_o / D_e, with the mean squared difference of two ratings of the same clip, each clip with m ratings
    weighing m, and of two ratings drawn from all. nan if all ratings are equal. Source: Krippendorff,
    Content Analysis, 2004, ch. 11.

    Args:
        ratings: shape (n, r), nan where a rater did not rate

    >>> round(krippendorff_alpha_interval([[1, 1], [2, 2], [3, 3]]), 12)
    1.0
    """
    rated = np.asarray(ratings, dtype=np.float64)
    sums = rating_sums(rated, np.zeros(len(rated), dtype=np.int64), 1)
    return float(ALPHA_INTERVAL.value(sums[0]))


def rating_sums(ratings: NDArray[np.float64], unit: NDArray[np.integer], units: int) -> NDArray[np.float64]:
    """Sums over the clips of each speaker with at least two ratings, shape (units, 6).

    Number of ratings, Σx, Σx², Σ m s² with the variance s² of a clip's m ratings (divisor m − 1), Σ (m − 1)
    and Σ (m − 1) s². Ratings are centred at .5.
    """
    centred = ratings - 0.5
    known = np.isfinite(centred)
    m = known.sum(axis=1)
    x = np.where(known, centred, 0.0)
    total, square = x.sum(axis=1), (x**2).sum(axis=1)
    variance = np.maximum(ratio(square - ratio(total**2, m), m - 1), 0.0)
    rows = np.stack([m, total, square, m * variance, m - 1, (m - 1) * variance], axis=1)
    return unit_sums(rows[m > 1], unit[m > 1], units)


def _alpha_interval(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    n, total, square, within = np.moveaxis(sums, -1, 0)[:4]
    between = ratio(square - ratio(total**2, n), n - 1)
    between = np.where(between <= CONSTANT * ratio(square, n), 0.0, between)
    return 1 - ratio(ratio(within, n), between)


def _deviation(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation: NDArray[np.float64] = np.sqrt(np.maximum(ratio(sums[..., 5], sums[..., 4]), 0.0))
    return deviation


def rater_deviation(ratings: ArrayLike) -> float:
    """How far do raters of the same clip differ, in the unit of the ratings? Pooled standard deviation.

    √(Σ (m − 1) s² / Σ (m − 1)) over clips with m ≥ 2 ratings of variance s² (divisor m − 1); nan without
    such a clip.

    Args:
        ratings: shape (n, r), nan where a rater did not rate

    >>> rater_deviation([[0.25, 0.75], [0.5, 0.5]]) == (0.125 / 2) ** 0.5
    True
    """
    rated = np.asarray(ratings, dtype=np.float64)
    return float(RATER_DEVIATION.value(rating_sums(rated, np.zeros(len(rated), dtype=np.int64), 1)[0]))


def _no_sums(*given: object) -> NDArray[np.float64]:
    raise TypeError("this statistic is of the votes of raters, not of one truth and one prediction a clip")


ALPHA = Statistic(name="alpha", sums=_no_sums, value=_alpha, bounds=(-np.inf, 1.0))
ALPHA_INTERVAL = Statistic(name="alpha", sums=_no_sums, value=_alpha_interval, bounds=(-np.inf, 1.0))
RATER_DEVIATION = Statistic(
    name="rater_deviation", sums=_no_sums, value=_deviation, scale="log", bounds=(0.0, np.inf)
)
