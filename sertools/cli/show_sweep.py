"""Shows the plan, the state and the progress of a sweep."""

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sertools.cli import console
from sertools.inference.settings import Settings
from sertools.sweep.cells import cells_of
from sertools.sweep.plan import estimate
from sertools.sweep.shared import folder
from sertools.sweep.spec import read_sweep
from sertools.sweep.states import remaining, sentence, states, workers
from sertools.wording import plural

if TYPE_CHECKING:
    import pandas as pd

LINE_EVERY_S = 30.0
"""Seconds between two lines of progress in a log."""

MARKS = {"done": "✓", "running": "…", "planned": "·", "refused": "–", "failed": "✗"}

MOST_ROWS = 60
MOST_WORKERS = 50


class Watcher:
    """Shows how many cells are done: one line that changes in a terminal, a line now and then in a log."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.last, self.shown = quiet, "", 0.0

    def __enter__(self) -> Self:
        return self

    def __call__(self, cells: "pd.DataFrame") -> None:
        """Shows the state, if it has changed."""
        text = ". ".join(filter(None, [sentence(cells), remaining(cells)]))
        terminal = sys.stderr.isatty()
        now = time.monotonic()
        if self.quiet or text == self.last or (not terminal and now - self.shown < LINE_EVERY_S):
            return
        self.last, self.shown = text, now
        sys.stderr.write(f"\r\x1b[K{text[:150]}" if terminal else f"{text}\n")
        sys.stderr.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.last and sys.stderr.isatty():
            sys.stderr.write("\n")


def show_plan(file: Path, out: Path, cache: Path | None, quiet: bool) -> None:
    """Shows what a sweep would compute: cells, clips, hours, disk, and what is done already."""
    sweep = read_sweep(file)
    every = cells_of(sweep, folder(out))
    corpora = {c.label: c.request(sweep.data_root).load() for c in sweep.data}
    clips = {label: len(corpus.clips) for label, corpus in corpora.items()}
    table = states(every)
    if not quiet:
        console.table(
            ["corpus", "clips", "cells", "done"],
            [
                [label, n, int((table["corpus"] == label).sum()),
                 int(((table["corpus"] == label) & (table["state"] == "done")).sum())]
                for label, n in clips.items()
            ],
        )  # fmt: skip
    total = sum(clips[cell.corpus.label] for cell in every)
    console.message(
        f"{plural(len(sweep.models), 'model')} × {plural(len(sweep.data), 'corpus', 'corpora')} × "
        f"{plural(len(sweep.suite_names()), 'suite')}: {sentence(table)}; {total} clips on clean audio alone"
    )
    settings = Settings(seed=sweep.seed, batch_size=sweep.batch_size, cache=cache)
    found = estimate(sweep, every, corpora, settings)
    for reason in found.refused:
        console.warn(reason)
    console.message(found.sentence)
    left = remaining(table)
    if left:
        console.message(left)


def show_status(file: Path, out: Path) -> None:
    """Shows the matrix of states, the reasons of cells that are not done, and a line for each worker."""
    sweep, place = read_sweep(file), folder(out)
    table = states(cells_of(sweep, place))
    labels = [corpus.label for corpus in sweep.data]
    rows: list[list[str | int | float | None]] = []
    for model, part in table.groupby("model", sort=False):
        marks = part.groupby("corpus")["state"].agg(lambda found: "".join(MARKS[state] for state in found))
        rows.append([str(model), *(marks.get(label, "") for label in labels)])
    console.table(["model", *labels], rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        console.message(f"… and {plural(len(rows) - MOST_ROWS, 'more model')}")
    for row in table[table["reason"].astype(bool) & (table["state"] != "done")].head(20).itertuples():
        console.warn(f"{row.model} on {row.corpus}, {row.suite}: {row.state}: {row.reason}")
    for line in workers(place)[:MOST_WORKERS]:
        console.message(line)
    console.message(sentence(table))
