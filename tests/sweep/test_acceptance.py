"""Sweeps at scale: workers are killed at random, and every cell is there once, as from a single process.

Three hundred models on ten corpora are run by hand and before a release, with `pytest -m acceptance`; twelve
models on three corpora by all tests. Corpora are tiny, because what is tested is who does what.
"""

import json
import os
import random
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from sertools.sweep.cells import Cell, cells_of
from sertools.sweep.run import run_sweep
from sertools.sweep.spec import read_sweep
from sertools.sweep.worker import Worker
from tests.helpers.sweeps import write_sweep

KILLED = 3
"""Number of workers that are killed."""

LARGE = [pytest.mark.acceptance, pytest.mark.timeout(7200)]


def told(cell: Cell) -> dict:
    """The result of a cell without what differs between two runs of the same."""
    content = json.loads((cell.folder / "correctness.json").read_text())
    for key in ("date", "command"):
        content["provenance"].pop(key, None)
    return content


def killer(out: Path, seed: int):
    """Kills the worker of a random cell now and then; returns what watches, and the cells."""
    rng, killed, last = random.Random(seed), [], [time.monotonic()]

    def watch(cells: pd.DataFrame) -> None:
        leases = [
            path for path in (out / "leases").glob("*") if path.name not in killed and path.name[0] != "."
        ]
        if len(killed) >= KILLED or not leases or time.monotonic() - last[0] < rng.random() / 3:
            return
        lease = rng.choice(leases)
        try:
            owner = json.loads(lease.read_text() or "{}")
            os.kill(owner["pid"], signal.SIGKILL)
        except (OSError, ValueError, KeyError):  # the cell has ended meanwhile
            return
        killed.append(lease.name)
        last[0] = time.monotonic()

    return watch, killed


@pytest.mark.parametrize(
    ("place", "package", "models", "corpora"),
    [
        pytest.param("local:3", "", 12, 3, marks=pytest.mark.slow),
        pytest.param("local:3", "", 300, 10, marks=LARGE),
        pytest.param("ray", "ray", 300, 10, marks=LARGE),
        pytest.param("slurm:local", "submitit", 300, 10, marks=LARGE),
    ],
)
def test_killed_workers_change_nothing(tmp_path, place, package, models, corpora):
    if package:
        pytest.importorskip(package, reason=f"the extra of {package} is not installed")
    file, out = write_sweep(tmp_path, models, corpora, pages=False), tmp_path / "out"
    watch, killed = killer(out, seed=models)
    if place.startswith(
        "slurm"
    ):  # submitit's local executor does not start killed tasks again: the command does
        watch, killed = (lambda cells: None), [""] * KILLED
    swept = run_sweep(file, out=out, on=place, workers=3, cache=tmp_path / "cache", watch=watch)
    assert swept.complete, swept.cells[swept.cells["state"] != "done"].to_string()
    assert len(swept.cells) == models * corpora
    assert len(killed) == KILLED
    sweep = read_sweep(file)
    (tmp_path / "alone").mkdir()
    Worker(sweep=sweep, out=tmp_path / "alone", run="x", cache=tmp_path / "cache-alone").work()
    for cell, alone in zip(cells_of(sweep, out), cells_of(sweep, tmp_path / "alone"), strict=True):
        assert cell.log.read_text().count(" done after ") == 1, "every cell is done once"
        assert told(cell) == told(alone)
    shards = sorted(path.relative_to(tmp_path / "cache") for path in (tmp_path / "cache").rglob("*.parquet"))
    assert shards
    for shard in shards:
        assert (tmp_path / "cache" / shard).read_bytes() == (tmp_path / "cache-alone" / shard).read_bytes()
