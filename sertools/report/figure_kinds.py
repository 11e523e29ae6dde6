"""Draws figures on matplotlib axes: lines, dots with intervals, bars, heat maps, clouds, radars, panels."""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from sertools.report.figure_axes import INK, finish, label, name_texts, names_of, short
from sertools.report.word_cloud import places
from sertools.results.display import decimals, fixed
from sertools.results.result import Figure, Series

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours by Okabe and Ito that are visible on white and on black (2008, Color Universal Design)."""

_MARKERS = "os^DvP"
_LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
_HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
_MOST_ROW_NAMES = 60  # of a heat map; of more rows only every second, third, … is named
_PANELS_WIDE = 2  # small plots side by side
_PANEL_GAP = 0.16  # room between them for the numbers of an axis, as a share of the width
_LONG_NUMBERS = 0.02  # an axis of a smaller range has numbers of so many decimals that few fit side by side
_MANY_POINTS = 3000  # more points or cells become one embedded image, to keep the page small


def has_values(figure: Figure) -> bool:
    """Whether there is anything to draw."""
    return any(value is not None for series in figure.series for value in series.y)


def height_in(figure: Figure) -> float:
    """Height in inches at which every row is readable."""
    rows = max((len(series.x) for series in figure.series), default=0)
    groups = len(figure.series)
    if not has_values(figure):
        return 1.0
    if figure.kind == "interval":
        return 1.3 + _rows_of(figure) * max(0.28, 0.16 * groups) + 0.25 * (groups > 1)
    if figure.kind == "bar" and _lies_down(figure):
        return 1.3 + rows * max(0.3, 0.17 * groups) + 0.25 * (groups > 1)
    if figure.kind == "heat":
        return 1.6 + 0.34 * min(groups, 40)
    if figure.kind == "cloud" and any(isinstance(x, str) for series in figure.series for x in series.x):
        return 0.8 + 0.32 * math.ceil(rows / 3)
    if figure.kind == "panels":
        return 0.3 + 1.6 * math.ceil(groups / _PANELS_WIDE)
    return 4.2 if figure.kind in {"cloud", "radar"} else 3.4


def _numbers(values: Sequence[float | None] | None, n: int) -> list[float]:
    """Values as floats, nan where missing; n times nan if there are no values."""
    return [math.nan if value is None else value for value in values] if values else [math.nan] * n


def _rows_of(figure: Figure) -> int:
    return len(names_of(figure))


def _lies_down(figure: Figure) -> bool:
    """Whether bars are horizontal: long names would overlap below the axis."""
    names = name_texts(names_of(figure))
    return len(names) > 12 or sum(len(name) + 2 for name in names) > 46


def _sides(series: Series) -> tuple[list[float], list[float]]:
    """Distances from the values to the ends of their intervals, never negative, nan where unknown."""
    y = _numbers(series.y, len(series.y))
    low, high = _numbers(series.low, len(y)), _numbers(series.high, len(y))
    down = [
        max(0.0, value - end) if not math.isnan(end) else math.nan for value, end in zip(y, low, strict=True)
    ]
    up = [
        max(0.0, end - value) if not math.isnan(end) else math.nan for value, end in zip(y, high, strict=True)
    ]
    return down, up


def _colour(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def _legend_name(figure: Figure, series: Series) -> str | None:
    """Name of a series in the legend; None for a single series, which needs no legend."""
    return (short(series.name, 28) or None) if len(figure.series) > 1 else None


def _line(axes: Any, figure: Figure) -> None:
    names = names_of(figure)
    words = any(isinstance(name, str) for name in names)
    place = {
        name: float(i) if isinstance(name, str) or words else float(name) for i, name in enumerate(names)
    }
    for i, series in enumerate(figure.series):
        x = [place[name] for name in series.x]
        y = _numbers(series.y, len(x))
        style = {"marker": _MARKERS[i % 6], "linestyle": _LINES[i % 6], "color": _colour(i)}
        axes.plot(x, y, label=_legend_name(figure, series), markersize=4.5, linewidth=1.7, **style)
        if series.low and series.high:
            low, high = _numbers(series.low, len(x)), _numbers(series.high, len(x))
            axes.fill_between(x, low, high, color=_colour(i), alpha=0.18, linewidth=0)
        if series.low or series.high:
            # a point between two gaps has no filled area, so its interval is an error bar
            axes.errorbar(x, y, yerr=_sides(series), fmt="none", ecolor=_colour(i), elinewidth=1, alpha=0.7)
    if words:
        step = max(1, math.ceil(len(names) / 9))
        axes.set_xticks(range(0, len(names), step), name_texts(names)[::step])
    elif all(float(name).is_integer() for name in names):
        axes.xaxis.get_major_locator().set_params(integer=True)  # there is no layer 1.5
    finish(axes, figure, "y")


def _panels(axes: Any, figure: Figure) -> None:
    """A small line plot of each series, with a scale of its own."""
    width = (1 - (_PANELS_WIDE - 1) * _PANEL_GAP) / _PANELS_WIDE
    height = 1 / math.ceil(len(figure.series) / _PANELS_WIDE)
    axes.set_axis_off()
    for i, series in enumerate(figure.series):
        row, column = divmod(i, _PANELS_WIDE)
        n = len(series.x)
        x = [k if isinstance(at, str) else at for k, at in enumerate(series.x)]
        low, high = _numbers(series.low, n), _numbers(series.high, n)
        place = [column * (width + _PANEL_GAP), 1 - (row + 0.8) * height, width, 0.6 * height]
        panel = axes.inset_axes(place)
        panel.plot(x, _numbers(series.y, n), color=_colour(0), linewidth=1.5)
        panel.fill_between(x, low, high, color=_colour(0), alpha=0.18, linewidth=0)
        panel.set_title(short(series.name, 26), fontsize=14.2)
        panel.tick_params(labelsize=14.2)
        panel.locator_params(nbins=3)
        if all(float(at).is_integer() for at in x):
            panel.locator_params(axis="x", integer=True)  # there is no half update


def _interval(axes: Any, figure: Figure) -> None:
    names = names_of(figure)
    row = {name: i for i, name in enumerate(names)}
    groups = len(figure.series)
    for i, series in enumerate(figure.series):
        shift = (i - (groups - 1) / 2) * 0.7 / groups if groups > 1 else 0.0
        at = [row[name] + shift for name in series.x]
        axes.errorbar(
            _numbers(series.y, len(at)),
            at,
            xerr=_sides(series),
            fmt=_MARKERS[i % 6],
            color=_colour(i),
            markersize=5.5,
            linewidth=1.8,
            capsize=2.5,
            label=_legend_name(figure, series),
        )
    axes.set_yticks(range(len(names)), name_texts(names))
    axes.set_ylim(len(names) - 0.4, -0.6)
    low, high = axes.get_xlim()
    if high - low < _LONG_NUMBERS:
        axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    # in a Figure rows are `x` and values are `y`; a dot plot is horizontal
    finish(axes, _turned(figure), "x")


def _turned(figure: Figure) -> Figure:
    """The figure with axis labels swapped for a horizontal plot; a single label is that of the values."""
    values, rows = (figure.y_label, figure.x_label) if figure.y_label else (figure.x_label, "")
    return figure.model_copy(update={"x_label": values, "y_label": rows})


def _bars(axes: Any, figure: Figure, lying: bool, width: float) -> None:
    names = names_of(figure)
    place = {name: i for i, name in enumerate(names)}
    groups = len(figure.series)
    for i, series in enumerate(figure.series):
        at = [place[name] + (i - (groups - 1) / 2) * width / groups for name in series.x]
        style = {"color": _colour(i), "edgecolor": INK, "linewidth": 0.4, "hatch": _HATCHES[i % 6]}
        ends: dict[str, Any] = {}
        if series.low or series.high:
            look = {"ecolor": INK, "elinewidth": 1.2, "capsize": 2.5}
            ends = {"xerr" if lying else "yerr": _sides(series), "error_kw": look}
        bar, size = (axes.barh, "height") if lying else (axes.bar, "width")
        bar(
            at,
            _numbers(series.y, len(at)),
            label=_legend_name(figure, series),
            **{size: width / groups},
            **style,
            **ends,
        )
    step = 1 if lying else max(1, math.ceil(sum(len(t) + 2 for t in name_texts(names)) / 46))
    ticks, texts = range(0, len(names), step), name_texts(names)[::step]
    if lying:
        axes.set_yticks(ticks, texts)
        axes.set_ylim(len(names) - 0.4, -0.6)
        finish(axes, _turned(figure), "x")
    else:
        axes.set_xticks(ticks, texts)
        finish(axes, figure, "y")


def _bar(axes: Any, figure: Figure) -> None:
    _bars(axes, figure, _lies_down(figure), 0.8)


def _histogram(axes: Any, figure: Figure) -> None:
    _bars(axes, figure, False, 1.0 if len(figure.series) == 1 else 0.94)


def _points(axes: Any, figure: Figure, size: float, opacity: float) -> None:
    many = sum(len(series.x) for series in figure.series) > _MANY_POINTS
    names = names_of(figure)
    words = {name: i for i, name in enumerate(names)} if any(isinstance(n, str) for n in names) else {}
    for i, series in enumerate(figure.series):
        x = [float(words[name]) if words else float(name) for name in series.x]
        y = _numbers(series.y, len(x))
        if series.low or series.high:
            axes.errorbar(
                x, y, yerr=_sides(series), fmt="none", ecolor=_colour(i), elinewidth=1, alpha=opacity
            )
        look: dict[str, Any] = {"color": _colour(i), "label": _legend_name(figure, series)}
        if series.shade:
            look = {"c": _numbers(series.shade, len(x)), "cmap": "cividis"}
        # the seventh series has the colour of the first, so it gets another marker
        marker = _MARKERS[(i + i // 6) % 6]
        points = axes.scatter(
            x, y, s=size, marker=marker, alpha=opacity, linewidths=0, rasterized=many, **look
        )
        if series.shade:
            scale = axes.get_figure().colorbar(points, ax=axes, pad=0.02, label=short(series.name))
            scale.outline.set_visible(False)
            scale.solids.set(alpha=1, edgecolor="face")
    if words:
        axes.set_xticks(range(len(names)), name_texts(names))
    finish(axes, figure, "y")


def _scatter(axes: Any, figure: Figure) -> None:
    _points(axes, figure, 26, 0.75)


def _cloud(axes: Any, figure: Figure) -> None:
    """A word cloud sized by `y`, largest first, if `x` are words; otherwise a map of many small points."""
    if not any(isinstance(x, str) for series in figure.series for x in series.x):
        _points(axes, figure, 13 if _rows_of(figure) > 300 else 26, 0.65)
        for legend in axes.get_figure().legends:
            for handle in legend.legend_handles:
                if hasattr(handle, "set_sizes"):  # not the patch of a tolerated range
                    handle.set_sizes([32])  # single small points are hard to tell apart
        axes.set_xticks([])
        axes.set_yticks([])
        return
    wide, high = 72 * 5.8 / len(figure.series), 72 * (height_in(figure) - 0.2)
    axes.set_axis_off()
    axes.set_xlim(0, wide * len(figure.series))
    axes.set_ylim(high, 0)
    for i, series in enumerate(figure.series):
        left, top = wide * i, 20.0
        axes.text(left, 6, short(series.name, 28), fontweight="bold", va="center")
        words = {short(x, 24): w for x, w in zip(series.x, series.y, strict=True) if w is not None}
        for word, size, x, y in places(words, round(wide - 12), round(high - top)):
            axes.text(left + x, top + y, word, fontsize=size, color=_colour(i), va="baseline", ha="left")


def _heat(axes: Any, figure: Figure) -> None:
    import matplotlib as mpl
    import numpy as np

    names = names_of(figure)
    column = {name: i for i, name in enumerate(names)}
    grid = np.full((len(figure.series), len(names)), np.nan)
    for i, series in enumerate(figure.series):
        grid[i, [column[name] for name in series.x]] = _numbers(series.y, len(series.x))
    low, high = float(np.nanmin(grid)), float(np.nanmax(grid))
    both = low < 0 < high
    if both:
        high = max(-low, high)
        low = -high
    if low == high:
        low, high = low - 0.5, high + 0.5
    shades = mpl.colormaps["PuOr" if both else "cividis"]
    shown = np.ma.masked_invalid(grid)
    mesh = axes.pcolormesh(shown, cmap=shades, vmin=low, vmax=high, edgecolors="none", snap=True)
    mesh.set_rasterized(grid.size > _MANY_POINTS)
    axes.set_ylim(len(figure.series), 0)
    long = sum(len(text) + 2 for text in name_texts(names)) / 46
    aslant = (
        {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if long > 1 and len(names) <= 12 else {}
    )
    step = 1 if aslant else max(1, math.ceil(long))
    axes.set_xticks([i + 0.5 for i in range(0, len(names), step)], name_texts(names)[::step], **aslant)
    rows = range(0, len(figure.series), math.ceil(len(figure.series) / _MOST_ROW_NAMES))
    axes.set_yticks([i + 0.5 for i in rows], [short(figure.series[i].name) for i in rows])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(names) <= 10:
        places = decimals([low, high])
        if all(float(v).is_integer() for v in grid[~np.isnan(grid)]):
            places = 0
        for i, j in np.argwhere(~np.isnan(grid)):
            red, green, blue, _ = shades((grid[i, j] - low) / (high - low))
            ink = "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"
            text = fixed(float(grid[i, j]), min(places, 2))
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=ink, fontsize=14.2)
    else:
        scale = axes.get_figure().colorbar(mesh, ax=axes, pad=0.02)
        scale.outline.set_visible(False)
        scale.solids.set_edgecolor("face")
    label(axes, figure, [short(series.name) for series in figure.series])


def _radar(axes: Any, figure: Figure) -> None:
    """Spokes in the order of `x`, clockwise from the top, from 0 to 1; values below 0 are at the centre."""
    names = list(map(str, names_of(figure)))
    angles = [math.pi / 2 - 2 * math.pi * i / len(names) for i in range(len(names))]
    spokes = [(math.cos(angle), math.sin(angle)) for angle in angles]
    faint = {"color": INK, "alpha": 0.3, "linewidth": 0.8, "zorder": 1}
    turn = [2 * math.pi * i / 180 for i in range(181)]
    for ring in (0.25, 0.5, 0.75, 1.0):
        axes.plot([ring * math.cos(a) for a in turn], [ring * math.sin(a) for a in turn], **faint)
    between = angles[0] - math.pi / len(names)  # between two spokes
    for ring in (0.5, 1.0):
        at = (ring * math.cos(between), ring * math.sin(between))
        axes.text(*at, fixed(ring, 1), fontsize=14.2, ha="center", va="center", zorder=2)
    for name, (x, y) in zip(names, spokes, strict=True):
        axes.plot([0, x], [0, y], **faint)
        side = "center" if abs(x) < 0.1 else "left" if x > 0 else "right"
        level = "bottom" if y > 0.9 else "top" if y < -0.9 else "center"
        text = "\n".join(textwrap.wrap(short(name, 40), 16, break_long_words=False)) or name
        axes.text(1.07 * x, 1.07 * y, text, ha=side, va=level, fontsize=14.2)
    for i, series in enumerate(figure.series):
        value_of = dict(zip(map(str, series.x), _numbers(series.y, len(series.x)), strict=True))
        lengths = [min(1.0, max(0.0, v)) if (v := value_of.get(n, math.nan)) == v else v for n in names]
        across = [length * x for length, (x, _) in zip(lengths, spokes, strict=True)]
        up = [length * y for length, (_, y) in zip(lengths, spokes, strict=True)]
        style: dict[str, Any] = {"marker": _MARKERS[i % 6], "linestyle": _LINES[i % 6], "color": _colour(i)}
        style |= {"label": _legend_name(figure, series), "markersize": 5, "linewidth": 1.8, "zorder": 3}
        axes.plot([*across, across[0]], [*up, up[0]], **style)
    axes.set_aspect("equal")
    axes.set_xlim(-1.8, 1.8)
    axes.set_ylim(-1.3, 1.3)
    finish(axes, figure, "y")
    axes.set_axis_off()


DRAW: dict[str, Callable[[Any, Figure], None]] = {
    "line": _line,
    "interval": _interval,
    "bar": _bar,
    "heat": _heat,
    "scatter": _scatter,
    "cloud": _cloud,
    "histogram": _histogram,
    "radar": _radar,
    "panels": _panels,
}
"""Drawing function of each kind of figure."""
