"""What a cell of a sweep costs besides its model: `python -m tests.bench.sweep --models 12 --corpora 3`.

One worker does the cells of toy models on tiny corpora with one audit and renders their reports:
what is printed is the time of a cell, and that of a second run, which finds everything done.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from sertools.sweep.cells import cells_of
from sertools.sweep.run import finish
from sertools.sweep.spec import read_sweep
from sertools.sweep.worker import Worker
from tests.helpers.sweeps import write_sweep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=12)
    parser.add_argument("--corpora", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sweep = read_sweep(write_sweep(folder, given.models, given.corpora))
        every = cells_of(sweep, folder / "out")
        steps = {
            "cells": lambda: Worker(sweep=sweep, out=folder / "out", run="x", cache=folder / "cache").work(),
            "again": lambda: Worker(sweep=sweep, out=folder / "out", run="x", cache=folder / "cache").work(),
            "end": lambda: finish(every, folder / "out"),
        }
        for what, step in steps.items():
            began, busy = time.perf_counter(), time.process_time()
            step()
            seconds, busy = time.perf_counter() - began, time.process_time() - busy
            sys.stdout.write(
                f"{what}: {len(every)} cells, {os.cpu_count()} cores: {seconds:.1f} s, {busy:.1f} s of this "
                f"process ({busy / len(every):.3f} s a cell)\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
