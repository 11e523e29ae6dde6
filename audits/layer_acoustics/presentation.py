"""Tables and figures of scores over layers, each shown with its floors (see `curves`)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Series, Table
from sertools.tables.columns import AGAINST, RANDOM_TWIN
from sertools.tables.frame_sums import OTHER, OWN, ROLLED

from .curves import Curve

FLOORS = (OTHER, ROLLED, RANDOM_TWIN)
IN_SAMPLE = tuple(f"in-sample, {floor}" for floor in FLOORS)
ABOVE = ("above floors", "above: low", "above: high")
CELLS = ("held-out", "low", "high", *FLOORS, *ABOVE, "in-sample", *IN_SAMPLE)
HOW_TO_READ = (
    "held-out: mean over groups of speakers, 95 % interval; above floors: difference to the highest of other "
    "clip, rolled and random twin, paired by group; in-sample: fitted and scored on all frames"
)
MODEL_NAMES = {OWN: "the model", RANDOM_TWIN: "its random twin", AGAINST: "the comparison model"}


def main_tables_and_figures(
    curves: Mapping[str, Mapping[str, Curve]], measure: str, other: str
) -> tuple[list[Table], list[Figure]]:
    """The tables of all measures, and the figures of one.

    Args:
        curves: measure → group of features → curve
        measure: the measure that is plotted
        other: name of the comparison model; empty if there is none
    """
    shown, plotted = measure.upper(), curves[measure]
    tables = [
        floors_table(
            curves[name],
            name=name,
            title=f"{name.upper()} of every layer with every group of features, and its floors",
        )
        for name in sorted(curves, key=lambda name: name != measure)
    ]
    if other:
        tables.append(comparison_table(plotted, score=shown, model=other))
    overview = above_floors(plotted, name=f"{measure}_above_floors", title=f"{shown} above the highest floor")
    each = [
        lines(curve, name=f"{measure}_{group}", title=f"{shown} with {group} features", score=shown)
        for group, curve in plotted.items()
    ]
    return tables, [overview, *each]


def cells(of: Curve, layer: int) -> Row:
    """The values of one layer for the columns `CELLS`; None where a floor is missing."""
    own, above = of.mean(of.own[layer]), of.above(layer)
    floors: Row = [of.mean(of.floors[k][layer]).value if k in of.floors else None for k in FLOORS]
    in_sample: Row = [
        float(of.floors_in_sample[k][layer]) if k in of.floors_in_sample else None for k in FLOORS
    ]
    held_out: Row = [own.value, own.low, own.high, *floors, above.value, above.low, above.high]
    return [*held_out, float(of.in_sample[layer]), *in_sample]


def floors_table(
    curves: Mapping[str, Curve], *, name: str, title: str, heading: str = "features", note: str = HOW_TO_READ
) -> Table:
    """A table of every layer of every curve, with its floors.

    Args:
        curves: row name → curve
        name: name of the table
        title: title of the table
        heading: heading of the column of row names
        note: how to read the table
    """
    rows: list[Row] = [
        [row, layer, *cells(curve, layer)] for row, curve in curves.items() for layer in range(len(curve.own))
    ]
    return Table(name=name, title=title, columns=[heading, "layer", *CELLS], rows=rows, note=note)


def lines(of: Curve, *, name: str, title: str, score: str) -> Figure:
    """A figure of a curve with its interval, its floors, the in-sample values and the comparison model.

    Args:
        of: the curve
        name: name of the figure
        title: title of the figure
        score: name of the score, for the axis
    """
    series = [_banded("held-out", of, of.own)]
    series += [
        Series(name=floor, x=list(_layers(values)), y=[of.mean(v).value for v in values])
        for floor, values in of.floors.items()
    ]
    series.append(Series(name="in-sample", x=list(_layers(of.in_sample)), y=of.in_sample.tolist()))
    if of.against is not None:
        series.append(_banded(AGAINST, of, of.against))
    return Figure(
        name=name,
        kind="line",
        title=title,
        alt=f"{score} by layer: held-out with 95 % interval over groups of speakers, {', '.join(of.floors)} "
        "as floors, and the in-sample value. Interpret only scores above every floor.",
        x_label="layer",
        y_label=score,
        series=series,
    )


def _layers(values: NDArray[np.float64]) -> list[float]:
    return [float(i) for i in range(len(values))]


def _banded(name: str, of: Curve, values: NDArray[np.float64]) -> Series:
    return interval_series(_layers(values), [of.mean(v) for v in values], name)


def above_floors(curves: Mapping[str, Curve], *, name: str, title: str) -> Figure:
    """A heat map of how far each layer of each curve is above the highest of its floors."""
    rows = {
        row: [curve.above(layer).value for layer in range(len(curve.own))] for row, curve in curves.items()
    }
    alt = "Held-out score minus the highest floor, for each row and layer; 0 or less is no effect."
    return heat(rows, name=name, title=title, alt=alt)


def heat(rows: Mapping[str, Sequence[float]], *, name: str, title: str, alt: str) -> Figure:
    """A heat map with one row for each name and one column for each layer."""
    series = [
        Series(name=row, x=[str(i) for i in range(len(values))], y=list(values))
        for row, values in rows.items()
    ]
    return Figure(name=name, kind="heat", title=title, alt=alt, x_label="layer", series=series)


def comparison_table(curves: Mapping[str, Curve], *, score: str, model: str) -> Table:
    """How much higher does each layer score than the same layer of another model?"""
    rows: list[Row] = []
    for row, of in curves.items():
        for layer in of.shared():
            own, above, less = of.mean(of.own[layer]), of.above(layer), of.difference(layer)
            difference: Row = [less.value, less.low, less.high]
            rows.append([row, layer, own.value, above.value, own.value - less.value, *difference])
    return Table(
        name="against",
        title=f"{score} against {model}",
        columns=["features", "layer", "held-out", "above floors", AGAINST, "difference", "low", "high"],
        rows=rows,
        note="difference: held-out score minus that of the same layer of the other model, paired by group of "
        "speakers, 95 % interval",
    )


def between_layers(
    grids: Mapping[str, NDArray[np.float64]], *, role: str
) -> tuple[list[Table], list[Figure]]:
    """How similar are layers to each other, and the last two to the five before (Li et al. 2023, table 3)?

    Args:
        grids: measure → similarity of each pair of layers, shape (l, l)
        role: the role of the model that the layers belong to
    """
    whose = MODEL_NAMES[role]
    figures = [
        heat(
            {str(i): row for i, row in enumerate(grid.tolist())},
            name=f"layers_{measure.lower()}_{role.replace(' ', '_')}",
            title=f"{measure} between the layers of {whose}",
            alt=f"In-sample {measure} between each pair of layers of {whose}; the ridge slightly lowers "
            "CCA, even of a layer with itself.",
        )
        for measure, grid in grids.items()
    ]
    layers = len(next(iter(grids.values())))
    before = range(max(0, layers - 7), layers - 2)
    rows: list[Row] = [
        [measure, i, *(float(grid[i, j]) for j in before)]
        for measure, grid in grids.items()
        for i in range(layers - 2, layers)
        if before
    ]
    table = Table(
        name=f"last_layers_{role.replace(' ', '_')}",
        title=f"Similarity of the last two layers of {whose} to earlier layers",
        columns=["measure", "layer", *(f"layer {j}" for j in before)],
        rows=rows,
        note="over all frames, in-sample: high by chance with many dimensions and few frames",
    )
    return [table] if rows else [], figures
