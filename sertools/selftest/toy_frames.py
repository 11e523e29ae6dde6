"""Sums over the frames of toy models; only the oracle's layers encode acoustic features."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.randomness import identity_rng
from sertools.tables.egemaps import FEATURES
from sertools.tables.frame_sums import LEVELS, FrameSums, FrameSumsNeeded
from sertools.tables.pairs import speaker_codes

LAYERS = 4
DIMENSIONS = len(FEATURES) + 2
FRAMES = 25
"""Number of frames of every clip: one word."""


def frame_sums(kind: str, of: pd.DataFrame, wanted: FrameSumsNeeded) -> dict[str, FrameSums]:
    """Sums over frames by level, as the engine computes them from a model's frames and openSMILE features.

    The features of a clip are a random mean per clip (standard deviation .5) plus Gaussian noise (1). Layer i
    of the oracle is 1 − i/4 times the features plus noise (1); all values of the constant model's layers are
    .5, and the layers of all other models are noise only.

    Args:
        kind: name of the toy model; every name but `oracle` and `constant` is another random model
        of: the clips
        wanted: levels, number of speaker groups, column that splits cells, products between layers
    """
    names = [str(clip) for clip in of.index]
    features = np.stack([_features(name) for name in names])
    layers = np.stack([_layers(kind, name, own) for name, own in zip(names, features, strict=True)])
    codes, _ = speaker_codes(of)
    other = [_partner(i, codes) for i in range(len(of))]
    kinds = np.stack([features, features[other], np.roll(features, FRAMES // 2, axis=1)])
    groups = min(wanted.groups, len(np.unique(codes)))
    # by rank of the speaker's name, so that the order of the clips does not matter
    ranks = pd.Series(of.get("speaker", pd.Series(names, index=of.index))).rank(method="dense").to_numpy()
    cells = pd.DataFrame({"group": (np.nan_to_num(ranks, nan=1).astype(int) - 1) % groups})
    cells["speaker"] = codes
    if wanted.by:
        cells[wanted.by] = of[wanted.by].to_numpy()
    by = ["group", *([wanted.by] if wanted.by else [])]
    rows = [np.asarray(members) for members in cells.groupby(by).indices.values()]
    speakers = cells.groupby("group")["speaker"].nunique()
    table = cells.groupby(by).size().rename("clips").reset_index()
    table.insert(1, "speakers", speakers[table["group"]].to_numpy())
    return {level: _summed(layers, kinds, rows, table, LEVELS[level], wanted) for level in wanted.levels}


def _features(name: str) -> NDArray[np.float64]:
    rng = identity_rng(0, name, "features")
    own: NDArray[np.float64] = rng.normal(0, 0.5, len(FEATURES)) + rng.normal(size=(FRAMES, len(FEATURES)))
    return own


def _layers(kind: str, name: str, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frames of one clip, shape (l, frames, d)."""
    shape = (LAYERS, FRAMES, DIMENSIONS)
    if kind == "constant":
        return np.full(shape, 0.5)
    frames: NDArray[np.float64] = identity_rng(0, name, kind, "frames").normal(size=shape)
    if kind == "oracle":
        share = 1 - np.arange(LAYERS) / LAYERS
        frames[:, :, : len(FEATURES)] += share[:, None, None] * features
    return frames


def _partner(i: int, codes: NDArray[np.integer]) -> int:
    """Index of the next clip of another speaker; of the next clip if there is only one speaker."""
    onward = (i + 1 + np.arange(len(codes))) % len(codes)
    others = onward[codes[onward] != codes[i]]
    return int(others[0] if len(others) else onward[0])


def _summed(
    layers: NDArray[np.float64],
    kinds: NDArray[np.float64],
    rows: Sequence[NDArray[np.intp]],
    cells: pd.DataFrame,
    frames: int,
    wanted: FrameSumsNeeded,
) -> FrameSums:
    """Sums of layers (n, l, frames, d) and of kinds of features (kinds, n, frames, k) by cell of clips."""
    x = layers.reshape(len(layers), LAYERS, -1, frames, DIMENSIONS).mean(axis=3)
    y = kinds.reshape(len(kinds), len(layers), -1, frames, len(FEATURES)).mean(axis=3)
    of_x = [[x[r, i].reshape(-1, DIMENSIONS) for r in rows] for i in range(LAYERS)]
    of_y = [[one[r].reshape(-1, len(FEATURES)) for r in rows] for one in y]
    every = [np.concatenate(parts) for parts in of_x]
    between = {(i, j): every[i].T @ every[j] for i in range(LAYERS) for j in range(i + 1, LAYERS)}
    return FrameSums(
        features=FEATURES,
        cells=cells,
        n=np.tile([float(len(part)) for part in of_x[0]], (LAYERS, 1)),
        undefined=np.zeros(len(rows)),
        x=tuple(np.stack([part.sum(axis=0) for part in parts]) for parts in of_x),
        xx=tuple(np.stack([part.T @ part for part in parts]) for parts in of_x),
        y=np.tile([[part.sum(axis=0) for part in parts] for parts in of_y], (LAYERS, 1, 1, 1)),
        yy=np.tile([[part.T @ part for part in parts] for parts in of_y], (LAYERS, 1, 1, 1, 1)),
        xy=tuple(
            np.stack([[a.T @ b for a, b in zip(of_x[i], parts, strict=True)] for parts in of_y])
            for i in range(LAYERS)
        ),
        between=between if wanted.between_layers else {},
    )
