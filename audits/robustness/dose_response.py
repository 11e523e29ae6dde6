"""Dose–response: how many predictions stay unchanged at each level of a perturbation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sertools.auditing.figures import interval_series
from sertools.auditing.tables import Row
from sertools.metrics.unchanged import mean_share, tolerated_level
from sertools.perturbations.selection import Selection, get
from sertools.results.result import Figure, Finding, Series, Table
from sertools.tables.tables import Tables

from .predictions import PerturbedPredictions, perturbed_predictions
from .unchanged import finding_without_limit

UNCHANGED_SHARES = (0.95, 0.9)
"""Shares of unchanged predictions up to which the level is reported."""


@dataclass(frozen=True, kw_only=True)
class DoseResponses:
    """Findings, table and figures of all perturbations with several levels."""

    findings: list[Finding]
    table: Table
    figures: list[Figure]


def dose_responses(
    tables: Tables,
    perturbed: Sequence[PerturbedPredictions],
    chosen: Selection,
    tolerance: float,
    resamples: int,
    rng: np.random.Generator,
) -> DoseResponses:
    """Ratios at each level, and the levels up to which enough predictions stay unchanged.

    Args:
        tables: clips, and predictions for clean and perturbed audio
        perturbed: predictions for each target
        chosen: the perturbations, with their levels
        tolerance: ratings that differ by less than this count as unchanged
        resamples: number of bootstrap draws
        rng: for the bootstrap
    """
    rows: list[Row] = []
    findings: list[Finding] = []
    figures: list[Figure] = []
    for name, ladder in chosen.ladders.items():
        identity, lines = get(name).identity, []
        for each in perturbed:
            clean = each.clean
            steps = perturbed_predictions(tables, clean, {str(c): (str(c),) for c in ladder}, tolerance)
            applicable = np.isfinite(steps.unchanged).any(axis=0)
            levels = np.array([c.level for c in ladder], dtype=np.float64)[applicable]
            unchanged = steps.unchanged[:, applicable]
            ratios = [mean_share(unchanged[:, [k]], clean.unit, clean.units) for k in range(len(levels))]
            rows += [
                [name, clean.target, float(level), r.value, r.low, r.high, r.n]
                for level, r in zip(levels, ratios, strict=True)
            ]
            lines.append(interval_series(levels.tolist(), ratios, clean.target))
            for share in UNCHANGED_SHARES:
                level = tolerated_level(
                    unchanged, levels, share, clean.unit,
                    identity=identity, draws=resamples, rng=rng,
                )  # fmt: skip
                findings.append(finding_without_limit(f"level_{100 * share:.0f}", level, clean, name))
        figures.append(_figure(name, lines))
    return DoseResponses(findings=findings, table=_table(rows), figures=figures)


def _figure(name: str, lines: list[Series]) -> Figure:
    perturbation = get(name)
    return Figure(
        name=f"dose_{name}",
        kind="line",
        title=f"Dose–response: {name.replace('_', ' ')}",
        alt=f"Unchanged ratio by level of {name} in {perturbation.unit}, from "
        f"{perturbation.ladder[0]:g} (mild) to {perturbation.ladder[-1]:g} (severe).",
        x_label=f"{perturbation.meaning} ({perturbation.unit})",
        y_label="unchanged ratio",
        series=lines,
        reference=0.95,
    )


def _table(rows: list[Row]) -> Table:
    return Table(
        name="doses",
        title="Dose–response: unchanged ratio by level",
        columns=["perturbation", "target", "level", "unchanged", "low", "high", "clips"],
        rows=rows,
    )
