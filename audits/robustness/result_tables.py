"""Tables of how perturbations change the predictions."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.phrases import counted
from sertools.auditing.tables import Row
from sertools.metrics.unchanged import draw_variance, mean_share
from sertools.results.published import ser_tests
from sertools.results.result import Table
from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables

from .predictions import PerturbedPredictions

MAX_CLIPS_SHOWN = 20
MAX_CLIPS_PER_PERTURBATION = 2
"""Most clips shown for each perturbation and target."""

MAX_SPEAKERS_SHOWN = 10


def result_tables(
    tables: Tables,
    perturbed: Sequence[PerturbedPredictions],
    tolerance: float,
    *,
    sexes: Table,
    doses: Table,
    worst: Table,
) -> list[Table]:
    """All tables of the result that have rows, in the order of the report."""
    labelled = [each for each in perturbed if each.clean.labelled]
    made = [
        ratios_table(tables, perturbed),
        spread_table(perturbed, tolerance),
        sexes,
        doses,
        speakers_table(tables, labelled),
        worst,
        draws_table(labelled, tolerance),
        absentees_table(tables, perturbed[0].conditions),
    ]
    return [table for table in made if table.rows]


def ratios_table(tables: Tables, perturbed: Sequence[PerturbedPredictions]) -> Table:
    """Unchanged ratios by perturbation and target, with the published range for this corpus."""
    names = [each.clean.target for each in perturbed]
    rows: list[Row] = []
    for k, perturbation in enumerate(perturbed[0].perturbations):
        found = [
            mean_share(each.unchanged[:, [k]], each.clean.unit, each.clean.units).value for each in perturbed
        ]
        ranges = [ser_tests.unchanged_ratio(tables.corpus, perturbation, name) for name in names]
        rows.append([perturbation, *found, *(str(each) if each else None for each in ranges)])
    published = any(cell is not None for row in rows for cell in row[1 + len(names) :])
    return Table(
        name="ratios",
        title="Unchanged ratio",
        columns=["change", *names, *(f"{name}, published" for name in names if published)],
        rows=rows if published else [row[: 1 + len(names)] for row in rows],
        note=f"published: range over the models in {ser_tests.SOURCE} on this corpus" if published else "",
    )


def spread_table(perturbed: Sequence[PerturbedPredictions], tolerance: float) -> Table:
    """Spread of the predictions on clean audio, needed to interpret the unchanged ratios."""
    rows: list[Row] = []
    for clean in (each.clean for each in perturbed):
        numbers = (clean.score, clean.spread, clean.spread * tolerance, clean.equal_pairs)
        rows.append([clean.target, *numbers, clean.reason or "none"])
    return Table(
        name="spread",
        title="Spread of the predictions on clean audio",
        columns=["target", "score", "sd(p) / sd(t)", "scale-free tolerance", "other clips alike", "doubt"],
        rows=rows,
        note="score: CCC, for emotion UAR; other clips alike: share of pairs of different clips whose "
        "predictions would count as unchanged",
    )


def speakers_table(tables: Tables, labelled: Sequence[PerturbedPredictions]) -> Table:
    """The speakers whose predictions change most, averaged over perturbations and targets."""
    rows: list[Row] = []
    if labelled and labelled[0].clean.by_speaker:
        unit = labelled[0].clean.unit
        names = tables.clips["speaker"].astype(object).to_numpy()
        for code in np.unique(unit):
            own = unit == code
            shares = [_mean_ratio(each.unchanged[own]) for each in labelled]
            if np.isfinite(shares).all() and not pd.isna(names[own][0]):
                rows.append([str(names[own][0]), int(own.sum()), *shares, float(np.mean(shares))])
    n = len(rows)
    rows = [row for row in rows if row[-1] != 1.0]
    rows.sort(key=lambda row: (float(row[-1] or 0.0), str(row[0])))
    return Table(
        name="speakers",
        title="Speakers whose predictions change most",
        columns=["speaker", "clips", *(each.clean.target for each in labelled), "mean"],
        rows=rows[:MAX_SPEAKERS_SHOWN],
        note=f"mean unchanged ratio; of {counted(n, 'speaker')}, the lowest {MAX_SPEAKERS_SHOWN} below 1 are "
        "shown",
    )


def _mean_ratio(unchanged: NDArray[np.float64]) -> float:
    """Unchanged ratio averaged over the perturbations applicable to these clips; nan if there are none."""
    known = np.isfinite(unchanged)
    n = known.sum(axis=0)
    shares = np.where(known, unchanged, 0.0).sum(axis=0)[n > 0] / n[n > 0]
    return float(shares.mean()) if len(shares) else float("nan")


def worst_table(tables: Tables, perturbed: Sequence[PerturbedPredictions]) -> Table:
    """The clips whose predictions change most, to listen to.

    For emotion, the clips whose class on clean audio loses most of its score.
    """
    found: list[tuple[float, str, str, int, Row]] = []
    for each in perturbed:
        for perturbation in each.perturbations:
            found += _worst_clips(tables, each, perturbation)
    found.sort(key=lambda entry: (*entry[:3], str(entry[4][0])))
    rows = [row for *_, row in found[:MAX_CLIPS_SHOWN]]
    columns = ["clip", "change", "target", "clean", "changed", "by", "file"]
    if all(row[0] == row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(
        name="worst",
        title="Clips whose predictions change most",
        columns=columns,
        rows=rows,
        note=f"at most {MAX_CLIPS_PER_PERTURBATION} per perturbation and target; by: |difference|, for "
        "emotion the drop in score of the class predicted on clean audio",
    )


def _worst_clips(
    tables: Tables, perturbed: PerturbedPredictions, perturbation: str
) -> list[tuple[float, str, str, int, Row]]:
    """Sort keys and table rows of the clips that change most under one perturbation."""
    target = perturbed.clean.target
    change, shown = _changes(tables, perturbed, perturbation)
    candidates = np.flatnonzero(change > 0)
    order = candidates[np.lexsort((tables.clips.index[candidates], -change[candidates]))]
    found = []
    for i in order[:MAX_CLIPS_PER_PERTURBATION]:
        clip, file = str(tables.clips.index[i]), str(tables.clips["file"].iloc[i])
        row: Row = [clip, perturbation, target, *shown(int(i)), float(change[i]), file]
        found.append((-float(change[i]), target, perturbation, int(i), row))
    return found


def _changes(
    tables: Tables, perturbed: PerturbedPredictions, perturbation: str
) -> tuple[NDArray[np.float64], Callable[[int], list[str | float]]]:
    """How much each clip's prediction changes in its first draw (0 if unchanged), and how to show it."""
    before, after = perturbed.clean.prediction, perturbed.draws[perturbation][:, 0]
    both = np.isfinite(before) & np.isfinite(after)
    if not perturbed.clean.classes:
        change = np.where(both, np.abs(np.where(both, after - before, 0.0)), 0.0)
        return change, lambda i: [float(before[i]), float(after[i])]
    names = tables.model_classes
    clean_scores, perturbed_scores = (
        tables.predictions[condition][list(names)].to_numpy()
        for condition in (CLEAN, perturbed.conditions[perturbation][0])
    )
    row = np.flatnonzero(both & (before != after))
    change = np.zeros(len(before))
    code = before[row].astype(np.int64)
    change[row] = clean_scores[row, code] - perturbed_scores[row, code]
    return change, lambda i: [names[int(before[i])], names[int(after[i])]]


def draws_table(labelled: Sequence[PerturbedPredictions], tolerance: float) -> Table:
    """How much of the variance is due to the random draw, and how much to the clip."""
    rows: list[Row] = []
    for each in labelled:
        for perturbation in each.perturbations:
            outcomes = each.outcomes(perturbation, tolerance)
            between, within = draw_variance(outcomes)
            if np.isnan(within):
                continue
            ratios = outcomes[np.isfinite(outcomes).all(axis=1)].mean(axis=0)
            share = within / (between + within) if between + within > 0 else 0.0
            extremes = (float(ratios.min()), float(ratios.max()))
            rows.append([each.clean.target, perturbation, len(ratios), *extremes, share])
    columns = ["target", "change", "draws", "lowest ratio", "highest ratio"]
    return Table(
        name="draws",
        title="Is it the clip or the draw?",
        columns=[*columns, "share of variance due to draws"],
        rows=rows,
        note="variance of unchanged (1) or not (0): over the draws of a clip versus between clips",
    )


def absentees_table(tables: Tables, conditions: Mapping[str, Sequence[str]]) -> Table:
    """How many clips each perturbation could not be applied to, and why."""
    rows: list[Row] = []
    missing = tables.missing
    if "asked" in missing:  # what the model did not answer is not the perturbation's fault
        missing = missing[~missing["asked"].astype(bool)]
    missing_when_clean = set(missing.loc[missing["condition"] == CLEAN, "clip"])
    for perturbation, names in conditions.items():
        absent = missing[missing["condition"].isin(names) & ~missing["clip"].isin(missing_when_clean)]
        if len(absent):
            reason = str(absent["reason"].value_counts().index[0])
            rows.append([perturbation, int(absent["clip"].nunique()), reason])
    return Table(
        name="absentees",
        title="Clips that a perturbation could not be applied to",
        columns=["change", "clips", "most often because"],
        rows=rows,
        note="these clips are excluded for this perturbation; they count neither as changed nor as unchanged",
    )
