"""Do the scores of a class rank its clips above the others? The area under the ROC curve."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError
from sertools.statistics.statistic import Statistic, ratio


def auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """How often does a clip of a class get a higher score for it than one of another class, in [0, 1]?

    Area under the ROC curve of each class against the rest, ties counted half, averaged over the classes
    that have both clips and others in the truth (Hanley & McNeil 1982; macro, one against the rest). .5 is
    chance; nan without such a class.

    Args:
        truth: class codes 0..c−1, shape (n,)
        scores: score of each class, shape (n, c)

    Raises:
        AuditError: the two differ in length

    >>> auc([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
    0.75
    """
    t, s = np.asarray(truth), np.asarray(scores, dtype=np.float64)
    return auc_without_each(t, s, np.zeros(len(t), dtype=np.int64), 0)[0]


def auc_without_each(
    truth: ArrayLike, scores: ArrayLike, unit: NDArray[np.integer], units: int
) -> tuple[float, NDArray[np.float64]]:
    """The AUC, and the AUC without the clips of each speaker in turn, shape (units,); exact, O(n log n).

    Without a speaker, the pairs that contain a clip of the speaker are gone: those of all clips with the
    speaker's, less those among the speaker's own, which were subtracted twice.

    Args:
        truth: class codes 0..c−1, shape (n,)
        scores: score of each class, shape (n, c)
        unit: speaker codes, shape (n,)
        units: number of speakers

    Raises:
        AuditError: truth and scores differ in length
    """
    t, s = np.asarray(truth), np.asarray(scores, dtype=np.float64)
    if s.ndim != 2 or len(t) != len(s):
        raise AuditError(
            f"truth has shape {t.shape} and scores {s.shape}", hint="scores are (clips, classes)"
        )
    values, without = [], []
    for c in range(s.shape[1]):
        wins, pairs, left_wins, left_pairs = _pairs(t == c, s[:, c], unit, units)
        if pairs:
            values.append(wins / pairs)
            without.append(ratio(left_wins, left_pairs))
    if not values:
        return float("nan"), np.full(units, np.nan)
    # a class that only one speaker has is missing without that speaker
    known = np.isfinite(without)
    means = ratio(np.where(known, without, 0.0).sum(axis=0), known.sum(axis=0))
    return float(np.mean(values)), means


def _pairs(
    own: NDArray[np.bool_], score: NDArray[np.float64], unit: NDArray[np.integer], units: int
) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]]:
    """Won pairs and pairs of a clip of the class with one of another, and both without each speaker."""
    wins_of = _wins(own, score)
    # within a speaker: sorted by speaker, then score, the other clips of the speaker come one after the other
    values, rank = np.unique(score, return_inverse=True)
    key = unit * len(values) + rank
    others_sorted = np.sort(key[~own])
    below = _below(key[own], others_sorted) - np.searchsorted(others_sorted, unit[own] * len(values))
    inside = np.bincount(unit[own], weights=below, minlength=units)[:units]
    touched = np.bincount(unit, weights=wins_of, minlength=units)[:units]
    total, pairs = float(wins_of[own].sum()), float(own.sum() * (~own).sum())
    mine = np.bincount(unit, weights=own, minlength=units)[:units]
    others = np.bincount(unit, weights=~own, minlength=units)[:units]
    left_pairs = (own.sum() - mine) * ((~own).sum() - others)
    left_wins = np.asarray(total - touched + inside, dtype=np.float64)
    return total, pairs, left_wins, left_pairs


def _wins(own: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each clip, the won pairs that contain it: ties count half."""
    if np.isnan(score).any():
        return np.full(len(score), np.nan)
    won = np.zeros(len(score))
    won[own] = _below(score[own], np.sort(score[~own]))
    won[~own] = own.sum() - _below(score[~own], np.sort(score[own]))
    return won


def _below(values: NDArray[Any], ordered: NDArray[Any]) -> NDArray[np.float64]:
    """How many of some ordered values are below each value, equal ones counted half."""
    below: NDArray[np.float64] = (
        np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    ) / 2
    return below


def _no_sums(*given: object) -> NDArray[np.float64]:
    raise TypeError("the AUC has no additive sums; see auc_without_each")


AUC = Statistic(name="auc", sums=_no_sums, value=_no_sums, bounds=(0.0, 1.0))
