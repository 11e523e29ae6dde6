"""The answer, tables and figures."""

from collections.abc import Sequence

import numpy as np

from sertools.auditing.figures import interval_series, quality_figure
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Finding, Series, Table
from sertools.results.terms.names import slice_words
from sertools.tables.changed.quality import LEVEL_CHANGE, PESQ, SEGMENTAL_SNR, STOI, VISQOL
from sertools.tables.tables import Tables

from .noticed import Noticed

MAX_SHOWN = 20
"""Most clips in the table of what only the model notices."""

SOUND = {
    "unheard": "not heard",
    PESQ: "PESQ",
    LEVEL_CHANGE: "level change in dB",
    STOI: "STOI",
    SEGMENTAL_SNR: "segmental SNR in dB",
    VISQOL: "ViSQOL",
}
"""Finding → the head of its column in the table of changes."""


def changes_table(findings: Sequence[Finding], of_sound: Sequence[Finding]) -> Table:
    """One row for each change and target: whether it is audible, and how the model reacts."""
    sound = {(f.name, f.slice): f.value for f in of_sound}
    shown = [name for name in SOUND if name != VISQOL or any(f.name == VISQOL for f in of_sound)]
    rows: list[Row] = []
    for each in findings:
        if each.name != "unchanged_ratio":
            continue
        (unheard,) = [
            f
            for f in findings
            if (f.name, f.target, f.slice) == ("unchanged_if_unheard", each.target, each.slice)
        ]
        measures = [sound.get((name, each.slice)) for name in shown]
        rows.append([each.slice, each.target, *measures, each.value, unheard.value, unheard.n, each.n])
    return Table(
        name="changes",
        title="Sound quality and unchanged predictions by change",
        columns=[
            *("change", "target", *(SOUND[name] for name in shown)),
            *("unchanged", "unchanged if not heard", "clips not heard", "clips"),
        ],
        rows=rows,
        note="means over clips; not heard: PESQ of at least 4.5 and a level that changes by less than 1 dB",
    )


def four_table(found: Sequence[Noticed]) -> Table:
    """Numbers of changed clips noticed by people, the model, both or neither, by target and change."""
    rows: list[Row] = []
    for each in found:
        for k, name in enumerate(each.names):
            heard, same = each.unheard[:, k] == 0, each.unchanged[:, k] == 1
            known = np.isfinite(each.unheard[:, k]) & np.isfinite(each.unchanged[:, k])
            counts = [heard & ~same, heard & same, ~heard & ~same, ~heard & same]
            rows.append([each.target, name, *(int((known & c).sum()) for c in counts)])
    return Table(
        name="noticed",
        title="Who notices the change",
        columns=["target", "change", "people and model", "only people", "only the model", "neither"],
        rows=[row for row in rows if any(row[2:])],
        note="numbers of clips",
    )


def only_the_model(tables: Tables, found: Sequence[Noticed]) -> Table:
    """The clips whose inaudible change alters the prediction most, the largest first."""
    rows: list[Row] = []
    for each in found:
        where = (each.unheard == 1) & (each.unchanged == 0) & np.isfinite(each.changed)
        names = tables.model_classes if each.target == "emotion" else ()
        size = np.where(where, np.abs(each.changed - each.clean[:, None]) if not names else 1.0, -1.0)
        clips = tables.clips.index.astype(str).to_numpy()
        i, k = np.nonzero(where)
        for j in np.lexsort((clips[i], k, -size[i, k]))[:MAX_SHOWN]:
            pair = each.clean[i[j]], each.changed[i[j], k[j]]
            shown: list[str | float] = [names[int(v)] if names else float(v) for v in pair]
            rows.append([str(clips[i[j]]), each.names[k[j]], each.target, *shown])
    return Table(
        name="only_the_model",
        title="Changes that only the model notices",
        columns=["clip", "change", "target", "clean", "changed"],
        rows=rows,
        note=f"at most {MAX_SHOWN} for each target",
    )


def figures(findings: Sequence[Finding], of_sound: Sequence[Finding], names: Sequence[str]) -> list[Figure]:
    """Unchanged predictions against PESQ, and PESQ of each change."""
    pesq = {f.slice: f.value for f in of_sound if f.name == PESQ and f.value is not None}
    drawn = []
    for target in dict.fromkeys(f.target for f in findings):
        ratios = {f.slice: f for f in findings if (f.name, f.target) == ("unchanged_ratio", target)}
        drawn += quality_figure(pesq, ratios, target, "unchanged predictions")
    measured = [f for f in of_sound if f.name == PESQ]
    if measured:
        changes = [slice_words(f.slice) for f in measured]
        values = [
            f"{name}: {f.value:.2f}" for name, f in zip(changes, measured, strict=True) if f.value is not None
        ]
        drawn.append(
            Figure(
                name="pesq",
                kind="interval",
                title="Sound quality of each change",
                alt="; ".join(values),
                x_label="PESQ (4.64: equal to the clean clip)",
                series=[interval_series(changes, measured)],
                band=(4.5, None),
            )
        )
    return [each for each in drawn if _has_values(each.series)]


def _has_values(series: Sequence[Series]) -> bool:
    return any(value is not None for each in series for value in each.y)


def answer(findings: Sequence[Finding], found: Sequence[Noticed]) -> str:
    """The share of inaudible changes, and of the predictions that they leave unchanged."""
    judged = [f for f in findings if f.name == "unchanged_if_unheard" and f.slice == "all"]
    known = [f for f in judged if f.value is not None]
    if not known:
        reason = judged[0].reason if judged else "corpus and model share no target"
        return f"Not judged: {reason}."
    parts = [f"{f.value:.1%}{interval_text(f, '.1%')} of {f.target}" for f in known]
    unheard = np.nanmean(found[0].unheard)
    return (
        f"{unheard:.0%} of the changes are inaudible. They leave these shares of the predictions unchanged: "
        f"{', '.join(parts)}."
    )
