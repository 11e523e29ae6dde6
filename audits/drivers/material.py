"""Acoustic features, answers and ratings of clips as matrices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.tables.condition import CLEAN
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS, group_of
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

DURATION = "duration_s"
COLUMNS = (*FUNCTIONAL_COLUMNS, DURATION)
"""The features: eGeMAPS functionals, and the length of a clip."""

ENDS = (0.005, 0.995)
"""Quantiles at which features are cut, because a few frames of noise give extreme values."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """The data to compare, for the clips with features, ordered by clip name.

    Attributes:
        features: finite, shape (n, f)
        names: names of the features
        groups: the group of each feature
        answers: predicted ratings (n, 1), or scores of the classes (n, c)
        truth: ratings (n, 1), or 1 for the true class (n, c)
        outputs: the dimension, or the classes
        pair: truth and prediction of the same clips, with their speakers
    """

    features: NDArray[np.float64]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    answers: NDArray[np.float64]
    truth: NDArray[np.float64]
    outputs: tuple[str, ...]
    pair: Pairs

    @property
    def errors(self) -> NDArray[np.float64]:
        """Answers minus truth, shape (n, c)."""
        return self.answers - self.truth

    @property
    def feature_sets(self) -> dict[str, NDArray[np.integer]]:
        """Group → indices of its features; all of them are the last."""
        of_group = {g: np.flatnonzero(np.array(self.groups) == g) for g in dict.fromkeys(self.groups)}
        return {**of_group, ALL: np.arange(len(self.names))}


ALL = "all"


def material(tables: Tables, pair: Pairs, target: str) -> Material | None:
    """Features, answers and truth of the clips that the model answered; None if no clip has features.

    Args:
        tables: clips with their features, and predictions
        pair: truth and prediction of the target, of the answered clips
        target: a dimension, or `emotion`
    """
    columns = [column for column in COLUMNS if column in tables.clips]
    order = np.argsort(pair.clips.astype(str).to_numpy(dtype=object), kind="stable")
    known = tables.clips.loc[pair.clips, columns].apply(pd.to_numeric, errors="coerce")
    measured = known.notna().any(axis=1).to_numpy() if columns else np.zeros(pair.n, dtype=np.bool_)
    rows = order[measured[order]]
    features, used = cleaned(known.to_numpy(dtype=np.float64)[rows])
    if not len(rows) or not len(used):
        return None
    names = [columns[i].partition(":")[2] or columns[i] for i in used]
    outputs = (target,) if target != "emotion" else tuple(tables.model_classes)
    scores = tables.predictions[CLEAN].loc[pair.clips, list(outputs)].to_numpy(dtype=np.float64)
    classes = np.arange(len(outputs))
    truth = pair.truth[:, None] == classes if target == "emotion" else pair.truth[:, None]
    return Material(
        features=features,
        names=tuple(names),
        groups=tuple("tempo" if name == DURATION else group_of(name) for name in names),
        answers=scores[rows],
        truth=truth.astype(np.float64)[rows],
        outputs=outputs,
        pair=in_order(pair, rows),
    )


def cleaned(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Features without gaps and extremes, and the indices of the columns that are left.

    A missing value becomes the median of its column, and values are cut at the .5 % and 99.5 % quantiles. A
    column that is missing in half of the clips, or the same in all, is left out.

    Args:
        values: shape (n, f), nan where undefined
    """
    if not values.size:
        return np.zeros((len(values), 0)), np.zeros(0, dtype=np.int64)
    finite = np.where(np.isfinite(values), values, np.nan)
    often = np.flatnonzero(np.isfinite(finite).mean(axis=0) > 0.5)
    kept = finite[:, often]
    low, middle, high = (
        np.nanquantile(kept, [ENDS[0], 0.5, ENDS[1]], axis=0) if len(often) else np.zeros((3, 0))
    )
    filled = np.clip(np.where(np.isnan(kept), middle, kept), low, high)
    varies = filled.std(axis=0) > 1e-9 * np.maximum(np.abs(filled).max(axis=0, initial=0.0), 1e-300)
    return filled[:, varies], often[varies]


def in_order(pair: Pairs, rows: NDArray[np.integer] | Sequence[int]) -> Pairs:
    """The pairs of these rows, in this order, with units numbered by their first appearance."""
    unit, kept = pd.factorize(pair.unit[rows])
    return replace(
        pair,
        truth=pair.truth[rows],
        prediction=pair.prediction[rows],
        unit=unit,
        units=len(kept),
        clips=pair.clips[rows],
        answered=None if pair.answered is None else pair.answered[rows],
        named=None if pair.named is None else pair.named[rows],
    )
