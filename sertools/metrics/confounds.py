"""How well does another property of a clip, such as its sentence or its length, predict a label?

The trivial model knows, for each value of the property, how the labels of other clips are distributed. It is
fitted without the speaker, or the part of the corpus, that it is scored on, so that what it reaches is no
effect of few clips.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError
from sertools.statistics.statistic import ratio

BINS = 10
"""Number of equally full bins of a property that is a number."""


def guessed_classes(truth: ArrayLike, level: ArrayLike, fold: ArrayLike, classes: int) -> NDArray[np.int64]:
    """The class that a property suggests for each clip, learnt from the clips of other folds, shape (n,).

    The class with the largest share of its clips at the same value of the property, which is the best for the
    mean recall (UAR). Where no other clip has the value, the most frequent class.

    Args:
        truth: class codes 0..classes−1, shape (n,)
        level: codes of the values of the property from 0, shape (n,)
        fold: codes of what is held out together, such as speakers, from 0, shape (n,)
        classes: number of classes

    Raises:
        AuditError: the arrays differ in length

    >>> guessed_classes([0, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1], 2).tolist()
    [0, 0, 1, 1]
    """
    t, x, f = _codes(truth, level, fold)
    total = np.zeros((int(x.max(initial=-1)) + 1, classes))
    np.add.at(total, (x, t), 1.0)
    guess = np.zeros(len(t), dtype=np.int64)
    for rows in _folds(f):
        own_levels, place = np.unique(x[rows], return_inverse=True)
        own = np.zeros((len(own_levels), classes))
        np.add.at(own, (place, t[rows]), 1.0)
        others = total[own_levels] - own
        of_class = total.sum(axis=0) - own.sum(axis=0)
        shares = np.nan_to_num(ratio(others, of_class))
        best = np.where(others.sum(axis=1) > 0, shares.argmax(axis=1), of_class.argmax())
        guess[rows] = best[place]
    return guess


def guessed_ratings(truth: ArrayLike, level: ArrayLike, fold: ArrayLike) -> NDArray[np.float64]:
    """The rating that a property suggests for each clip: the mean of other folds' clips with its value.

    Where no other clip has the value, the mean of all others; shape (n,), nan if there are none.

    Args:
        truth: ratings, shape (n,)
        level: codes of the values of the property from 0, shape (n,)
        fold: codes of what is held out together from 0, shape (n,)

    Raises:
        AuditError: the arrays differ in length

    >>> guessed_ratings([0.25, 0.5, 1.0, 0.75], [0, 0, 1, 1], [0, 1, 0, 1]).tolist()
    [0.5, 0.25, 0.75, 1.0]
    """
    t, x, f = np.asarray(truth, dtype=np.float64), np.asarray(level), np.asarray(fold)
    _codes(np.zeros(len(t)), x, f)
    levels = int(x.max(initial=-1)) + 1
    sums, counts = np.bincount(x, weights=t, minlength=levels), np.bincount(x, minlength=levels)
    guess = np.zeros(len(t))
    for rows in _folds(f):
        own_levels, place = np.unique(x[rows], return_inverse=True)
        own, n = np.bincount(place, weights=t[rows]), np.bincount(place)
        means = ratio(sums[own_levels] - own, counts[own_levels] - n)
        rest = float(ratio(sums.sum() - own.sum(), counts.sum() - n.sum()))
        guess[rows] = np.where(np.isnan(means), rest, means)[place]
    return guess


def equal_bins(values: ArrayLike, bins: int = BINS) -> NDArray[np.int64]:
    """Codes of equally full bins of a number, shape (n,); equal numbers share a bin, nan is a further one.

    >>> equal_bins([1.0, 2.0, 3.0, 4.0, float("nan")], 2).tolist()
    [0, 0, 1, 1, 2]
    """
    x = np.asarray(values, dtype=np.float64)
    known = np.isfinite(x)
    if not known.any():
        return np.zeros(len(x), dtype=np.int64)
    edges = np.unique(np.quantile(x[known], np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    return np.where(known, np.searchsorted(edges, x, side="left"), bins).astype(np.int64)


def _folds(fold: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """The rows of each fold."""
    order = np.argsort(fold, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(fold[order])) + 1) if len(fold) else []


def _codes(*given: ArrayLike) -> list[NDArray[np.int64]]:
    codes = [np.asarray(each).astype(np.int64) for each in given]
    if len({each.shape for each in codes}) > 1 or codes[0].ndim != 1:
        raise AuditError(
            f"arrays of shapes {', '.join(str(each.shape) for each in codes)} do not belong together"
        )
    return codes
