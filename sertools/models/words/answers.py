"""Scores of text answers: 1, or the stated confidence, for the class that is named, 0 for the others."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.words.parse import parse

WORDS = "words"
"""Value of the fact `answers` of a model that answers in words."""

LEAST = 1e-6
"""Score of a class that is named with the confidence 0; it is still the highest."""

COLUMNS = ("answer", "emotion", "label", "class", "prediction")
"""Keys under which a function may return words beside numbers."""


def is_words(answer: Any) -> bool:
    """Whether a row is a text answer: a text, None, or a pair of a text or None and a number.

    >>> is_words("angry"), is_words(("angry", 0.7)), is_words([0.2, 0.8]), is_words({"arousal": 0.2})
    (True, True, False, False)
    """
    if answer is None or isinstance(answer, str):
        return True
    pair = isinstance(answer, tuple | list) and len(answer) == 2
    return bool(pair and (answer[0] is None or isinstance(answer[0], str)))


def scores_of(
    answers: Sequence[Any], classes: Sequence[str], label_map: Mapping[str, str], name: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Scores (n, c) of text answers, and why some name no class, one text per clip.

    Args:
        answers: a text, None, or a pair of a text and a confidence in [0, 1] for each clip
        classes: the classes that may be named
        label_map: theirs → ours
        name: of the model, for messages

    Raises:
        ModelError: a confidence is not a number in [0, 1]

    >>> scores_of([("sad", 0.75), "?"], ["anger", "sadness"], {}, "mine")
    (array([[0.  , 0.75],
           [ nan,  nan]]), ['', 'no usable answer (says unknown): "?"'])
    """
    scores = np.full((len(answers), len(classes)), math.nan)
    reasons = []
    for row, answer in zip(scores, answers, strict=True):
        word, stated = answer if isinstance(answer, tuple | list) else (answer, None)
        parsed = parse(word, classes, label_map)
        confidence = _confidence(stated, name) if stated is not None else parsed.confidence
        reasons.append(parsed.reason)
        if parsed.name is not None:
            row[:] = 0.0
            row[list(classes).index(parsed.name)] = 1.0 if confidence is None else max(confidence, LEAST)
    return scores, reasons


def text_of(value: Any) -> str | None:
    """A table cell as an answer; None if it is empty."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    return str(value)


def _confidence(stated: Any, name: str) -> float:
    try:
        confidence = float(stated)
    except (TypeError, ValueError):
        confidence = math.nan
    if not 0 <= confidence <= 1:
        raise ModelError(
            f"{name} states the confidence {str(stated)[:40]!r}, which is not between 0 and 1",
            hint="return pairs like ('angry', 0.8)",
        )
    return confidence
