"""Shortens figures with too many rows, lines or points to be read, or to fit into a page."""

from collections.abc import Sequence
from typing import Any

from sertools.results.result import Figure, Series

MAX_SERIES = 30
"""Largest number of lines, or of groups of dots, bars or points."""

MAX_PLACES: dict[str, int] = {
    "line": 2000,
    "interval": 60,
    "bar": 60,
    "heat": 400,
    "scatter": 20_000,
    "cloud": 20_000,
    "histogram": 200,
    "radar": 40,
    "panels": 2000,
}
"""Largest number of distinct places along the axis of names, for each kind of figure."""

MAX_WORDS = 200
"""Largest number of words in a word cloud."""


def shortened(figure: Figure, share: float = 1.0) -> tuple[Figure, str]:
    """The figure with at most the readable number of rows, and in words what it shows; no words if all.

    Of an axis of numbers, evenly spaced places are kept; of an axis of names, the first ones.

    Args:
        figure: the figure
        share: part of the usual numbers of rows to keep, from 0 to 1
    """
    words = any(isinstance(x, str) for series in figure.series for x in series.x)
    most = MAX_WORDS if figure.kind == "cloud" and words else MAX_PLACES[figure.kind]
    most_series = MAX_PLACES["heat"] if figure.kind == "heat" else MAX_SERIES
    most, most_series = max(1, round(share * most)), max(1, round(share * most_series))
    places = list(dict.fromkeys(x for series in figure.series for x in series.x))
    if len(places) <= most and len(figure.series) <= most_series:
        return figure, ""
    kept = places[:most] if words else _spread(places, most)
    chosen = set(kept)
    series = [_of_places(each, chosen) for each in figure.series[:most_series]]
    parts = []
    if len(kept) < len(places):
        which = f"the first {len(kept)}" if words else f"{len(kept)} evenly spaced"
        parts.append(f"{which} of {len(places)}")
    if len(series) < len(figure.series):
        rows = "rows" if figure.kind == "heat" else "series"
        parts.append(f"the first {len(series)} of {len(figure.series)} {rows}")
    shown = " and ".join(parts)
    return figure.model_copy(update={"series": series, "title": f"{figure.title} ({shown})"}), shown


def rows(figure: Figure) -> tuple[list[str], list[list[Any]]]:
    """All values of a figure as a table: columns and rows."""
    columns = ["series", "x", "y", "low", "high", "shade"]
    return columns, [
        [series.name, x, *(values[i] if values else None for values in _values(series))]
        for series in figure.series
        for i, x in enumerate(series.x)
    ]


def _values(series: Series) -> list[list[float | None] | None]:
    return [series.y, series.low, series.high, series.shade]


def _of_places(series: Series, chosen: set[float | str]) -> Series:
    keep = [i for i, x in enumerate(series.x) if x in chosen]
    values = {
        name: [each[i] for i in keep] if each else each
        for name, each in zip(("y", "low", "high", "shade"), _values(series), strict=True)
    }
    return series.model_copy(update={"x": [series.x[i] for i in keep], **values})


def _spread(places: Sequence[float | str], most: int) -> list[float | str]:
    """At most `most` of the places, evenly spaced, the first and the last included."""
    if len(places) <= most:
        return list(places)
    step = (len(places) - 1) / max(1, most - 1)
    return [places[round(i * step)] for i in range(most)]
