"""Sweeps at scale: workers are killed at random, and every cell is there once, as from a single process.

They are run by hand and before a release, with `pytest -m acceptance`; all tests run four cells while two
workers are killed (`test_sweep.py`). Corpora are tiny, because what is tested is who does what.
"""

import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sertools.errors import AuditError
from sertools.sweep.cells import cells_of
from sertools.sweep.run import run_sweep
from sertools.sweep.spec import read_sweep
from sertools.sweep.worker import Worker
from tests.helpers.sweeps import assert_as_alone, write_sweep

KILLED = 3
"""Number of workers that are killed."""

LARGE = [pytest.mark.acceptance, pytest.mark.timeout(7200)]


def killer(out: Path, seed: int):
    """Kills the worker of a random cell at random shares of the work; returns what watches, and the cells."""
    rng, killed = random.Random(seed), []
    moments = sorted(rng.uniform(0, 0.6) for _ in range(KILLED))

    def watch(cells: pd.DataFrame) -> None:
        leases = [
            path for path in (out / "leases").glob("*") if path.name not in killed and path.name[0] != "."
        ]
        over = (cells["state"] == "done").mean()
        if len(killed) >= KILLED or not leases or over < moments[len(killed)]:
            return
        lease = rng.choice(leases)
        try:
            owner = json.loads(lease.read_text() or "{}")
            os.kill(owner["pid"], signal.SIGKILL)
        except (OSError, ValueError, KeyError):  # the cell has ended meanwhile
            return
        killed.append(lease.name)

    return watch, killed


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A sweep of a size, and the folder where one process has done all its cells, once for all places."""
    done: dict[tuple[int, int], tuple[Path, Path]] = {}

    def of(models: int, corpora: int) -> tuple[Path, Path]:
        if (models, corpora) not in done:
            folder = tmp_path_factory.mktemp("alone")
            file = write_sweep(folder, models, corpora, pages=False)
            Worker(sweep=read_sweep(file), out=folder / "out", run="x", cache=folder / "cache").work()
            done[models, corpora] = file, folder
        return done[models, corpora]

    return of


@pytest.mark.parametrize(
    ("place", "package", "models", "corpora"),
    [
        pytest.param("local:3", "", 12, 3, marks=pytest.mark.acceptance),
        pytest.param("local:3", "", 300, 10, marks=LARGE),
        pytest.param("ray", "ray", 300, 10, marks=LARGE),
        pytest.param("slurm:local", "submitit", 300, 10, marks=LARGE),
    ],
)
def test_killed_workers_change_nothing(
    tmp_path, alone: Callable[[int, int], tuple[Path, Path]], place, package, models, corpora
):
    if package:
        pytest.importorskip(package, reason=f"the extra of {package} is not installed")
    file, single = alone(models, corpora)
    out, cache = tmp_path / "out", tmp_path / "cache"
    watch, killed = killer(out, seed=models)
    swept = None
    while swept is None:
        try:
            swept = run_sweep(file, out=out, on=place, workers=3, cache=cache, watch=watch)
        except AuditError:  # submitit's local executor starts no killed task again: the same command does
            assert place.startswith("slurm")
    assert swept.complete, swept.cells[swept.cells["state"] != "done"].to_string()
    assert len(swept.cells) == models * corpora
    assert len(killed) == KILLED
    sweep = read_sweep(file)
    assert_as_alone(cells_of(sweep, out), cache, cells_of(sweep, single / "out"), single / "cache")
    shutil.rmtree(tmp_path)
