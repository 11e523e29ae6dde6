"""How well do predicted classes agree with the truth? Metrics computed from the confusion matrix.

Classes are integer codes 0..classes−1. Averages run over the classes *present in the truth*: a class that
does not occur cannot be recognised, and predicting it already lowers the recall of the true class.
A class in the truth that is never predicted counts with an F1 of 0 in an average, as in scikit-learn with
`zero_division=0`; its precision is undefined, and so is the UAP.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError
from sertools.statistics.statistic import Statistic, paired, ratio, unit_sums


def confusion(truth: ArrayLike, prediction: ArrayLike, classes: int) -> NDArray[np.float64]:
    """How often was each true class (row) predicted as each class (column)? Counts, shape (c, c).

    Args:
        truth: class codes, shape (n,)
        prediction: class codes, shape (n,)
        classes: number of classes c

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    t, p = paired(truth, prediction)
    return _counts(t, p, np.zeros(len(t), dtype=np.int64), 1, classes).reshape(classes, classes)


def accuracy(truth: ArrayLike, prediction: ArrayLike) -> float:
    """What share of clips is classified correctly (weighted accuracy, WA), in [0, 1]? nan for n = 0.

    Σ(t = p) / n.

    Args:
        truth: class codes, shape (n,); labels of any other type are compared just as well
        prediction: class codes, shape (n,)

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> accuracy([0, 0, 0, 1], [0, 0, 1, 1])
    0.75
    """
    t, p = paired(truth, prediction)
    return float(ratio(np.sum(t == p), np.asarray(len(t))))


def uar(truth: ArrayLike, prediction: ArrayLike, classes: int) -> float:
    """What share of a class is recognised, averaged over the classes in the truth, in [0, 1]?

    Unweighted average recall, also unweighted accuracy (UA; Schuller et al. 2009): Σ_c (correct clips of
    class c / clips of class c) / number of classes in the truth. nan for n = 0.

    Args:
        truth: class codes 0..classes−1, shape (n,)
        prediction: class codes 0..classes−1, shape (n,)
        classes: number of classes

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> uar([0, 0, 0, 0, 1], [0, 0, 0, 0, 0], 2)
    0.5
    """
    return float(_uar(confusion(truth, prediction, classes)))


def uap(truth: ArrayLike, prediction: ArrayLike, classes: int) -> float:
    """What share of the predictions of a class is correct, averaged over the classes in the truth, in [0, 1]?

    Unweighted average precision: Σ_c (correct clips of class c / predictions of class c) / number of classes
    in the truth. nan if a class in the truth is never predicted, because its precision is undefined, and for
    n = 0; scikit-learn and audmetric count such a class as 0 instead.

    Args:
        truth: class codes 0..classes−1, shape (n,)
        prediction: class codes 0..classes−1, shape (n,)
        classes: number of classes

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> uap([0, 0, 1, 1], [0, 1, 1, 1], 2) == (1 + 2 / 3) / 2
    True
    """
    return float(_uap(confusion(truth, prediction, classes)))


def weighted_f1(truth: ArrayLike, prediction: ArrayLike, classes: int) -> float:
    """F1 averaged over classes in proportion to their clips in the truth (WF1), in [0, 1]; nan for n = 0.

    Σ_c (clips of class c / n) · F1_c, with F1 of a class = 2 · correct / (clips of the class + predictions of
    the class).

    Args:
        truth: class codes 0..classes−1, shape (n,)
        prediction: class codes 0..classes−1, shape (n,)
        classes: number of classes

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> round(weighted_f1([0, 0, 0, 1], [0, 0, 1, 1], 2), 12) == round(.75 * .8 + .25 * 2 / 3, 12)
    True
    """
    return float(_weighted_f1(confusion(truth, prediction, classes)))


def macro_f1(truth: ArrayLike, prediction: ArrayLike, classes: int) -> float:
    """F1 averaged over the classes in the truth, in [0, 1]; nan for n = 0.

    Σ_c F1_c / number of classes in the truth, with F1 of a class = 2 · correct / (clips of the class +
    predictions of the class). Equal to scikit-learn's macro F1 with `labels` set to the classes in the
    truth; scikit-learn's default also averages in a 0 for each class that is predicted but does not occur in
    the truth.

    Args:
        truth: class codes 0..classes−1, shape (n,)
        prediction: class codes 0..classes−1, shape (n,)
        classes: number of classes

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> macro_f1([0, 0, 0, 1], [0, 0, 1, 1], 2) == (.8 + 2 / 3) / 2
    True
    """
    return float(_macro_f1(confusion(truth, prediction, classes)))


def recall(truth: ArrayLike, prediction: ArrayLike, classes: int) -> NDArray[np.float64]:
    """What share of each class is recognised? Shape (c,), in [0, 1], nan for classes not in the truth.

    Correct clips of a class, divided by the clips of the class.

    Args:
        truth: class codes 0..classes−1, shape (n,)
        prediction: class codes 0..classes−1, shape (n,)
        classes: number of classes

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> recall([0, 0, 1], [0, 1, 1], 3).tolist()
    [0.5, 1.0, nan]
    """
    return _recalls(confusion(truth, prediction, classes))


def precision(truth: ArrayLike, prediction: ArrayLike, classes: int) -> NDArray[np.float64]:
    """What share of the predictions of each class is correct? Shape (c,), in [0, 1], nan if never predicted.

    Correct clips of a class, divided by the predictions of the class.

    Args:
        truth: class codes 0..classes−1, shape (n,)
        prediction: class codes 0..classes−1, shape (n,)
        classes: number of classes

    Raises:
        AuditError: the two differ in length, or a code is not in 0..classes−1

    >>> precision([0, 0, 1], [0, 1, 1], 3).tolist()
    [1.0, 0.5, nan]
    """
    counts = confusion(truth, prediction, classes)
    return ratio(_right(counts), counts.sum(axis=0))


def rating_bins(rating: ArrayLike, edges: ArrayLike = (0.25, 0.5, 0.75)) -> NDArray[np.integer]:
    """Bin of each rating: codes 0..len(edges), shape (n,); an edge belongs to the bin above.

    Turns a dimension into classes, for precision and recall per bin (as in the fairness tests of ser-tests).

    Args:
        rating: shape (n,), none of them nan
        edges: increasing, shape (bins − 1,)

    Raises:
        AuditError: a rating is nan

    >>> rating_bins([0.0, 0.25, 0.6, 1.2]).tolist()
    [0, 1, 2, 3]
    """
    rating = np.asarray(rating, dtype=np.float64)
    if np.isnan(rating).any():
        raise AuditError(f"{int(np.isnan(rating).sum())} ratings are missing", hint="drop these clips first")
    return np.searchsorted(np.asarray(edges, dtype=np.float64), rating, side="right")


def accuracy_statistic(classes: int) -> Statistic:
    """WA as a statistic; for a single model prefer `proportions.proportion(truth == prediction, …)`."""
    return _on_confusion("accuracy", classes, lambda counts: ratio(_right(counts).sum(-1), _total(counts)))


def uar_statistic(classes: int) -> Statistic:
    """UAR as a statistic."""
    return replace(_on_confusion("uar", classes, _uar), weights=_equal_classes)


def _equal_classes(truth: NDArray[Any]) -> NDArray[np.float64]:
    """Weight of each clip where all classes in the truth weigh the same."""
    _, code, clips = np.unique(truth, return_inverse=True, return_counts=True)
    return 1 / (len(clips) * clips[code].astype(np.float64))


def uap_statistic(classes: int) -> Statistic:
    """UAP as a statistic."""
    return _on_confusion("uap", classes, _uap)


def weighted_f1_statistic(classes: int) -> Statistic:
    """WF1 as a statistic."""
    return _on_confusion("weighted_f1", classes, _weighted_f1)


def macro_f1_statistic(classes: int) -> Statistic:
    """Macro-F1 as a statistic."""
    return _on_confusion("macro_f1", classes, _macro_f1)


def recall_statistic(code: int) -> Statistic:
    """Recall of one class as a statistic; nan if the class is not in the truth."""
    return _share("recall", lambda t, p: (t == code, p == code))


def precision_statistic(code: int) -> Statistic:
    """Precision of one class as a statistic; nan if the class is never predicted."""
    return _share("precision", lambda t, p: (p == code, t == code))


def false_positive_rate_statistic(code: int) -> Statistic:
    """Share of clips of other classes predicted as this class; together with recall: equalised odds."""
    return _share("false_positive_rate", lambda t, p: (t != code, p == code))


def _counts(
    t: NDArray[Any], p: NDArray[Any], unit: NDArray[np.integer], units: int, classes: int
) -> NDArray[np.float64]:
    """Confusion counts of each unit, shape (units, c · c)."""
    for name, codes in (("truth", t), ("prediction", p)):
        wrong = codes[(codes < 0) | (codes >= classes) | (codes != np.floor(codes))]
        if len(wrong):
            raise AuditError(
                f"{name} has the class code {wrong[0]}", hint=f"codes must be in 0..{classes - 1}"
            )
    cell = (unit * classes + t.astype(np.int64)) * classes + p.astype(np.int64)
    cells = units * classes * classes
    # weights of 1, or there would be a second array of this size, of integers
    counts = np.bincount(cell, weights=np.ones(len(cell)), minlength=cells).astype(np.float64, copy=False)
    return counts.reshape(units, classes * classes)


def _on_confusion(
    name: str, classes: int, value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Statistic:
    """A statistic on confusion counts, given a function of confusion matrices (..., c, c)."""
    return Statistic(
        name=name,
        sums=lambda truth, prediction, unit, units: _counts(truth, prediction, unit, units, classes),
        value=lambda sums: value(sums.reshape(*sums.shape[:-1], classes, classes)),
        bounds=(0.0, 1.0),
    )


def _share(
    name: str,
    masks: Callable[[NDArray[Any], NDArray[Any]], tuple[NDArray[np.bool_], NDArray[np.bool_]]],
) -> Statistic:
    """Share of the clips in the first mask that are also in the second."""

    def sums(
        truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        in_group, also = masks(truth, prediction)
        return unit_sums(np.stack([in_group, in_group & also], axis=1), unit, units)

    return Statistic(name=name, sums=sums, value=lambda s: ratio(s[..., 1], s[..., 0]), bounds=(0.0, 1.0))


def _right(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _total(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = counts.sum(axis=(-2, -1))
    return total


def _support(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clips of each class in the truth, (..., c); four times faster than `sum` along such a short axis."""
    support: NDArray[np.float64] = np.einsum("...ij->...i", counts)
    return support


def _present_mean(scores: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the classes in the truth; an undefined score of such a class counts as 0."""
    present = _support(counts) > 0
    return ratio(np.where(present, np.nan_to_num(scores), 0.0).sum(axis=-1), present.sum(axis=-1))


def _recalls(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return ratio(_right(counts), _support(counts))


def _f1s(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return ratio(2 * _right(counts), _support(counts) + counts.sum(axis=-2))


def _uar(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return _present_mean(_recalls(counts), counts)


def _uap(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    present = _support(counts) > 0
    # the precision of a class that is never predicted is nan, and with it the mean
    precisions = np.where(present, ratio(_right(counts), counts.sum(axis=-2)), 0.0)
    return ratio(precisions.sum(axis=-1), present.sum(axis=-1))


def _macro_f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return _present_mean(_f1s(counts), counts)


def _weighted_f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    support = _support(counts)
    return ratio((support * np.nan_to_num(_f1s(counts))).sum(axis=-1), _total(counts))
