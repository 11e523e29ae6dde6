"""Inputs from which probes predict speaker attributes: labels, answers, acoustics and layers, by clip."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.randomness import identity_rng
from sertools.tables.condition import CLEAN
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables

ANSWERS, TRUTH, ACOUSTICS = "answers", "labels", "eGeMAPS"
MAX_CLIPS = 20_000


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Vectors of the clips, by kind of input.

    Attributes:
        rows: positions of the clips in the tables, ordered by clip name, shape (n,)
        vectors: input → vectors, shape (n, d); the layers are `layer 0`, `layer 1` …
    """

    rows: NDArray[np.integer]
    vectors: dict[str, NDArray[np.float64]]

    @property
    def layers(self) -> list[str]:
        """Names of the layers, in order."""
        return [name for name in self.vectors if name.startswith("layer ")]


def inputs(tables: Tables, *, read_layers: bool) -> Inputs:
    """Labels, answers, acoustics and layers of the clips that the model answered and that have layers.

    Args:
        tables: clips, clean predictions, layers if the model has them
        read_layers: whether layers are read
    """
    layers = tables.layers if read_layers and tables.layers is not None and tables.layers.n_layers else None
    scores = tables.predictions[CLEAN].to_numpy(dtype=np.float64)
    known = np.isfinite(scores).all(axis=1)
    if layers is not None:
        known &= np.isfinite(layers.layer(-1)).all(axis=1)
    order = np.argsort(tables.clips.index.astype(str), kind="stable")
    rows = order[known[order]]
    if len(rows) > MAX_CLIPS:
        chosen = identity_rng(0, "privacy", tables.corpus).choice(len(rows), MAX_CLIPS, replace=False)
        rows = rows[np.sort(chosen)]
    vectors = {TRUTH: labels(tables)[rows], ANSWERS: scores[rows]}
    acoustics = _acoustics(tables.clips)
    if acoustics is not None:
        vectors[ACOUSTICS] = acoustics[rows]
    if layers is not None:
        vectors |= _of_layers(layers, rows)
    return Inputs(rows=rows, vectors={name: each for name, each in vectors.items() if each.shape[1]})


def labels(tables: Tables) -> NDArray[np.float64]:
    """The labels that the model predicts: 1 for the true emotion and the ratings, shape (n, k).

    A missing emotion is 0 in all classes, a missing rating the mean.
    """
    parts = [np.zeros((len(tables.clips), 0))]
    if tables.classes:
        emotion = tables.clips["emotion"].to_numpy(dtype=object)
        parts.append((emotion[:, None] == np.array(tables.classes, dtype=object)).astype(np.float64))
    for dimension in tables.dimensions:
        rating = tables.clips[dimension].to_numpy(dtype=float, na_value=np.nan)
        mean = np.nanmean(rating) if np.isfinite(rating).any() else 0.0
        parts.append(np.where(np.isfinite(rating), rating, mean)[:, None])
    return np.concatenate(parts, axis=1)


def _acoustics(clips: pd.DataFrame) -> NDArray[np.float64] | None:
    """The functionals of eGeMAPS, medians where one is undefined, shape (n, f); None if there are none."""
    columns = [column for column in FUNCTIONAL_COLUMNS if column in clips and clips[column].notna().any()]
    if not columns:
        return None
    known = clips[columns].apply(pd.to_numeric, errors="coerce")
    return np.asarray(known.fillna(known.median()).to_numpy(dtype=np.float64), dtype=np.float64)


def _of_layers(layers: Layers, rows: NDArray[np.integer]) -> dict[str, NDArray[np.float64]]:
    return {f"layer {i}": layers.layer(i)[rows].astype(np.float64) for i in range(layers.n_layers)}
