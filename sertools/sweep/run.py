"""Runs a sweep from start to end: check, run all cells somewhere, then leaderboard and matrices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sertools.comparison.leaderboards.files import write_leaderboard
from sertools.store.key import default_root
from sertools.store.remote import check_writable as check_store
from sertools.store.remote import local, name_of
from sertools.sweep import shared
from sertools.sweep.cells import Cell, begin_run, cells_of
from sertools.sweep.executors import SweepJob, executor, start
from sertools.sweep.matrix import write_matrices
from sertools.sweep.matrix_page import write_page
from sertools.sweep.spec import read_sweep
from sertools.sweep.states import states, watched

OUT = Path("sertools-sweep")


@dataclass(frozen=True, kw_only=True)
class Swept:
    """The outcome of a sweep.

    Attributes:
        cells: one row per cell, see `matrix.states`
        out: its folder
        board: the page of the leaderboard; None if no cell is done
    """

    cells: pd.DataFrame
    out: Path
    board: Path | None

    @property
    def complete(self) -> bool:
        """Whether all cells are done."""
        return bool((self.cells["state"] == "done").all())


def run_sweep(
    file: str | Path,
    *,
    out: str | Path = OUT,
    on: str = "local",
    workers: int | None = None,
    options: Mapping[str, str] | None = None,
    cache: str | Path | None = None,
    watch: Callable[[pd.DataFrame], None] = lambda cells: None,
) -> Swept:
    """Audit all models of a sweep on all its corpora; a second call continues where the first one stopped.

    A cell that cannot be run is refused, with the reason, and never stops the others.

    Args:
        file: the sweep, a TOML file
        out: folder for cells, leaderboard and matrices, or a URL such as `s3://bucket/sweep`
        on: where to run: `local`, `local:N`, `ray`, `ray:ADDRESS`, `slurm`
        workers: number of workers; one for each core of this machine by default
        options: settings of that place, such as `{"partition": "gpu"}` for Slurm
        cache: folder or URL of the store; None for the user's
        watch: called now and then with the states of all cells

    Returns:
        the state of every cell, and where the leaderboard is

    Raises:
        AuditError: the file is not valid or names what does not exist, or the place cannot run anything
        StoreError: `out` cannot be written

    Example:
        ```python
        swept = sertools.run_sweep("sweep.toml", on="local:4")
        swept.cells["state"].value_counts()
        ```
    """
    file = Path(file).absolute()
    sweep = read_sweep(file)
    executor(on.partition(":")[0])
    out = shared.folder(out)
    shared.check_writable(out)
    every = cells_of(sweep, out)
    _check_store(cache)
    now = watched(every)
    start(
        SweepJob(
            file=file,
            out=shared.name_of(out),
            run=begin_run(out),
            cache=name_of(local(cache)) if cache else None,
        ),
        out,
        on,
        workers=workers,
        most=len(every),
        options=dict(options or {}),
        watch=lambda: watch(now()),
    )
    return finish(every, out)


def _check_store(cache: str | Path | None) -> None:
    """Checks that the store is there or can be made; one that is there may hold all, and is then only read.

    Raises:
        StoreError: it cannot be made, or cannot be reached
    """
    root = local(cache) if cache else default_root()
    if not root.is_dir():
        check_store(root)


def finish(every: list[Cell], out: Path) -> Swept:
    """Writes the leaderboard and the matrices of the cells that are done, as tables and as a page.

    Raises:
        StoreError: `out` cannot be written
    """
    table, board = states(every), None
    done = (table["state"] == "done").tolist()
    if any(done):
        shared.fetch(out / "cells")
        write_leaderboard(out / "cells", out / "leaderboard")
        matrices = write_matrices(every, out)
        if len(matrices):
            write_page(matrices, out)
        board = out / "leaderboard" / "index.html"
        for made in ("leaderboard", "scores.csv", "matrices.csv", "matrices.html"):
            shared.publish(out / made)
    return Swept(cells=table, out=out, board=board)
