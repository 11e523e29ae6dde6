"""The results of a sweep: each measure as a matrix of models and corpora."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sertools.files import write_text
from sertools.results.read import results_in
from sertools.sweep.cells import Cell

MEAN = "mean over corpora"
MEAN_OF_DIMENSIONS = "mean of dimensions"


def scores(cells: Sequence[Cell]) -> pd.DataFrame:
    """Findings on whole corpora of all finished cells, one row each, with value, interval, n and verdict."""
    rows = []
    for cell in cells:
        if cell.read().get("state") != "done":
            continue
        for result in results_in(cell.folder):
            for finding in result.findings:
                if finding.slice != "all" or finding.value is None:
                    continue
                rows.append(
                    {
                        "audit": result.audit,
                        "measure": finding.name,
                        "target": finding.target,
                        "model": cell.model.label,
                        "corpus": cell.corpus.label,
                        "value": finding.value,
                        "low": finding.low,
                        "high": finding.high,
                        "n": finding.n,
                        "verdict": finding.verdict.value,
                    }
                )
    return pd.DataFrame(rows)


def matrices(found: pd.DataFrame) -> pd.DataFrame:
    """Measure × target × model as rows, corpora as columns, and their mean as the last one.

    The mean is that of the corpora on which the model has a value, and is left out where some are missing, so
    that models are only compared on the same corpora. Dimensions have a row `mean of dimensions` as well.
    """
    if found.empty:
        return pd.DataFrame()
    keys = ["audit", "measure", "target", "model"]
    wide = found.pivot_table(index=keys, columns="corpus", values="value", aggfunc="first", sort=False)
    dimensions = wide[wide.index.get_level_values("target").isin(["arousal", "dominance", "valence"])]
    if len(dimensions):
        counts = dimensions.groupby(level=["audit", "measure", "model"], sort=False).size()
        means = dimensions.groupby(level=["audit", "measure", "model"], sort=False).mean()[counts > 1]
        means["target"] = MEAN_OF_DIMENSIONS
        means = means.set_index("target", append=True).reorder_levels(keys)
        wide = pd.concat([wide, means])
    wide[MEAN] = wide.mean(axis="columns", skipna=False)
    return wide.reset_index()


def write_matrices(cells: Sequence[Cell], out: Path) -> pd.DataFrame:
    """Writes `scores.csv`, one row per headline finding, and `matrices.csv`, one row per measure and model.

    Returns:
        the matrices

    Raises:
        StoreError: the folder cannot be written
    """
    found = scores(cells)
    write_text(out / "scores.csv", found.to_csv(index=False))
    table = matrices(found)
    write_text(out / "matrices.csv", table.to_csv(index=False))
    return table
