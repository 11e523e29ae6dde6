"""Training targets: ratings, classes, both, or the shares of the raters' votes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import CorpusError, nearest
from sertools.labels import DIMENSIONS, canonical
from sertools.tables import emotion_norms
from sertools.tables.votes import VOTES
from sertools.training.recipe import Recipe
from sertools.wording import plural

SENTIMENTS = ("negative", "positive")
"""Classes of the target `sentiment` (Ma et al. 2024, table 7: neutral segments are dropped)."""

NEUTRAL = 0.5
"""The middle of the scale of valence."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The truth of clips.

    Attributes:
        dimensions: names of the ratings
        classes: names of the classes; both together are the outputs, in this order
        ratings: shape (n, d), in [0, 1]; nan where a rating is missing
        shares: probability of each class, shape (n, c); rows of zeros where it is unknown
    """

    dimensions: tuple[str, ...]
    classes: tuple[str, ...]
    ratings: NDArray[np.float32]
    shares: NDArray[np.float32]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the outputs in order."""
        return (*self.dimensions, *self.classes)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which clips have any truth, shape (n,)."""
        rated = np.isfinite(self.ratings).any(axis=1)
        voted: NDArray[np.bool_] = rated | (self.shares.sum(axis=1) > 0)
        return voted

    def at(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> "Targets":
        """The truth of some of the clips."""
        return Targets(
            dimensions=self.dimensions,
            classes=self.classes,
            ratings=self.ratings[rows],
            shares=self.shares[rows],
        )


def names_of(recipe: Recipe, table: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The dimensions and the classes that a recipe predicts, the classes as found in the training clips.

    Raises:
        CorpusError: a label is missing, or there is only one class
    """
    stated = [canonical(name) for name in recipe.labels]
    rated = tuple(name for name in stated if name in DIMENSIONS)
    dimensions: tuple[str, ...] = ()
    if recipe.target in {"dimensions", "joint"}:
        dimensions = rated or DIMENSIONS
    elif rated:
        raise CorpusError(
            f"label {rated[0]} is a dimension, but the target is {recipe.target}",
            hint='use target = "dimensions" or "joint"',
        )
    if recipe.target == "dimensions":
        odd = [name for name in stated if name not in DIMENSIONS]
        if odd:
            raise CorpusError(f"label {odd[0]!r} is not a dimension", hint=nearest(odd[0], list(DIMENSIONS)))
        return dimensions, ()
    classes = tuple(name for name in stated if name not in DIMENSIONS)
    found = _classes_in(recipe, table)
    absent = [name for name in classes if name not in found]
    if absent:
        raise CorpusError(f"no training clip has the emotion {absent[0]!r}", hint=nearest(absent[0], found))
    classes = classes or tuple(found)
    if len(classes) < 2:
        said = f"only one emotion, {classes[0]}" if classes else "no emotion"
        raise CorpusError(f"the training clips have {said}; at least two are needed")
    return dimensions, classes


def targets_of(
    recipe: Recipe, table: pd.DataFrame, dimensions: Sequence[str], classes: Sequence[str]
) -> Targets:
    """The truth of clips.

    Args:
        recipe: which labels
        table: clips, as in `Part`
        dimensions: names of the ratings
        classes: names of the classes

    Raises:
        CorpusError: no clip has a label that is needed
    """
    ratings = _ratings(recipe, table).reindex(columns=list(dimensions)).to_numpy(dtype=np.float32)
    missing = [name for i, name in enumerate(dimensions) if not np.isfinite(ratings[:, i]).any()]
    if missing:
        hint = "" if recipe.norms else 'derive it from the emotions with norms = "russell_mehrabian_1977"'
        raise CorpusError(f"no clip has a rating of {missing[0]}", hint=hint)
    shares = _shares(recipe, table, classes)
    return Targets(dimensions=tuple(dimensions), classes=tuple(classes), ratings=ratings, shares=shares)


def truth_of(recipe: Recipe, table: pd.DataFrame) -> Targets:
    """The truth of clips for every label that a recipe may predict, the classes as found in these clips.

    Raises:
        CorpusError: no clip has a label that is needed
    """
    stated = [canonical(name) for name in recipe.labels]
    dimensions: Sequence[str] = ()
    if recipe.target in {"dimensions", "joint"}:
        dimensions = [name for name in stated if name in DIMENSIONS] or DIMENSIONS
    classes = [] if recipe.target == "dimensions" else _classes_in(recipe, table)
    truth = targets_of(recipe, table, dimensions, classes)
    if not truth.known.any():
        raise CorpusError(f"no clip has a label of {', '.join(truth.labels) or 'an emotion'}")
    return truth


def labelled_note(known: NDArray[np.bool_], target: str) -> list[str]:
    """A sentence on clips without a label."""
    n = int((~known).sum())
    without = "without a label"
    if target == "sentiment":
        without = "whose valence is unknown or in the middle of its scale"
    said = plural(n, f"clip {without} is", f"clips {without} are")
    return [f"{said} left out"] if n else []


def _ratings(recipe: Recipe, table: pd.DataFrame) -> pd.DataFrame:
    if not recipe.norms:
        return table.reindex(columns=list(DIMENSIONS)).astype(float)
    if "emotion" not in table:
        raise CorpusError("the corpora have no column 'emotion', from which the recipe derives dimensions")
    return emotion_norms.derive(table["emotion"])


def _classes_in(recipe: Recipe, table: pd.DataFrame) -> list[str]:
    if recipe.target == "sentiment":
        if not _ratings(recipe, table)["valence"].notna().any():
            raise CorpusError('no clip has a rating of valence, which target = "sentiment" needs')
        return list(SENTIMENTS)
    if recipe.target == "soft":
        voted = [str(c).removeprefix(VOTES) for c in table if str(c).startswith(VOTES)]
        if not voted:
            raise CorpusError(
                f'the corpora have no votes of raters (columns {VOTES}anger …), which target = "soft" needs'
            )
        return voted
    if "emotion" not in table:
        raise CorpusError(f"the corpora have no column 'emotion', which target = \"{recipe.target}\" needs")
    return sorted(map(str, table["emotion"].dropna().unique()))


def _shares(recipe: Recipe, table: pd.DataFrame, classes: Sequence[str]) -> NDArray[np.float32]:
    """Probability of each class, smoothed, shape (n, c); rows of zeros where it is unknown."""
    if not classes:
        return np.zeros((len(table), 0), np.float32)
    if recipe.target == "sentiment":
        valence = _ratings(recipe, table)["valence"].to_numpy(dtype=float)
        sides = {"negative": valence < NEUTRAL, "positive": valence > NEUTRAL}
        votes = np.stack([sides[name] for name in classes], axis=1).astype(float)
    elif recipe.target == "soft":
        votes = table.reindex(columns=[VOTES + name for name in classes]).to_numpy(dtype=float)
        votes = np.nan_to_num(votes)
    else:
        emotion = table["emotion"].to_numpy(dtype=object) if "emotion" in table else np.full(len(table), None)
        votes = np.stack([emotion == name for name in classes], axis=1).astype(float)
    total = votes.sum(axis=1, keepdims=True)
    shares = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0)
    return smoothed(shares, recipe.smoothing).astype(np.float32)


def smoothed(shares: NDArray[np.float64], epsilon: float) -> NDArray[np.float64]:
    """(1 − ε) p + ε (1 − p) / (C − 1), the smoothing of EMO-SUPERB (Wu et al. 2024); rows of zeros stay.

    Args:
        shares: probabilities p of C classes, shape (n, C)
        epsilon: ε

    >>> smoothed(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), 0.1).tolist()
    [[0.9, 0.05, 0.05], [0.0, 0.0, 0.0]]
    """
    known = shares.sum(axis=1, keepdims=True) > 0
    found = (1 - epsilon) * shares + epsilon * (1 - shares) / max(shares.shape[1] - 1, 1)
    return np.where(known, found, 0.0)
