"""Converts the return value of a user's function for some clips to scores and labels, or to layers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.checks import TOLERANCE, names
from sertools.models.model import Signal
from sertools.wording import are, plural


def rows(answer: Any, n: int, name: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Converts a function's return value for n signals to scores (n, c) and the labels in it, if any.

    Raises:
        ModelError: the return value is not one row of numbers per signal

    >>> rows([{"arousal": 0.1, "valence": 0.2}], 1, "mine")
    (array([[0.1, 0.2]]), ('arousal', 'valence'))
    >>> rows({"arousal": [0.1, 0.3]}, 2, "mine")
    (array([[0.1],
           [0.3]]), ('arousal',))
    >>> rows([0.1, 0.3], 2, "mine")
    (array([[0.1],
           [0.3]]), ())
    """
    labels: tuple[str, ...] = ()
    try:
        if isinstance(answer, pd.DataFrame):
            labels, answer = tuple(map(str, answer.columns)), answer.to_numpy()
        elif isinstance(answer, Mapping):
            labels = tuple(map(str, answer))
            columns = [np.atleast_1d(np.asarray(column, dtype=float)) for column in answer.values()]
            lengths = {len(column) for column in columns}
            if len(lengths) > 1:
                raise ModelError(f"{name} returns columns of different lengths: {sorted(lengths)}")
            answer = np.stack(columns, axis=1) if columns else np.empty((0, 0))
        elif isinstance(answer, list | tuple) and answer and isinstance(answer[0], Mapping):
            labels = tuple(map(str, answer[0]))
            odd = [i for i, row in enumerate(answer) if set(row) != set(answer[0])]
            if odd:
                raise ModelError(
                    f"{name} returns different labels for signal {odd[0]} than for signal 0: "
                    f"{', '.join(map(str, answer[odd[0]]))} instead of {', '.join(labels)}"
                )
            answer = [[row[label] for label in answer[0]] for row in answer]
        scores = np.asarray(answer, dtype=float)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: torch tensors with gradients
        raise ModelError(f"{name} does not return a table of numbers: {error}") from error
    if scores.ndim == 1 and len(scores) == n:
        scores = scores[:, None]
    if scores.ndim != 2 or len(scores) != n or scores.shape[1] == 0:
        raise ModelError(
            f"{name} returns an array of shape {scores.shape} for {plural(n, 'signal')}",
            hint=f"return {plural(n, 'row')} with one number per label",
        )
    return scores, labels


def labels_of(
    given: Sequence[str], stated: Any, found: tuple[str, ...], count: int, name: str
) -> tuple[str, ...]:
    """Labels of the scores: given by the user, stated by the function, or returned with the scores.

    Args:
        given: from `--labels`; empty if not used
        stated: the attribute `labels` of the function
        found: labels that the function returned with its scores
        count: number of scores per clip
        name: of the function, for error messages

    Raises:
        ModelError: there are no labels, their number is wrong, or the function does not return one of them
    """
    if isinstance(stated, str):
        raise ModelError(f"{name}.labels is the string {stated!r}, not a list of names")
    wanted = tuple(map(str, given or stated or ()))
    if found and wanted:
        absent = [label for label in wanted if label not in found]
        if absent:
            raise ModelError(f"{name} returns no {', '.join(absent)}: it returns {', '.join(found)}")
        return wanted
    return names(wanted, found, count, name)


def in_order(
    scores: NDArray[np.float64], found: tuple[str, ...], labels: tuple[str, ...], name: str
) -> NDArray[np.float64]:
    """The columns of scores in the order of the labels, matched by name if the function returns names.

    Raises:
        ModelError: a label is missing, or the number of columns is wrong
    """
    if not found:
        if scores.shape[1] != len(labels):
            raise ModelError(
                f"{name} returns {plural(scores.shape[1], 'number')} per signal, but "
                f"there {are(len(labels))} {plural(len(labels), 'label')}"
            )
        return scores
    absent = [label for label in labels if label not in found]
    if absent:
        raise ModelError(f"{name} returns no {', '.join(absent)}: it returns {', '.join(found)}")
    return scores[:, [found.index(label) for label in labels]]


def as_layers(returned: Any, n: int, name: str) -> NDArray[np.float32]:
    """Layers of n signals, shape (n, l, d); one vector per signal is one layer.

    Raises:
        ModelError: the array has another shape, or values that are not finite

    >>> as_layers([[0.5, 1.0], [0.0, 2.0]], 2, "mine").shape, as_layers(np.ones((2, 3, 4)), 2, "mine").shape
    ((2, 1, 2), (2, 3, 4))
    """
    try:
        found = np.asarray(returned, dtype=np.float32)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: torch tensors with gradients
        raise ModelError(f"{name} does not return layers as an array of numbers: {error}") from error
    found = found[:, None] if found.ndim == 2 else found
    if found.ndim != 3 or len(found) != n or 0 in found.shape[1:]:
        raise ModelError(
            f"{name} returns layers of shape {np.shape(returned)} for {plural(n, 'signal')}",
            hint="return one vector per signal, (n, d), or one per signal and layer, (n, l, d)",
        )
    if not np.isfinite(found).all():
        raise ModelError(f"{name} returns layers that are not finite numbers")
    return found


def check_steady_layers(
    layers: Callable[[Sequence[Signal]], NDArray[np.float32]], clips: Sequence[Signal], name: str
) -> None:
    """Checks on clips of noise that layers are repeatable and do not depend on the other clips of a call.

    Raises:
        ModelError: they differ by more than a ten-thousandth of their range
    """
    first, again = layers(clips), layers(clips[::-1])[::-1]
    if first.shape != again.shape or not np.allclose(
        first, again, atol=TOLERANCE * max(1.0, float(np.ptp(first)))
    ):
        raise ModelError(
            f"{name} returns other layers when it is called again, or when clips are in another order",
            hint="switch off dropout and augmentation, and process each signal by itself",
        )
