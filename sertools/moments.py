"""Sums over a model's frames, enough to compare its layers with acoustic features in any length of corpus.

Frames are never stored. What stays of them are additive moments, in cells of clips that belong together (a
group of speakers, an emotion), so that the moments of any union of cells are the sum of theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

LEVELS: Mapping[str, int] = {"frame": 1, "phoneme": 5, "word": 25}
"""Level → consecutive frames that are averaged (Li et al. 2023: 5 frames a phoneme, 5 phonemes a word)."""

OWN, OTHER, ROLLED = "own", "other clip", "rolled"
KINDS = (OWN, OTHER, ROLLED)
"""Which acoustic features stand beside a clip's frames: its own, those of another clip (chance), its own
rolled by half the clip (what is constant in a clip)."""

MAX_GROUPS = 10
"""Groups of speakers at most; a corpus with fewer speakers has one group for each."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which moments an audit reads.

    Attributes:
        levels: of `LEVELS`
        groups: groups of speakers at most
        by: column of the corpus whose values get cells of their own, e.g. `emotion`; empty for none
        between_layers: whether the products of every two layers are summed too
    """

    levels: tuple[str, ...] = ("frame",)
    groups: int = MAX_GROUPS
    by: str = ""
    between_layers: bool = False


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Sums over frames of one level, by cell: x are the frames of a layer, y the acoustic features.

    All in float64. `l` layers of `d` dimensions (which may differ by layer), `c` cells, `k` features, one y
    of each of the `KINDS`. Only frames in which every feature is defined are summed.

    Attributes:
        features: names of the k acoustic features
        cells: one row a cell: `group` (of speakers, 0…), `speakers` (in the group), `clips`, and the column
            that `Wanted.by` named
        n: frames, shape (l, c)
        undefined: frames left out because a feature is undefined, shape (c,)
        x: l arrays of shape (c, d)
        xx: l arrays of shape (c, d, d)
        y: shape (l, kinds, c, k)
        yy: shape (l, kinds, c, k, k)
        xy: l arrays of shape (kinds, c, d, k)
        between: (i, j) with i < j → Σ x_i x_jᵀ over all cells, shape (d_i, d_j); empty where not asked for
    """

    features: tuple[str, ...]
    cells: pd.DataFrame
    n: np.ndarray
    undefined: np.ndarray
    x: tuple[np.ndarray, ...]
    xx: tuple[np.ndarray, ...]
    y: np.ndarray
    yy: np.ndarray
    xy: tuple[np.ndarray, ...]
    between: Mapping[tuple[int, int], np.ndarray] = field(default_factory=dict)

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.x)
