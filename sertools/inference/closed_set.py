"""Emotions judged among a few classes only: the closed set of `--classes`."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def among(scores: pd.DataFrame, classes: Sequence[str], *, shares: bool) -> pd.DataFrame:
    """Scores in which only the classes of a closed set compete.

    A clip on which none of them has a score above 0 has no answer among them: a model that answers in words
    named another class.

    Args:
        scores: one row per clip, one column per label of the model
        classes: the closed set, columns of `scores`
        shares: whether the scores of all classes are probabilities that sum to 1; those of the closed set are
            then divided by their sum, p(c) / Σ p

    Returns:
        The scores with the columns of the closed set changed and the others left as they are.

    >>> open_set = pd.DataFrame({"anger": [0.25, 0.0], "fear": [0.25, 0.0], "boredom": [0.5, 1.0]})
    >>> among(open_set, ["anger", "fear"], shares=True)[["anger", "fear"]].to_numpy().tolist()
    [[0.5, 0.5], [nan, nan]]
    """
    found = scores.copy()
    values = scores[list(classes)].to_numpy(dtype=np.float64, copy=True)
    total = np.where(np.isfinite(values).all(axis=1), values.sum(axis=1), np.nan)
    values[total == 0] = np.nan
    if shares:
        with np.errstate(invalid="ignore"):
            values = values / np.where(total == 0, np.nan, total)[:, None]
    found[list(classes)] = values
    return found


def outside(scores: pd.DataFrame, every: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Which clips have an answer, shape (n,), but none among the classes of a closed set.

    Args:
        scores: one row per clip, before `among`
        every: all classes of the model
        classes: the closed set

    >>> words = pd.DataFrame({"anger": [1.0, 0.0, float("nan")], "boredom": [0.0, 1.0, float("nan")]})
    >>> outside(words, ["anger", "boredom"], ["anger"]).tolist()
    [False, True, False]
    """
    answered = np.isfinite(scores[list(every)].to_numpy(dtype=np.float64)).all(axis=1)
    none = (scores[list(classes)].to_numpy(dtype=np.float64) == 0).all(axis=1)
    return np.asarray(answered & none, dtype=np.bool_)


def answers(scores: pd.DataFrame, every: Sequence[str]) -> "pd.Series[str]":
    """The class with the highest score among all classes of the model, one per clip; None without an answer.

    >>> answers(pd.DataFrame({"anger": [0.25], "boredom": [0.75]}), ["anger", "boredom"]).tolist()
    ['boredom']
    """
    values = scores[list(every)].to_numpy(dtype=np.float64)
    known = np.isfinite(values).all(axis=1)
    highest = np.where(known[:, None], values, 0.0).argmax(axis=1)
    named = [every[i] if ok else None for i, ok in zip(highest, known, strict=True)]
    return pd.Series(named, index=scores.index, dtype=object)
