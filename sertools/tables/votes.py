"""Labels of several raters for a clip, as corpus columns: votes for emotions, ratings of dimensions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.labels import DIMENSIONS

VOTES = "votes_"
"""Columns `votes_anger` …: how many raters chose the emotion, or their share if their number is unknown."""

RATINGS = "ratings_"
"""Columns `ratings_arousal`, `ratings_emotion` …: what each rater said, as a JSON list."""

RATERS = "raters"
"""Column with the ids of the raters, as a JSON list in the order of the `ratings_` columns."""


@dataclass(frozen=True, kw_only=True)
class Votes:
    """The votes of raters for the emotion of each clip.

    Attributes:
        classes: names of the emotions that raters chose
        counts: raters who chose each emotion, shape (n, c); a row of zeros if nobody rated the clip; shares
            that sum to 1 where it is not known how many raters there were
    """

    classes: tuple[str, ...]
    counts: NDArray[np.float64]

    @property
    def raters(self) -> NDArray[np.float64]:
        """Number of raters of each clip, shape (n,)."""
        number: NDArray[np.float64] = self.counts.sum(axis=1)
        return number

    @property
    def are_counted(self) -> bool:
        """Whether the votes are whole numbers, so that individual raters can be separated."""
        return bool((self.counts == np.round(self.counts)).all())

    @property
    def shares(self) -> NDArray[np.float64]:
        """The distribution of the votes of each clip, shape (n, c); nan where there are none."""
        number = self.raters[:, None]
        return np.divide(self.counts, number, out=np.full_like(self.counts, np.nan), where=number > 0)

    def of(self, names: Sequence[str]) -> "Votes":
        """The same votes with these classes first, and then those others that got votes."""
        every = [*names, *(name for name in self.classes if name not in names)]
        counts = np.zeros((len(self.counts), len(every)))
        counts[:, [every.index(name) for name in self.classes]] = self.counts
        return Votes(classes=tuple(every), counts=counts)

    def take(self, rows: NDArray[Any]) -> "Votes":
        """The votes of these clips: positions, or booleans of shape (n,)."""
        return Votes(classes=self.classes, counts=self.counts[rows])


def votes_of(clips: pd.DataFrame) -> Votes | None:
    """The votes for the emotion of each clip; None if the corpus has none.

    >>> votes_of(pd.DataFrame({"votes_anger": [2, None], "votes_fear": [1, None]})).counts.tolist()
    [[2.0, 1.0], [0.0, 0.0]]
    """
    names = [name for name in map(str, clips.columns) if name.startswith(VOTES)]
    if not names:
        return None
    counts = np.nan_to_num(clips[names].to_numpy(dtype=np.float64, na_value=np.nan))
    if not counts.any():
        return None
    return Votes(classes=tuple(name.removeprefix(VOTES) for name in names), counts=counts)


def majority(counts: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class that most raters chose, shape (n,); −1 for a tie and without votes: no agreement.

    >>> majority(np.array([[2.0, 1.0], [1.0, 1.0], [0.0, 0.0]])).tolist()
    [0, -1, -1]
    """
    most = counts.max(axis=1, initial=0.0)
    alone = (counts == most[:, None]).sum(axis=1) == 1
    return np.where(alone & (most > 0), counts.argmax(axis=1), -1)


def ratings_of(clips: pd.DataFrame, dimension: str) -> NDArray[np.float64] | None:
    """The rating of each rater, in [0, 1], shape (n, r), nan beyond a clip's raters; None if there are none.

    >>> ratings_of(pd.DataFrame({"ratings_valence": ["[0.5, 1]", None]}), "valence").tolist()
    [[0.5, 1.0], [nan, nan]]
    """
    column = f"{RATINGS}{dimension}"
    if column not in clips:
        return None
    rows = [[value for value in row if value is not None] for row in unpacked(clips[column])]
    width = max(map(len, rows), default=0)
    if not width:
        return None
    ratings = np.full((len(rows), width), np.nan)
    for i, row in enumerate(rows):
        ratings[i, : len(row)] = row
    return ratings


def packed(rows: Sequence[Sequence[Any]], index: pd.Index) -> pd.Series:
    """One list for each clip as a text column; an empty list is missing."""
    texts = [json.dumps(list(row), ensure_ascii=False) if len(row) else None for row in rows]
    return pd.Series(texts, index=index, dtype=object)


def unpacked(column: pd.Series) -> list[list[Any]]:
    """The lists of a column made by `packed`; empty where it is missing."""
    return [json.loads(text) if isinstance(text, str) else [] for text in column]


def rated_dimensions(clips: pd.DataFrame) -> list[str]:
    """The dimensions for which the corpus has the ratings of each rater."""
    return [d for d in DIMENSIONS if f"{RATINGS}{d}" in clips and clips[f"{RATINGS}{d}"].notna().any()]


def is_of_raters(column: str) -> bool:
    """Whether a column holds votes or ratings of single raters.

    >>> is_of_raters("votes_anger"), is_of_raters("raters"), is_of_raters("arousal")
    (True, True, False)
    """
    return column.startswith((VOTES, RATINGS)) or column == RATERS
