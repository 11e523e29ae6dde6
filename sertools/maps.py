"""Maps of vectors: many numbers a clip drawn as two, by t-SNE and UMAP, and in which colours."""

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sertools.result import Figure, Series

PERPLEXITY = 30
NEIGHBOURS, NEAREST = 15, 0.1
"""Of UMAP: how many neighbours a clip has, and how close two points may lie."""

FEWEST = 10
"""Clips without which there is no map."""

SHOWN = 5
"""Speakers and other kinds that get a colour of their own where there are too many to tell apart."""

MANY = 12
"""Kinds that can be told apart by colour and marker."""


def tsne(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Two numbers a clip, shape (n, 2), by t-SNE (van der Maaten & Hinton 2008).

    scikit-learn's, begun from the first two principal components; the perplexity is 30, or a third of the
    other clips where they are fewer than 90.

    Args:
        vectors: finite, shape (n, d), n at least `FEWEST`
        seed: of what is drawn
    """
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    made: np.ndarray = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)
    return made


def umap(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Two numbers a clip, shape (n, 2), by UMAP (McInnes et al. 2018), with its package umap-learn.

    15 neighbours, or all others where they are fewer, at least .1 apart on the map.

    Args:
        vectors: finite, shape (n, d), n at least `FEWEST`
        seed: of what is drawn; with one the package works on one core, and the same each time
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba on what umap-learn compiles, which nobody here can mend
        umap_learn: Any = importlib.import_module("umap")
        reducer = umap_learn.UMAP(
            n_neighbors=min(NEIGHBOURS, len(vectors) - 1), min_dist=NEAREST, random_state=seed, n_jobs=1
        )
        made: np.ndarray = reducer.fit_transform(vectors)
    return made


MAPS: Mapping[str, Callable[[np.ndarray, int], np.ndarray]] = {"t-SNE": tsne, "UMAP": umap}
"""Name → how a map is made."""


def lacking(name: str) -> str:
    """What has to be installed for a map; empty where all is there."""
    return "umap-learn" if name == "UMAP" and importlib.util.find_spec("umap") is None else ""


def coloured(points: np.ndarray, column: pd.Series, *, name: str, title: str, of: str) -> Figure:
    """A map whose points have the colours of a column: shades for numbers, else a colour for each kind.

    Of more than 12 kinds the five with most clips have a colour, and the others share one.

    Args:
        points: shape (n, 2)
        column: of the same clips
        name: of the figure
        title: of the map
        of: what the column tells, in words
    """
    x, y = np.round(points, 3).T.tolist()
    if column.dtype == float:
        known = column.notna().to_numpy()
        series = [
            Series(
                name=of,
                x=[v for v, k in zip(x, known, strict=True) if k],
                y=[v for v, k in zip(y, known, strict=True) if k],
                shade=column[known].tolist(),
            )
        ]
    else:
        kind = column.astype(object).where(column.notna(), "unknown").astype(str)
        often = kind.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        if len(often) > MANY:
            kind = kind.where(kind.isin(often.index[:SHOWN]), f"{len(often) - SHOWN} others")
        # what has no colour of its own is drawn first, so that it hides nobody
        order = sorted(kind.unique(), key=lambda k: (not k.endswith(" others") and k != "unknown", k))
        series = []
        for each in order:
            inside = np.flatnonzero((kind == each).to_numpy())
            series.append(Series(name=each, x=[x[i] for i in inside], y=[y[i] for i in inside]))
    return Figure(
        name=name,
        kind="cloud",
        title=f"{title}: {of}",
        alt=f"Map of {len(points)} clips, one point each, coloured by {of}. {len(series)} colours or shades; "
        "what can be said of them stands in the numbers beside it.",
        series=series,
    )
