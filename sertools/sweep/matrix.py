"""The results of a sweep: the states of its cells, and each measure as a matrix of models and corpora."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sertools.errors import StoreError
from sertools.files import read_json, write_text
from sertools.results.read import read_results
from sertools.sweep.cells import Cell
from sertools.wording import plural

MEAN = "mean over corpora"
MEAN_OF_DIMENSIONS = "mean of dimensions"


def states(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per cell: `model`, `corpus`, `suite`, `state`, `seconds`, `clips`, `reason`, `folder`."""
    rows = []
    for cell in cells:
        stored = cell.read()
        rows.append(
            {
                "model": cell.model.label,
                "corpus": cell.corpus.label,
                "suite": cell.suite,
                "state": cell.state(),
                "seconds": stored.get("seconds"),
                "clips": stored.get("clips"),
                "reason": stored.get("reason", ""),
                "folder": cell.folder.name,
            }
        )
    return pd.DataFrame(rows)


def sentence(table: pd.DataFrame) -> str:
    """How many cells are in which state, from `states`."""
    counts = Counter(table["state"])
    order = ("done", "running", "planned", "refused", "failed")
    told = ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
    return f"{plural(len(table), 'cell')}: {told}"


def remaining(table: pd.DataFrame) -> str:
    """How long the cells that are not done will take, from those that are; empty if nothing is known."""
    done = table[table["state"] == "done"]
    left = int((table["state"].isin(["planned", "running"])).sum())
    if not left or done.empty:
        return ""
    hours = left * float(done["seconds"].mean()) / 3600
    return f"{plural(left, 'cell')} left, about {hours:.2g} worker hours at the pace of those done"


def workers(out: Path) -> list[str]:
    """One line per worker that has taken part: cells done and failed, pace, waiting for sound, cell."""
    lines = []
    for path in sorted((out / "workers").glob("*.json")):
        try:
            stored = read_json(path, error=StoreError, what="the state of a worker")
        except StoreError:
            continue
        seconds = stored.get("seconds")
        pace = f", {stored['clips'] / seconds:.3g} clips/s" if seconds else ""
        pace += (
            f", {stored.get('waited', 0.0) / seconds:.0%} of the time waiting for sound" if seconds else ""
        )
        lines.append(
            f"{stored['worker']}: {stored['done']} done, {stored['failed']} refused or failed{pace}; "
            f"{stored['current'] or 'idle'}"
        )
    return lines


def scores(cells: Sequence[Cell]) -> pd.DataFrame:
    """Findings on whole corpora of all finished cells, one row each, with value, interval, n and verdict."""
    rows = []
    for cell in cells:
        if cell.read().get("state") != "done":
            continue
        for result in read_results(cell.folder):
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
