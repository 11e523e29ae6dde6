"""Selects the frames of a clip that are summed, pairs them with acoustic features, and averages both."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.audio.opensmile import STEP_S, aligned
from sertools.models.model import Grid
from sertools.tables.frame_sums import KINDS, OTHER, OWN, ROLLED

Floats = NDArray[np.floating[Any]]
"""Frames and rows of frames, in the dtype of the model or in float64."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a clip at one level for which all features are defined.

    Attributes:
        frames: indices of the clip's frames that the rows are made of
        starts: index into `frames` at which each row begins
        features: own, other clip's and rolled features as columns, shape (rows, kinds · k), float64
        undefined: number of rows left out
    """

    frames: NDArray[np.intp]
    starts: NDArray[np.intp]
    features: Floats
    undefined: int

    def pooled(self, states: Floats) -> Floats:
        """The frames of a layer (t, d) averaged at this level, shape (rows, d)."""
        return _pooled(states[self.frames], self.starts)


def rows_of(grid: Grid, own: NDArray[np.float32], other: NDArray[np.float32] | None, frames: int) -> Rows:
    """Selects the frames of a clip to sum, with their acoustic features.

    A frame is used if every feature of the clip is defined there. A phoneme or a word is the mean over the
    defined ones among 5 or 25 consecutive frames, for the layer's states as well as for the features; the
    last one of a clip may be shorter, and one without a defined frame is left out. Rolled features are the
    clip's own, shifted by half their number; those of another clip are repeated or cut to the same length.

    Args:
        grid: times of the layer's frames
        own: features of the clip every 10 ms, shape (rows, k)
        other: features of another clip; None if there is no other clip, whose features are then nan
        frames: number of frames that the level averages
    """
    first_s, step_s, n = grid
    chosen, starts, mine = _level(aligned(own, first_s, step_s, n), frames)
    if other is None:
        theirs = np.full_like(mine, np.nan)
    else:
        long_enough = round(len(other) * STEP_S / step_s) + 1
        _, _, theirs = _level(aligned(other, first_s, step_s, long_enough), frames)
        if not len(theirs):  # the other clip is voiced only where this layer has no frame
            chosen, starts, mine = chosen[:0], starts[:0], mine[:0]
        theirs = theirs[np.arange(len(mine)) % max(len(theirs), 1)]
    by_kind = {OWN: mine, OTHER: theirs, ROLLED: np.roll(mine, len(mine) // 2, axis=0)}
    return Rows(
        frames=chosen,
        starts=starts,
        features=np.concatenate([by_kind[kind] for kind in KINDS], axis=1),
        undefined=-(-n // frames) - len(mine),
    )


def _level(features: Floats, frames: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Indices of the defined frames, the start of each row among them, and the features of the rows."""
    defined = np.flatnonzero(np.isfinite(features).all(axis=1))
    starts = np.flatnonzero(np.diff(defined // frames, prepend=-1))
    return defined, starts, _pooled(features[defined], starts)


def _pooled(rows: Floats, starts: NDArray[np.intp]) -> Floats:
    """Means of groups of consecutive rows (n, d) that begin at `starts`, in the dtype of the rows."""
    if len(starts) in {0, len(rows)}:
        return rows[: len(starts)]
    counts = np.diff(starts, append=len(rows)).astype(rows.dtype)
    means: Floats = np.add.reduceat(rows, starts, axis=0) / counts[:, None]
    return means
