"""Sums over a model's frames, for comparing its layers with acoustic features in a corpus of any size.

Frames are never stored, only additive moments of them, for cells of clips that belong together (a group of
speakers, an emotion). The moments of any union of cells are the sum of their moments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError, nearest

LEVELS: Mapping[str, int] = {"frame": 1, "phoneme": 5, "word": 25}
"""Level → number of consecutive frames averaged (Li et al. 2023: 5 frames a phoneme, 5 phonemes a word)."""

OWN, OTHER, ROLLED = "own", "other clip", "rolled"
KINDS = (OWN, OTHER, ROLLED)
"""Which acoustic features are paired with a clip's frames: its own, those of another clip (chance level), or
its own rolled by half the clip (shows what is constant within a clip)."""

MAX_GROUPS = 10
"""Maximum number of speaker groups; with fewer speakers, each is a group."""


@dataclass(frozen=True, kw_only=True)
class FrameSumsNeeded:
    """Which sums over frames an audit reads.

    Attributes:
        levels: keys of `LEVELS`
        groups: maximum number of speaker groups
        by: column of the corpus by whose values cells are split, e.g. `emotion`; empty for none
        between_layers: whether to also sum the products of every pair of layers

    Raises:
        AuditError: an unknown level
    """

    levels: tuple[str, ...] = ("frame",)
    groups: int = MAX_GROUPS
    by: str = ""
    between_layers: bool = False

    def __post_init__(self) -> None:
        for level in self.levels:
            if level not in LEVELS:
                raise AuditError(f"unknown frame level {level!r}", hint=nearest(level, list(LEVELS)))


@dataclass(frozen=True, kw_only=True)
class FrameSums:
    """Sums over frames at one level, by cell: x are the frames of a layer, y the acoustic features.

    All arrays are float64. `l` layers of `d` dimensions (which may differ by layer), `c` cells, `k` features,
    one y for each of the `KINDS`. Only frames in which every feature is defined are summed.

    Attributes:
        features: names of the k acoustic features
        cells: one row per cell: `group` (number of the speaker group from 0), `speakers` (in the group),
            `clips`, and the column named by `FrameSumsNeeded.by`
        n: number of frames, shape (l, c)
        undefined: number of frames skipped because a feature is undefined, shape (c,)
        x: Σx, l arrays of shape (c, d)
        xx: Σxxᵀ, l arrays of shape (c, d, d)
        y: Σy, shape (l, kinds, c, k)
        yy: Σyyᵀ, shape (l, kinds, c, k, k)
        xy: Σxyᵀ, l arrays of shape (kinds, c, d, k)
        between: (i, j) with i < j → Σ x_i x_jᵀ over all cells, shape (d_i, d_j); empty if not requested
    """

    features: tuple[str, ...]
    cells: pd.DataFrame
    n: NDArray[np.float64]
    undefined: NDArray[np.float64]
    x: tuple[NDArray[np.float64], ...]
    xx: tuple[NDArray[np.float64], ...]
    y: NDArray[np.float64]
    yy: NDArray[np.float64]
    xy: tuple[NDArray[np.float64], ...]
    between: Mapping[tuple[int, int], NDArray[np.float64]] = field(default_factory=dict)

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.x)
