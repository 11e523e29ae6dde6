"""Tables and figures of how perturbations change the predictions."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sertools.metrics.unchanged import draw_variance, mean_share
from sertools.results.published import ser_tests
from sertools.results.result import Figure, Finding, Series, Table
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables

from .answers import Changed

WORST, WORST_OF_ONE, SPEAKERS = 20, 2, 10
"""Most rows shown: clips, clips per perturbation and target, speakers."""

Row = list[str | int | float | bool | None]


def ratios(tables: Tables, heard: Sequence[Changed]) -> Table:
    """Unchanged ratios by perturbation and target, with the published range for this corpus."""
    names = [each.of.target for each in heard]
    rows: list[Row] = []
    for k, change in enumerate(heard[0].changes):
        found = [mean_share(h.unchanged[:, [k]], h.of.unit, h.of.units).value for h in heard]
        ranges = [ser_tests.unchanged_ratio(tables.corpus, change, name) for name in names]
        rows.append([change, *found, *(str(each) if each else None for each in ranges)])
    published = any(cell is not None for row in rows for cell in row[1 + len(names) :])
    return Table(
        name="ratios",
        title="Unchanged ratio",
        columns=["change", *names, *(f"{name}, published" for name in names if published)],
        rows=rows if published else [row[: 1 + len(names)] for row in rows],
        note=f"published: range over the models in {ser_tests.SOURCE} on this corpus" if published else "",
    )


def spreads(heard: Sequence[Changed], tolerance: float) -> Table:
    """Spread of the predictions on clean audio, needed to interpret the unchanged ratios."""
    return Table(
        name="spread",
        title="Spread of the predictions on clean audio",
        columns=["target", "score", "sd(p) / sd(t)", "scale-free tolerance", "other clips alike", "doubt"],
        rows=[
            [h.of.target, h.of.score, h.of.spread, h.of.spread * tolerance, h.of.alike, h.of.reason or "none"]
            for h in heard
        ],
        note="score: CCC, for emotion UAR; other clips alike: share of pairs of different clips whose "
        "predictions would count as unchanged",
    )


def speakers(tables: Tables, known: Sequence[Changed]) -> Table:
    """The speakers whose predictions change most, averaged over perturbations and targets."""
    rows: list[Row] = []
    if known and known[0].of.by_speaker:
        of = known[0].of
        names = tables.clips["speaker"].astype(object).to_numpy()
        for code in np.unique(of.unit):
            mine = of.unit == code
            shares = [_mean(h.unchanged[mine]) for h in known]
            if np.isfinite(shares).all():
                rows.append([str(names[mine][0]), int(mine.sum()), *shares, float(np.mean(shares))])
    n = len(rows)
    rows = [row for row in rows if row[-1] != 1.0]
    rows.sort(key=lambda row: (float(row[-1] or 0.0), str(row[0])))
    return Table(
        name="speakers",
        title="Speakers whose predictions change most",
        columns=["speaker", "clips", *(h.of.target for h in known), "mean"],
        rows=rows[:SPEAKERS],
        note=f"mean unchanged ratio; of {counted(n, 'speaker')}, the lowest {SPEAKERS} below 1 are shown",
    )


def _mean(success: np.ndarray) -> float:
    """Unchanged ratio averaged over the perturbations applicable to these clips; nan if there are none."""
    there = np.isfinite(success)
    n = there.sum(axis=0)
    shares = np.where(there, success, 0.0).sum(axis=0)[n > 0] / n[n > 0]
    return float(shares.mean()) if len(shares) else float("nan")


def worst(tables: Tables, heard: Sequence[Changed]) -> Table:
    """The clips whose predictions change most, to listen to.

    For emotion, the clips whose class on clean audio loses most of its score.
    """
    found: list[tuple[float, str, str, int, Row]] = []
    for each in heard:
        for change in each.changes:
            lost, shown = _moves(tables, each, change)
            candidates = np.flatnonzero(lost > 0)
            order = candidates[np.lexsort((tables.clips.index[candidates], -lost[candidates]))]
            for i in order[:WORST_OF_ONE]:
                clip, file = str(tables.clips.index[i]), str(tables.clips["file"].iloc[i])
                row: Row = [clip, change, each.of.target, *shown(int(i)), float(lost[i]), file]
                found.append((-float(lost[i]), each.of.target, change, int(i), row))
    found.sort(key=lambda entry: (*entry[:3], str(entry[4][0])))
    rows = [row for *_, row in found[:WORST]]
    columns = ["clip", "change", "target", "clean", "changed", "by", "file"]
    if all(row[0] == row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(
        name="worst",
        title="Clips whose predictions change most",
        columns=columns,
        rows=rows,
        note=f"at most {WORST_OF_ONE} per perturbation and target; by: |difference|, for emotion the drop in "
        "score of the class predicted on clean audio",
    )


def _moves(
    tables: Tables, each: Changed, change: str
) -> tuple[np.ndarray, Callable[[int], list[str | float]]]:
    """How much each clip's prediction changes in its first draw (0 if unchanged), and how to show it."""
    before, after = each.of.clean, each.draws[change][:, 0]
    both = np.isfinite(before) & np.isfinite(after)
    if not each.of.classes:
        moved = np.where(both, np.abs(np.where(both, after - before, 0.0)), 0.0)
        return moved, lambda i: [float(before[i]), float(after[i])]
    names = tables.model_classes
    clean, changed = (
        tables.predictions[c][list(names)].to_numpy() for c in (CLEAN, each.conditions[change][0])
    )
    row = np.flatnonzero(both & (before != after))
    moved = np.zeros(len(before))
    code = before[row].astype(np.int64)
    moved[row] = clean[row, code] - changed[row, code]
    return moved, lambda i: [names[int(before[i])], names[int(after[i])]]


def luck(known: Sequence[Changed], tolerance: float) -> Table:
    """How much of the variance is due to the random draw, and how much to the clip."""
    rows: list[Row] = []
    for each in known:
        for change in each.changes:
            outcomes = each.outcomes(change, tolerance)
            between, within = draw_variance(outcomes)
            if np.isnan(within):
                continue
            whole = outcomes[np.isfinite(outcomes).all(axis=1)].mean(axis=0)
            share = within / (between + within) if between + within > 0 else 0.0
            rows.append([each.of.target, change, len(whole), float(whole.min()), float(whole.max()), share])
    return Table(
        name="draws",
        title="Is it the clip or the draw?",
        columns=[
            "target",
            "change",
            "draws",
            "lowest ratio",
            "highest ratio",
            "share of variance due to draws",
        ],
        rows=rows,
        note="variance of unchanged (1) or not (0): over the draws of a clip versus between clips",
    )


def absentees(tables: Tables, groups: Mapping[str, Sequence[str]]) -> Table:
    """How many clips each perturbation could not be applied to, and why."""
    rows: list[Row] = []
    missing = tables.missing
    silent = set(missing.loc[missing["condition"] == CLEAN, "clip"])
    for change, conditions in groups.items():
        gone = missing[missing["condition"].isin(conditions) & ~missing["clip"].isin(silent)]
        if len(gone):
            reason = str(gone["reason"].value_counts().index[0])
            rows.append([change, int(gone["clip"].nunique()), reason])
    return Table(
        name="absentees",
        title="Clips that a perturbation could not be applied to",
        columns=["change", "clips", "most often because"],
        rows=rows,
        note="these clips are excluded for this perturbation; they count neither as changed nor as unchanged",
    )


def figures(findings: Sequence[Finding], heard: Sequence[Changed], wanted: float | None) -> list[Figure]:
    """Figures of unchanged ratios and mean shifts of all perturbations.

    Args:
        findings: findings of the audit
        heard: the predictions for each target
        wanted: limit of the unchanged ratio shared by all perturbations, drawn as a band; None if they differ
    """
    drawn = []
    band = None if wanted is None else (wanted, None)
    for name, title, label, tolerated, line in (
        ("unchanged_ratio", "Unchanged predictions by perturbation", "unchanged ratio", band, None),
        ("mean_shift", "Mean shift of the predictions by perturbation", "mean shift", None, 0.0),
    ):
        shown = [f for f in findings if f.name == name and f.value is not None]
        series = [
            Series(
                name=target,
                x=[f.slice for f in mine],
                y=[f.value for f in mine],
                low=[f.low for f in mine],
                high=[f.high for f in mine],
            )
            for target in (each.of.target for each in heard)
            if (mine := [f for f in shown if f.target == target])
        ]
        if series:
            drawn.append(
                Figure(
                    name=name,
                    kind="interval",
                    title=title,
                    alt=f"{label} with 95 % interval for each perturbation and target.",
                    x_label=label,
                    series=series,
                    band=tolerated,
                    reference=line,
                )
            )
    return drawn


def counted(n: int, noun: str) -> str:
    """A number with its noun, in the plural unless the number is 1.

    >>> counted(1, "change"), counted(8, "change")
    ('1 change', '8 changes')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
