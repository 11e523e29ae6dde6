"""The table of numbers, the figure of purity, the answer and notes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.tables import Row
from sertools.probing.targets import MAX_CLIPS, Target
from sertools.results.result import Figure, Finding, Series, Table
from sertools.tables.tables import Tables
from sertools.wording import are, plural

from . import projections
from .neighbours import MAX_NEIGHBOUR_CLIPS

HOW_TO_READ = (
    "A map shows which clips are near each other. It does not show how far apart groups are, how large or "
    "dense they are, or which classes are not separable: for that, read the numbers, which are computed from "
    "the layer itself."
)


def number_rows(model: str, found: Sequence[Finding]) -> list[Row]:
    """Table rows of one model."""
    return [[model, f.target, f.name, f.value, f.low, f.high, f.n] for f in found]


def numbers_table(rows: list[Row]) -> Table:
    """All numbers of all models."""
    return Table(
        name="numbers",
        title="What the embeddings separate",
        columns=["model", "target", "measure", "value", "low", "high", "clips"],
        rows=rows,
        note="computed from the embeddings; trustworthiness is computed from the maps",
    )


def purity_figure(findings: Sequence[Finding]) -> list[Figure]:
    """Purity, naive purity and chance, for this model; empty if no purity was measured."""
    own = {(f.name, f.target): f for f in findings if f.slice == "all" and f.value is not None}
    names = [t for n, t in own if n == "purity" and ("purity_above_chance", t) in own]
    if not names:
        return []
    series = [
        interval_series(names, [own[measure, name] for name in names], legend)
        for measure, legend in (("purity", "among other speakers"), ("purity_naive", "among all clips"))
    ]
    chance = [(own["purity", t].value or 0) - (own["purity_above_chance", t].value or 0) for t in names]
    series.append(Series(name="random neighbours", x=list(names), y=list(chance)))
    return [
        Figure(
            name="purity",
            kind="interval",
            title="Nearest neighbours with the same label",
            alt="Share of a clip's 10 nearest neighbours that have its label, among clips of other speakers "
            "and among all clips, with 95 % intervals, and the share for random neighbours.",
            x_label="share of neighbours",
            series=series,
        )
    ]


def answer(findings: Sequence[Finding]) -> str:
    """The scores of the probes on unseen speakers."""
    own = [f for f in findings if f.slice == "all" and f.value is not None]
    purity = {f.target: f for f in own if f.name == "purity"}
    above = {f.target: f.value or 0 for f in own if f.name == "above_chance"}
    scores = []
    for f in own:
        if not f.name.startswith("probe_"):
            continue
        chance = (f.value or 0) - above[f.target]
        also = f", purity {purity[f.target].value:.2f}" if f.target in purity else ""
        scores.append(f"{f.target} {f.name[6:].upper()} {f.value:.2f} (chance {chance:.2f}){also}")
    if not scores:
        reasons = dict.fromkeys(f.reason for f in findings if f.name == "above_chance")
        return f"No probe could be trained: {'; '.join(reasons)}."
    return f"Scores of linear probes on unseen speakers: {'; '.join(scores)}."


def notes(
    tables: Tables, rows: NDArray[np.integer], targets: Sequence[Target], maps: Sequence[str]
) -> list[str]:
    """How to read the maps, and which clips are left out."""
    found = [HOW_TO_READ] if maps else []
    found += [note for target in targets for note in target.notes]
    without = len(tables.clips) - len(rows)
    if len(rows) == MAX_CLIPS and without:
        found.append(f"{MAX_CLIPS} of {len(tables.clips)} clips were drawn at random.")
    elif without:
        found.append(f"{plural(without, 'clip has', 'clips have')} no layers and {are(without)} left out.")
    if len(rows) > MAX_NEIGHBOUR_CLIPS:
        found.append(
            f"Neighbours and trustworthiness are those of a random sample of {MAX_NEIGHBOUR_CLIPS} clips."
        )
    if len(rows) < projections.MIN_CLIPS and maps:
        found.append(f"{plural(len(rows), 'clip is', 'clips are')} too few for a map.")
    elif maps and tables.layers is not None and tables.layers.layer(0).shape[1] < 2:
        found.append("Each embedding is a single number, which needs no map.")
    absent = {name: projections.missing_package(name) for name in maps if projections.missing_package(name)}
    found += [f"There is no {name} map: {package} is not installed." for name, package in absent.items()]
    return found
