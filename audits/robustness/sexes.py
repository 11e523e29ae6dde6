"""Whether a perturbation changes the predictions for one sex more often than for the other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.tables import Row
from sertools.metrics.unchanged import mean_share_statistic
from sertools.results.result import Finding, Table
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.jackknife import Estimate, gap
from sertools.statistics.permutation import NullGap, holm, permutation
from sertools.tables.tables import Tables

from .predictions import PerturbedPredictions
from .unchanged import finding_without_limit


def sex_gaps(
    tables: Tables, perturbed: Sequence[PerturbedPredictions], resamples: int, rng: np.random.Generator
) -> tuple[Table, list[Finding]]:
    """The gap of unchanged ratios between women and men, for each perturbation and on average.

    Args:
        tables: clips, with a column `sex`; without it the table has no rows
        perturbed: predictions for each target
        resamples: number of permutations
        rng: for the permutations
    """
    rows: list[Row] = []
    findings: list[Finding] = []
    p_values: list[float] = []
    sex = tables.clips.get("sex", pd.Series(pd.NA, index=tables.clips.index))
    group = sex.map({"female": 0, "male": 1}).fillna(-1).to_numpy(dtype=np.int64)
    for each in perturbed if {0, 1} <= set(group.tolist()) else []:
        applicable = np.flatnonzero(np.isfinite(each.unchanged).any(axis=0))
        single = [(each.perturbations[k], np.array([k])) for k in applicable]
        for name, columns in [("all", applicable), *single]:
            difference, test = _gap(each, columns, group, resamples, rng)
            if name == "all":
                findings.append(finding_without_limit("unchanged_gap", difference, each.clean, "female-male"))
            if not np.nanmin(each.unchanged[:, columns]) < 1:
                continue
            p_values.append(test.p_value)
            interval = (difference.value, difference.low, difference.high)
            numbers = (*interval, test.p_value, test.smallest_detectable, difference.n)
            rows.append([each.clean.target, name, *numbers])
    adjusted = [float(p) for p in holm(p_values)]
    return _table([[*row, p] for row, p in zip(rows, adjusted, strict=True)]), findings


def _gap(
    perturbed: PerturbedPredictions,
    columns: NDArray[np.integer],
    group: NDArray[np.integer],
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Estimate, NullGap]:
    """The gap women minus men, averaged over some perturbations, and its permutation test."""
    success, unit = perturbed.unchanged[:, columns], perturbed.clean.unit
    statistic = mean_share_statistic(success)
    rows = np.flatnonzero(np.isfinite(success).any(axis=1) & (group >= 0))
    women, men = rows[group[rows] == 0], rows[group[rows] == 1]
    difference = gap(statistic, (women, women, unit[women]), (men, men, unit[men]))
    test = permutation(
        statistic,
        GroupedClips(rows, rows, unit[rows], perturbed.clean.units, group[rows], 2),
        draws=resamples,
        rng=rng,
    )
    return difference, test


def _table(rows: list[Row]) -> Table:
    columns = ["target", "change", "female − male", "low", "high", "p-value", "smallest detectable", "clips"]
    return Table(
        name="sexes",
        title="Does a perturbation affect one sex more?",
        columns=[*columns, "p (Holm)"],
        rows=rows,
        note="gap of unchanged ratios, only where any prediction changes; p-values from permuting the sexes "
        "over speakers; Holm: adjusted for all rows together",
    )
