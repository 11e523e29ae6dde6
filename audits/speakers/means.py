"""The means of each speaker's truth and predictions, or the shares of each class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

from .scores import MIN_CLIPS_FOR_SCORE


def values_to_average(
    pair: Pairs, tables: Tables, target: str
) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Target, truth and prediction of a dimension; for emotion, whether each clip has each class."""
    if target != "emotion":
        return [(target, pair.truth, pair.prediction)]
    codes = [(name, tables.model_classes.index(name)) for name in tables.classes]
    return [(name, pair.truth == code, pair.prediction == code) for name, code in codes]


def has_enough_clips(pair: Pairs) -> NDArray[np.bool_]:
    """Which speakers have enough clips for a score of their own, shape (units,)."""
    return np.bincount(pair.unit, minlength=pair.units) >= MIN_CLIPS_FOR_SCORE
