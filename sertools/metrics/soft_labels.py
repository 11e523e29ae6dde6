"""How well do predicted distributions over classes agree with soft labels, such as the votes of raters?

A soft label gives each class a share; the shares of a clip sum to 1.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError
from sertools.statistics.statistic import Statistic, ratio, unit_sums

BATCH = 32
"""Number of clips in a batch of EMO-SUPERB's evaluation."""

SMALLEST = 1e-7
"""Predicted probabilities below this count as this in logarithms: about the step of a float32 at 1."""


def above_equal_share(shares: ArrayLike) -> NDArray[np.bool_]:
    """Which classes have more than an equal share, 1 / C, of each clip? Booleans, shape (n, c).

    Shares of 1 / C itself, also after rounding, are not above it.

    Args:
        shares: soft labels or predicted probabilities, shape (n, c)

    >>> above_equal_share([[0.5, 0.3, 0.2], [1 / 3, 1 / 3, 1 / 3]]).tolist()
    [[True, False, False], [False, False, False]]
    """
    given = np.asarray(shares, dtype=np.float64)
    above: NDArray[np.bool_] = given * given.shape[1] > 1 + 1e-9
    return above


def soft_macro_f1(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Macro-F1 of soft labels, over all clips at once (pooled), in [0, 1]; nan for n = 0.

    Truth and prediction are made binary at more than 1 / C; F1 of a class = 2 Σ both / (Σ truth + Σ
    prediction), and 0 for a class that neither has; the mean over all C classes. Source: Wu et al. 2024
    (EMO-SUPERB).

    Args:
        truth: soft labels, shape (n, c)
        prediction: predicted distributions, shape (n, c)

    Raises:
        AuditError: the two differ in shape

    >>> soft_macro_f1([[0.6, 0.4], [0.2, 0.8]], [[0.9, 0.1], [0.7, 0.3]]) == (2 / 3 + 0) / 2
    True
    """
    t, p = _both(truth, prediction)
    sums = f1_sums(above_equal_share(t), above_equal_share(p), np.ones(len(t)), np.zeros(len(t), np.int64), 1)
    return float(SOFT_MACRO_F1.value(sums[0])) if len(t) else float("nan")


def soft_macro_f1_in_batches(truth: ArrayLike, prediction: ArrayLike, size: int = BATCH) -> float:
    """Macro-F1 of soft labels as EMO-SUPERB publishes it: the mean over batches of clips, in [0, 1].

    The last batch may be smaller and weighs as much as the others. The order of the clips matters: by file
    name. nan for n = 0. Source: Wu et al. 2024 (EMO-SUPERB), released evaluation.

    Args:
        truth: soft labels, shape (n, c), in the order of the file names
        prediction: predicted distributions, shape (n, c)
        size: clips in a batch

    Raises:
        AuditError: the two differ in shape
    """
    t, p = _both(truth, prediction)
    if not len(t):
        return float("nan")
    return _in_batches(above_equal_share(t), above_equal_share(p), size)


def _in_batches(truth: NDArray[np.bool_], prediction: NDArray[np.bool_], size: int) -> float:
    n = len(truth)
    batch, batches = np.arange(n) // size, -(-n // size)
    sums = f1_sums(truth, prediction, np.ones(n), batch, batches)
    return float(SOFT_MACRO_F1.value(sums).mean())


def in_batches_without_each(
    truth: ArrayLike, prediction: ArrayLike, unit: NDArray[np.integer], units: int, size: int = BATCH
) -> NDArray[np.float64]:
    """`soft_macro_f1_in_batches` without the clips of each speaker in turn, shape (units,).

    The remaining clips form new batches.
    """
    t, p = (above_equal_share(each) for each in _both(truth, prediction))
    return np.array([_in_batches(t[unit != u], p[unit != u], size) for u in range(units)])


def f1_sums(
    truth: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    weight: NDArray[np.float64],
    unit: NDArray[np.integer],
    units: int,
) -> NDArray[np.float64]:
    """2 Σ both and Σ truth + Σ prediction of each class, with weights of the clips, shape (units, 2 · c)."""
    rows = np.concatenate([2.0 * (truth & prediction), truth.astype(float) + prediction], axis=1)
    return unit_sums(rows * weight[:, None], unit, units)


def _soft_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    c = sums.shape[-1] // 2
    mean: NDArray[np.float64] = np.nan_to_num(ratio(sums[..., :c], sums[..., c:])).mean(axis=-1)
    return mean


def jensen_shannon_of_clips(truth: ArrayLike, prediction: ArrayLike) -> NDArray[np.float64]:
    """How different are predicted distribution and soft label of each clip? Shape (n,), each in [0, 1].

    Jensen-Shannon distance √((KL(t‖m) + KL(p‖m)) / 2), m = (t + p) / 2, logarithms to base 2 (Lin 1991;
    Endres & Schindelin 2003).

    Args:
        truth: soft labels, shape (n, c)
        prediction: predicted distributions, shape (n, c)

    Raises:
        AuditError: the two differ in shape

    >>> jensen_shannon_of_clips([[1, 0], [0.5, 0.5]], [[0, 1], [0.5, 0.5]]).tolist()
    [1.0, 0.0]
    """
    t, p = _both(truth, prediction)
    middle = (t + p) / 2
    return np.sqrt(np.clip((_bits(t, middle) + _bits(p, middle)) / 2, 0.0, 1.0))


def _bits(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    total: NDArray[np.float64] = (p * np.log2(share)).sum(axis=1)
    return total


def cross_entropy_of_clips(truth: ArrayLike, prediction: ArrayLike) -> NDArray[np.float64]:
    """How surprising is the soft label of each clip to the model? −Σ t ln p in nats, shape (n,), each ≥ 0.

    With one class that has all votes, this is the negative log-likelihood. Probabilities below 1e-7 count as
    1e-7. At best it is the entropy of the soft label.

    Args:
        truth: soft labels, shape (n, c)
        prediction: predicted distributions, shape (n, c)

    Raises:
        AuditError: the two differ in shape

    >>> cross_entropy_of_clips([[1, 0]], [[0.25, 0.75]]).tolist() == [-np.log(0.25)]
    True
    """
    t, p = _both(truth, prediction)
    losses: NDArray[np.float64] = -(t * np.log(np.maximum(p, SMALLEST))).sum(axis=1)
    return losses + 0.0


def _both(truth: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    t, p = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if t.ndim != 2 or t.shape != p.shape:
        raise AuditError(
            f"soft labels have shape {t.shape} and predictions {p.shape}", hint="both are (clips, classes)"
        )
    return t, p


def _of_clips(
    truth: NDArray[Any], losses: NDArray[Any], unit: NDArray[np.integer], units: int
) -> NDArray[Any]:
    return unit_sums(np.stack([np.ones(len(losses)), losses], axis=1), unit, units)


def mean_statistic(name: str, highest: float = np.inf) -> Statistic:
    """The mean of a value that each clip has, given as the prediction."""
    return Statistic(
        name=name, sums=_of_clips, value=lambda s: ratio(s[..., 1], s[..., 0]), bounds=(0.0, highest)
    )


def _no_sums(*given: object) -> NDArray[np.float64]:
    raise TypeError("the sums of this statistic are those of f1_sums")


SOFT_MACRO_F1 = Statistic(name="soft_macro_f1", sums=_no_sums, value=_soft_f1, bounds=(0.0, 1.0))
