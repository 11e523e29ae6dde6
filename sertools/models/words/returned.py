"""Separates text answers from numbers in the return value of a user's function."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sertools.errors import ModelError
from sertools.models.words.answers import COLUMNS, is_words


def split(answer: Any, *, expected: bool = False) -> tuple[Any, list[Any] | None]:
    """The return value of a function without text answers, and these answers; None if it has none.

    Answers are a sequence of words (or of pairs of a word and a confidence), or stand under one of the keys
    of `COLUMNS` beside numbers.

    Args:
        answer: as returned
        expected: whether the function is known to answer in words, so that a row of None counts as one

    >>> split(["angry", None])
    (None, ['angry', None])
    >>> split([{"emotion": "angry", "arousal": 0.75}])
    ([{'arousal': 0.75}], ['angry'])
    >>> split([[0.25, 0.75]])
    ([[0.25, 0.75]], None)
    """
    if isinstance(answer, pd.DataFrame):
        for key in COLUMNS:
            if key in answer and _all_words(answer[key].tolist(), expected):
                numbers = answer.drop(columns=key)
                return (numbers if len(numbers.columns) else None), answer[key].tolist()
        return answer, None
    if isinstance(answer, Mapping):
        for key in COLUMNS:
            if key in answer and _all_words(list(answer[key]), expected):
                return {name: of for name, of in answer.items() if name != key} or None, list(answer[key])
        return answer, None
    if isinstance(answer, pd.Series) or (isinstance(answer, np.ndarray) and answer.dtype.kind in "OUS"):
        answer = answer.tolist()
    if not isinstance(answer, list | tuple) or not answer:
        return answer, None
    if all(isinstance(row, Mapping) for row in answer):
        for key in COLUMNS:
            if all(key in row for row in answer) and _all_words([row[key] for row in answer], expected):
                rest = [{name: of for name, of in row.items() if name != key} for row in answer]
                return (rest if any(rest) else None), [row[key] for row in answer]
        return answer, None
    return (None, list(answer)) if _all_words(answer, expected) else (answer, None)


def _all_words(rows: Sequence[Any], expected: bool) -> bool:
    """Whether every row is an answer in words, and one of them has a word unless words are expected."""
    texts = any(
        isinstance(row[0] if isinstance(row, tuple | list) else row, str) for row in rows if row is not None
    )
    return (texts or expected) and all(is_words(row) for row in rows)


def classes_of(
    labels: Sequence[str], corpus: Sequence[str], numbers: Sequence[str], name: str
) -> tuple[str, ...]:
    """The classes that text answers may name: as stated by the user, or else those of the corpus.

    Args:
        labels: from `--labels` or the function; empty if nobody states any
        corpus: emotions of the corpus
        numbers: names of the numbers that stand beside the words
        name: of the model, for messages

    Raises:
        ModelError: there are fewer than two classes
    """
    found = tuple(dict.fromkeys(str(label) for label in labels or corpus if label not in numbers))
    if len(found) < 2:
        raise ModelError(
            f"{name} answers in words, but the classes are not known",
            hint="name them, as in --labels anger,happiness,neutral,sadness, or use a corpus with emotions",
        )
    return found
