"""The cells of a sweep: where each is, how far it is, and which worker has it.

The folder `cells/ID` is the `--out` folder of a cell's audits; its state, log and lease are in
`states/ID.json`, `logs/ID.txt` and `leases/ID`. A worker takes a cell by creating the lease, and touches
that file while it works. A lease that nobody touches runs out; a lease of a process on the same machine
that has ended runs out at once. Two workers that have the same cell by mistake write the same bytes,
because results are written atomically and depend on nothing but the cell. A lease in `models/` says that a
worker has a model loaded, so that the others begin with other models.
"""

import contextlib
import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sertools.sweep import shared
from sertools.sweep.leases import alive, held
from sertools.sweep.spec import CorpusEntry, ModelEntry, Sweep, slug

ATTEMPTS = 2
"""A cell in which so many workers have died counts as failed."""

State = Literal["planned", "running", "done", "refused", "failed"]

RUN = "run.json"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model on one corpus by one suite.

    Attributes:
        model, corpus, suite: what is audited
        out: folder of the sweep
        seed, batch_size: of the sweep
    """

    model: ModelEntry
    corpus: CorpusEntry
    suite: str
    out: Path
    seed: int
    batch_size: int

    @cached_property
    def id(self) -> str:
        """Name of the cell's folder; another one if anything changes that decides its numbers."""
        decides = [
            self.model.model_dump(mode="json"),
            self.corpus.model_dump(mode="json"),
            self.suite,
            self.seed,
        ]
        parts = (self.model.label, self.corpus.label, self.suite)
        return f"{'--'.join(map(slug, parts))}-{_digest(decides)}"

    @property
    def folder(self) -> Path:
        """The folder of results and report."""
        return self.out / "cells" / self.id

    @property
    def log(self) -> Path:
        """The log file of the workers that computed the cell."""
        return self.out / "logs" / f"{self.id}.txt"

    @property
    def _state(self) -> Path:
        return self.out / "states" / f"{self.id}.json"

    @property
    def _lease(self) -> Path:
        return self.out / "leases" / self.id

    @property
    def marks(self) -> tuple[Path, Path]:
        """The folders with the states and the leases of all cells of the sweep."""
        return self._state.parent, self._lease.parent

    def read(self) -> dict[str, Any]:
        """The stored state: `state`, `run`, and what `write` was given; empty if there is none."""
        return _parsed(shared.read(self._state))

    def write(self, state: State, run: str, **facts: Any) -> None:
        """Stores the state of the cell.

        Raises:
            StoreError: the folder cannot be written
        """
        content = {"state": state, "run": run, **facts}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        shared.write(self._state, text)  # if a power failure loses it, the cell is done again

    def state(self) -> State:
        """The current state of the cell."""
        stored: State = self.read().get("state", "planned")
        return "running" if stored != "done" and alive(self._lease) else stored

    def is_open(self, run: str) -> bool:
        """Whether the cell is still to be done in this run: not done, and not tried in vain in this run."""
        stored = self.read()
        return stored.get("state") != "done" and not (
            stored.get("state") in {"refused", "failed"} and stored.get("run") == run
        )

    @contextlib.contextmanager
    def taken(self, run: str) -> Iterator[bool]:
        """Takes the cell for the time of the block; False if another worker has it or has finished it.

        A cell in which workers have died too often in this run is stored as failed, and not taken.

        Raises:
            StoreError: the folder cannot be written
        """
        with held(self._lease) as mine:
            taken = mine and self.is_open(run) and self._counts_attempt(run)
            try:
                yield taken
            except (SystemExit, KeyboardInterrupt):  # told to stop, as before a time limit: it did not die
                if taken:
                    self.write("planned", run, attempts=self.read().get("attempts", 1) - 1)
                raise

    def _counts_attempt(self, run: str) -> bool:
        stored = self.read()
        tried = stored.get("attempts", 0) if stored.get("run") == run else 0
        if tried >= ATTEMPTS:
            reason = f"{tried} workers ended without a word in this cell; perhaps the memory did not suffice"
            self.write("failed", run, reason=reason)
            return False
        self.write("planned", run, attempts=tried + 1)
        return True


def cells_of(sweep: Sweep, out: Path) -> list[Cell]:
    """All cells of a sweep: the corpora and suites of a model one after another."""
    return [
        Cell(
            model=model,
            corpus=corpus,
            suite=suite,
            out=out,
            seed=sweep.seed,
            batch_size=sweep.batch_size,
        )
        for model in sweep.models
        for corpus in sweep.data
        for suite in sweep.suite_names()
    ]


@contextlib.contextmanager
def loaded_alone(out: Path, model: ModelEntry) -> Iterator[bool]:
    """Takes a model for the time of the block; False if another worker has it.

    Raises:
        StoreError: the folder cannot be written
    """
    with held(out / "models" / f"{slug(model.label)}-{_digest(model.model_dump(mode='json'))}") as mine:
        yield mine


def _parsed(content: bytes | None) -> dict[str, Any]:
    """The object of a JSON file; empty if there is none, or if it is damaged."""
    try:
        stored = json.loads(content or b"{}")
    except ValueError:
        return {}
    return stored if isinstance(stored, dict) else {}


def _digest(content: Any) -> str:
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()


def has_begun(out: Path) -> bool:
    """Whether a run of a sweep was started in the folder, and so what the sweep names was checked."""
    return shared.read(out / RUN) is not None


def begin_run(out: Path) -> str:
    """Starts a run of a sweep: cells that were refused or failed in earlier runs are tried again."""
    run = uuid.uuid4().hex
    shared.write(out / RUN, json.dumps({"run": run}) + "\n")
    return run


def current_run(out: Path) -> str:
    """The run that workers of the folder take part in; a new one if there is none."""
    run = _parsed(shared.read(out / RUN)).get("run")
    return str(run) if run else begin_run(out)
