"""The table, the figure, notes and the answer."""

import numpy as np

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.metrics.regression import ccc
from sertools.results.result import Figure, Finding, Table
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables

from .heads import INPUTS
from .material import COMPONENTS, FusionMaterial


def head_row(found: list[Finding], tables: Tables, material: FusionMaterial, i: int) -> Row:
    """Table row of the i-th dimension."""
    dimension = tables.dimensions[i]
    own = tables.predictions[CLEAN][dimension].loc[material.clips].to_numpy(dtype=float)
    truth = material.truth[:, i]
    both = np.isfinite(own) & np.isfinite(truth)
    by_name = {f.name: f for f in found}
    gain = by_name["fusion_gain"]
    scores = [by_name[f"{name}_ccc"].value for name in INPUTS]
    return [dimension, gain.n, *scores, gain.value, gain.low, gain.high, ccc(truth[both], own[both])]


def heads_table(rows: list[Row]) -> Table:
    """Scores of the heads for each dimension."""
    return Table(
        name="heads",
        title="CCC of heads on states, on text, and on both",
        columns=["dimension", "clips", *INPUTS, "fused − acoustic", "low", "high", "the model's own head"],
        rows=rows,
        note="interval of the difference over speakers; the model's own head was trained on other data",
    )


def heads_figure(findings: list[Finding]) -> Figure:
    """Scores of the heads for each dimension, with intervals."""
    scores = [f for f in findings if f.name.endswith("_ccc")]
    targets = list(dict.fromkeys(f.target for f in scores))
    by_name = {(f.name, f.target): f for f in scores}
    return Figure(
        name="heads",
        kind="interval",
        title="CCC of heads on states, on text, and on both",
        alt="; ".join(
            f"{f.target}, {f.name.partition('_')[0]}: {f.value:.3f}" for f in scores if f.value is not None
        ),
        x_label="CCC on held-out speakers",
        series=[
            interval_series(targets, [by_name[f"{name}_ccc", target] for target in targets], name)
            for name in INPUTS
        ],
        reference=0.0,
    )


def note_on_text(text_model: str, asr: str) -> str:
    """Note on the source and the encoding of the text."""
    words = "words recognised by the speech recogniser" if asr else "transcripts of the corpus"
    if text_model:
        return f"Text: {words}, encoded by the given text encoder."
    return (
        f"Text: {words}, encoded by TF-IDF with at most {COMPONENTS} components because no text encoder was "
        "given (--text-model). TF-IDF represents which words occur, not their meaning."
    )


def answer(findings: list[Finding], dimensions: tuple[str, ...]) -> str:
    """The change of CCC by adding text, for each dimension."""
    by_name = {(f.name, f.target): f for f in findings}
    changes = []
    for dimension in dimensions:
        gain = by_name["fusion_gain", dimension]
        if gain.value is not None:
            changes.append(f"{dimension} {gain.value:+.3f}{interval_text(gain, '+.3f')}")
    if not changes:
        return "Not measured: no head reached a defined CCC."
    return f"Adding text to the states changes CCC by: {'; '.join(changes)}."
