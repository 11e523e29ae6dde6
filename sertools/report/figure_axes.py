"""What all kinds of figures share: names, labels, grids and legends of matplotlib axes."""

import textwrap
from collections.abc import Sequence
from typing import Any

from sertools.results.display import fixed, one_line, shared_decimals
from sertools.results.result import Figure
from sertools.results.terms.names import slice_words

INK = "#012345"
"""Placeholder for the page's text colour while matplotlib draws; becomes currentColor."""

_LONGEST_NAME = 28


def short(name: object, longest: int = _LONGEST_NAME) -> str:
    """A name on one line of at most so many characters."""
    text = one_line(name)
    text = slice_words(text) if "@" in text else text  # a perturbation and its level
    return text if len(text) <= longest else text[: longest - 1] + "…"


def names_of(figure: Figure) -> list[float | str]:
    """The distinct `x` of all series, in order of appearance."""
    return list(dict.fromkeys(x for series in figure.series for x in series.x))


def name_texts(names: Sequence[float | str]) -> list[str]:
    """Names as tick labels; numbers have the same number of decimals."""
    floats = [float(x) for x in names if not isinstance(x, str)]
    places = shared_decimals(floats)
    return [short(x) if isinstance(x, str) else fixed(float(x), places) for x in names]


def finish(axes: Any, figure: Figure, value_axis: str) -> None:
    """Grid, tolerated range, reference line, labels and legend."""
    grid = axes.xaxis if value_axis == "x" else axes.yaxis
    grid.grid(visible=True, color=INK, alpha=0.15, linewidth=0.7)
    axes.set_axisbelow(True)
    line, span = (axes.axvline, axes.axvspan) if value_axis == "x" else (axes.axhline, axes.axhspan)
    if figure.reference is not None:
        line(figure.reference, color=INK, linewidth=1, linestyle=(0, (4, 3)), alpha=0.7, zorder=1)
    if figure.band is not None:
        get, put = (axes.get_xlim, axes.set_xlim) if value_axis == "x" else (axes.get_ylim, axes.set_ylim)
        start, stop = get()
        edges = [edge for edge in figure.band if edge is not None]
        margin = 0.04 * (max(stop, *edges) - min(start, *edges)) if edges else 0.0
        start, stop = min([start, *(e - margin for e in edges)]), max([stop, *(e + margin for e in edges)])
        low, high = figure.band
        span(
            start if low is None else low,
            stop if high is None else high,
            color="#009E73",
            alpha=0.16,
            linewidth=0,
            zorder=0,
            label="tolerated",
        )
        put(start, stop)
    label(axes, figure, name_texts(names_of(figure)) if value_axis == "x" else ())
    handles, labels = axes.get_legend_handles_labels()
    if handles and any(labels):
        canvas = axes.get_figure()
        canvas.legend(handles, labels, loc="outside upper left", ncols=_columns(labels), borderaxespad=0.2)


def label(axes: Any, figure: Figure, names: Sequence[str] = ()) -> None:
    """Labels of the axes, in as many lines as they need.

    Args:
        axes: of the figure
        figure: the figure
        names: names of rows, which make the axes narrower
    """
    beside = max(map(len, names), default=0)
    axes.set_xlabel("\n".join(textwrap.wrap(short(figure.x_label, 70), max(20, 48 - beside))))
    axes.set_ylabel("\n".join(textwrap.wrap(short(figure.y_label, 45), 26)))


def _columns(labels: Sequence[str]) -> int:
    """Columns of a legend that fit side by side above a figure."""
    widest = max(len(label) for label in labels)
    return max(1, min(3, len(labels), 45 // (widest + 5)))
