"""Two-dimensional maps of embeddings by t-SNE and UMAP, and figures that colour them by a column."""

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sertools.results.result import Figure, Series

PERPLEXITY = 30
NEIGHBOURS, NEAREST = 15, 0.1
"""Settings of UMAP: number of neighbours, and minimum distance between two points."""

FEWEST = 10
"""Minimum number of clips for a map."""

SHOWN = 5
"""Number of speakers (or other values) with their own colour if there are too many to distinguish."""

MANY = 12
"""Maximum number of values that can be distinguished by colour and marker."""


def tsne(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Map vectors to two dimensions, shape (n, 2), by t-SNE (van der Maaten & Hinton 2008).

    Uses scikit-learn, initialised with the first two principal components; the perplexity is 30, or a third
    of the number of other clips where there are fewer than 90.

    Args:
        vectors: finite, shape (n, d), n at least `FEWEST`
        seed: random seed
    """
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    made: np.ndarray = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(vectors)
    return made


def umap(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Map vectors to two dimensions, shape (n, 2), by UMAP (McInnes et al. 2018), package umap-learn.

    Uses 15 neighbours (or all other clips where there are fewer) and a minimum distance of .1 on the map.

    Args:
        vectors: finite, shape (n, d), n at least `FEWEST`
        seed: random seed; with a seed, umap-learn runs on one core and gives the same map each time
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba warns about umap-learn's code, which cannot be fixed here
        umap_learn: Any = importlib.import_module("umap")
        reducer = umap_learn.UMAP(
            n_neighbors=min(NEIGHBOURS, len(vectors) - 1), min_dist=NEAREST, random_state=seed, n_jobs=1
        )
        made: np.ndarray = reducer.fit_transform(vectors)
    return made


MAPS: Mapping[str, Callable[[np.ndarray, int], np.ndarray]] = {"t-SNE": tsne, "UMAP": umap}
"""Name of a map → function that computes it."""


def lacking(name: str) -> str:
    """The package that a map needs and that is not installed; empty if nothing is missing."""
    return "umap-learn" if name == "UMAP" and importlib.util.find_spec("umap") is None else ""


def coloured(points: np.ndarray, column: pd.Series, *, name: str, title: str, of: str) -> Figure:
    """A map with points coloured by a column: shades for numbers, otherwise one colour for each value.

    With more than 12 values, the five with the most clips have their own colour, and the others share one.

    Args:
        points: shape (n, 2)
        column: values for the same clips
        name: name of the figure
        title: title of the map
        of: description of the column, for title and legend
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
        # points without their own colour are drawn first, so that they hide no others
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
        "see the table of numbers for what the embeddings separate.",
        series=series,
    )
