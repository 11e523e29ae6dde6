"""How far a sweep is: the states of its cells, how long the rest will take, and a line for each worker."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.sweep import shared
from sertools.sweep.cells import Cell
from sertools.sweep.leases import holder
from sertools.wording import plural


def states(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per cell: `model`, `corpus`, `suite`, `state`, `seconds`, `clips`, `reason`, `folder`."""
    return pd.DataFrame([_row(cell, cell.read(), cell.state()) for cell in cells])


def _row(cell: Cell, stored: dict[str, Any], state: str) -> dict[str, Any]:
    return {
        "model": cell.model.label,
        "corpus": cell.corpus.label,
        "suite": cell.suite,
        "state": state,
        "seconds": stored.get("seconds"),
        "clips": stored.get("clips"),
        "reason": stored.get("reason", ""),
        "folder": cell.id,
    }


def watched(cells: Sequence[Cell]) -> Callable[[], pd.DataFrame]:
    """A function with the result of `states`, for being called again and again while workers are at work.

    It lists the folders of states and leases, and reads only the files of cells that are not done yet.
    """
    done: dict[str, dict[str, Any]] = {}

    def now() -> pd.DataFrame:
        begun = {name for cell in cells[:1] for folder in cell.marks for name in shared.names(folder)}
        begun |= {name.removesuffix(".json") for name in begun}
        rows = []
        for cell in cells:
            row = done.get(cell.id)
            if row is None:
                is_begun = cell.id in begun
                row = _row(cell, cell.read() if is_begun else {}, cell.state() if is_begun else "planned")
                if row["state"] == "done":
                    done[cell.id] = row
            rows.append(row)
        return pd.DataFrame(rows)

    return now


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
    for name in sorted(shared.names(out / "workers")):
        content = shared.read(out / "workers" / name) if name.endswith(".json") else None
        try:
            stored = json.loads(content or b"")
        except ValueError:
            continue
        seconds = stored.get("seconds")
        pace = f", {stored['clips'] / seconds:.3g} clips/s" if seconds else ""
        pace += (
            f", {stored.get('waited', 0.0) / seconds:.0%} of the time waiting for sound" if seconds else ""
        )
        lines.append(
            f"{stored['worker']}: {stored['done']} done, {stored['failed']} refused or failed{pace}; "
            f"{_doing(out, stored['worker'], stored['current'])}"
        )
    return lines


def _doing(out: Path, worker: str, cell: str) -> str:
    """The cell that a worker has, or what became of the worker."""
    if not cell:
        return "idle"
    return cell if holder(out / "leases" / cell) == worker else "no longer running"
