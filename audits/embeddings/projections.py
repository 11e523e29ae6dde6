"""Two-dimensional maps of embeddings by t-SNE and UMAP, and figures that colour them by a column."""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sertools.labels import DIMENSIONS
from sertools.results.result import Figure, Finding, Series
from sertools.wording import plural

from .neighbours import Embedded, trust

COLOUR_COLUMNS = ("corpus", "sex", "speaker", "emotion", *DIMENSIONS)
"""Columns by which a map is coloured, where the corpus has them."""

PERPLEXITY = 30
NEIGHBOURS, MIN_DISTANCE = 15, 0.1
"""Settings of UMAP: number of neighbours, and minimum distance between two points."""

MIN_CLIPS = 10
"""Minimum number of clips for a map."""

COLOURED_VALUES = 5
"""Number of speakers (or other values) with their own colour if there are too many to distinguish."""

MAX_VALUES = 12
"""Maximum number of values that can be distinguished by colour and marker."""


def tsne(vectors: NDArray[np.floating], seed: int) -> NDArray[np.floating]:
    """Map vectors to two dimensions, shape (n, 2), by t-SNE (van der Maaten & Hinton 2008).

    Uses scikit-learn, initialised with the first two principal components; the perplexity is 30, or a third
    of the number of other clips where there are fewer than 90.

    Args:
        vectors: finite, shape (n, d), n at least `MIN_CLIPS`
        seed: random seed
    """
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    made: NDArray[np.floating] = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(
        vectors
    )
    return made


def umap(vectors: NDArray[np.floating], seed: int) -> NDArray[np.floating]:
    """Map vectors to two dimensions, shape (n, 2), by UMAP (McInnes et al. 2018), package umap-learn.

    Uses 15 neighbours (or all other clips where there are fewer) and a minimum distance of .1 on the map.

    Args:
        vectors: finite, shape (n, d), n at least `MIN_CLIPS`
        seed: random seed; with a seed, umap-learn runs on one core and gives the same map each time
    """
    # numba sets the number of threads of the whole process, on which the last bits of torch's sums depend
    with threadpool_limits(limits=1), warnings.catch_warnings(), _compiled_code_is_kept():
        warnings.simplefilter("ignore")  # numba warns about umap-learn's code, which cannot be fixed here
        umap_learn: Any = importlib.import_module("umap")
        reducer = umap_learn.UMAP(
            n_neighbors=min(NEIGHBOURS, len(vectors) - 1), min_dist=MIN_DISTANCE, random_state=seed, n_jobs=1
        )
        made: NDArray[np.floating] = reducer.fit_transform(vectors)
    return made


@contextmanager
def _compiled_code_is_kept() -> Iterator[None]:
    """Lets numba keep what it compiles of umap-learn, which asks for that in a few of its functions only.

    To compile them takes longer than a map of a thousand clips. What is kept is machine code for this
    processor and this version of umap-learn, in numba's own cache; it gives the same map.
    """
    numba: Any = importlib.import_module("numba")
    compiled = numba.njit

    def keeping(*given: Any, **options: Any) -> Any:
        of_umap = str(sys._getframe(1).f_globals.get("__name__")).partition(".")[0] == "umap"
        return compiled(*given, **({"cache": True} if of_umap else {}) | options)

    numba.njit = keeping
    try:
        yield
    finally:
        numba.njit = compiled


MAPS: Mapping[str, Callable[[NDArray[np.floating], int], NDArray[np.floating]]] = {
    "t-SNE": tsne,
    "UMAP": umap,
}
"""Name of a map → function that computes it."""


def missing_package(name: str) -> str:
    """The package that a map needs and that is not installed; empty if nothing is missing."""
    return "umap-learn" if name == "UMAP" and importlib.util.find_spec("umap") is None else ""


def coloured(points: NDArray[np.floating], column: pd.Series, *, name: str, title: str, label: str) -> Figure:
    """A map with points coloured by a column: shades for numbers, otherwise one colour for each value.

    With more than 12 values, the five with the most clips have their own colour, and the others share one.

    Args:
        points: shape (n, 2)
        column: values for the same clips
        name: name of the figure
        title: title of the map
        label: description of the column, for title and legend
    """
    x, y = np.round(points, 3).T.tolist()
    if column.dtype == float:
        known = column.notna().to_numpy()
        series = [
            Series(
                name=label,
                x=[v for v, k in zip(x, known, strict=True) if k],
                y=[v for v, k in zip(y, known, strict=True) if k],
                shade=column[known].tolist(),
            )
        ]
    else:
        kind = column.astype(object).where(column.notna(), "unknown").astype(str)
        often = kind.value_counts().sort_index().sort_values(ascending=False, kind="stable")
        if len(often) > MAX_VALUES:
            kind = kind.where(
                kind.isin(often.index[:COLOURED_VALUES]), f"{len(often) - COLOURED_VALUES} others"
            )
        # points without their own colour are drawn first, so that they hide no others
        order = sorted(kind.unique(), key=lambda k: (not k.endswith(" others") and k != "unknown", k))
        series = []
        for each in order:
            inside = np.flatnonzero((kind == each).to_numpy())
            series.append(Series(name=each, x=[x[i] for i in inside], y=[y[i] for i in inside]))
    return Figure(
        name=name,
        kind="cloud",
        title=f"{title}: {label}",
        alt=f"Map of {plural(len(points), 'clip')}, one point each, coloured by {label}. "
        f"{len(series)} colours or shades; see the table of numbers for what the embeddings separate.",
        series=series,
        choice=label,
    )


def coloured_maps(
    embedded: Embedded, maps: Sequence[str], layer: int, seed: int
) -> tuple[list[Figure], list[Finding]]:
    """The maps coloured by every column, and the trustworthiness of each map.

    Args:
        embedded: the embeddings of one model
        maps: names of maps
        layer: index of the layer, for titles
        seed: random seed
    """
    figures: list[Figure] = []
    findings = []
    where = "last layer" if layer == -1 else f"layer {layer}"
    whose = "" if embedded.is_audited else f"{embedded.model}, "
    columns = [c for c in COLOUR_COLUMNS if c in embedded.clips and embedded.clips[c].nunique() > 1]
    for name in maps:
        if len(embedded.clips) < MIN_CLIPS or embedded.vectors.shape[1] < 2 or missing_package(name):
            continue
        points = MAPS[name](embedded.vectors, seed)
        figures += [
            coloured(
                points,
                embedded.clips[column],
                name=f"{name}_{column}_{embedded.model}".replace(" ", "_").lower(),
                title=f"{name}, {whose}{where}",
                label=column,
            )
            for column in columns
        ]
        n, value = trust(embedded, points, seed)
        reason = "computed from one map, so it has no interval"
        findings.append(Finding(name="trustworthiness", target=name, value=value, n=n, reason=reason))
    return figures, findings
