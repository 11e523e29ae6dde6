"""Where the workers of a sweep run: one file per place, found by listing this folder.

A module here has `DESCRIPTION`, one line, and `run(crew)`, which starts the workers, calls `crew.watch()`
again and again while they work, and returns when they have ended. A worker is `crew.job.work` or the command
`crew.command(number)`; both do the same. A worker that dies is started again if the place can.
"""

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from sertools.errors import AuditError, nearest
from sertools.store.remote import local
from sertools.sweep.cells import cells_of
from sertools.sweep.shared import folder
from sertools.sweep.spec import read_checked_sweep
from sertools.sweep.worker import Worker


class Job(Protocol):
    """The common job of all workers; it is pickled for other machines."""

    def command(self, number: int, of: int) -> list[str]:
        """The command of a worker, from 0, after the name of the program."""

    def work(self, number: int, of: int) -> None:
        """The work of the worker, in this process."""

    def open_cells(self) -> int:
        """Number of cells that are still to be done."""


@dataclass(frozen=True, kw_only=True)
class Crew:
    """The workers of one run.

    Attributes:
        job: what they do
        out: the folder of the run, which all machines share
        workers: number of workers
        argument: what stands after the colon of `--on`, such as the address of a cluster
        options: further settings of the place, name → text
        watch: called now and then, to show the state of the cells
    """

    job: Job
    out: Path
    workers: int
    argument: str = ""
    options: Mapping[str, str]
    watch: Callable[[], None] = lambda: None

    def command(self, number: int) -> list[str]:
        """The command of a worker, from 0."""
        return [sys.executable, "-m", "sertools", *self.job.command(number, self.workers)]


@dataclass(frozen=True, kw_only=True)
class SweepJob:
    """The cells of a sweep.

    Attributes:
        file: the sweep
        out: its folder, or its URL
        run: the run that the workers take part in
        cache: folder or URL of the store; None for the user's
    """

    file: Path
    out: str
    run: str
    cache: str | None = None

    def command(self, number: int, of: int) -> list[str]:
        """The words of `sertools sweep --worker`."""
        words = ["sweep", str(self.file), "--out", self.out, "--worker", f"{number + 1}/{of}"]
        return words + (["--cache", self.cache] if self.cache else [])

    def work(self, number: int, of: int) -> None:
        """Does cells until none is open; reads the file itself, perhaps on another machine."""
        Worker(
            sweep=read_checked_sweep(self.file),
            out=folder(self.out),
            run=self.run,
            number=number,
            of=of,
            cache=local(self.cache) if self.cache else None,
        ).work()

    def open_cells(self) -> int:
        """Number of cells that are still to be done in this run."""
        return sum(
            cell.is_open(self.run) for cell in cells_of(read_checked_sweep(self.file), folder(self.out))
        )


def start(job: Job, out: Path, on: str, **how: Any) -> None:
    """Runs a job at a place, and returns when its workers have ended.

    Args:
        job: what to do
        out: its folder
        on: the place, as after `--on`
        how: `workers`, `options` and `watch`, see `Crew`; `most` is the largest useful number of workers

    Raises:
        AuditError: there is no such place, or it cannot run anything
    """
    place, _, argument = on.partition(":")
    module = executor(place)
    workers, most = how.pop("workers", None), how.pop("most")
    if place == "local" and argument:
        workers, argument = counted(argument, "the value after local:"), ""
    number = min(workers or cores(), most)
    if number < 1:
        raise AuditError("--workers must be at least 1")
    if job.open_cells():
        module.run(Crew(job=job, out=out, workers=number, argument=argument, **how))


def names() -> list[str]:
    """The places that there are."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__))


def executor(name: str) -> ModuleType:
    """The module of a place.

    Raises:
        AuditError: there is no such place
    """
    if name not in names():
        raise AuditError(f"--on {name!r}: unknown place to run on", hint=nearest(name, names()))
    return importlib.import_module(f"{__name__}.{name}")


def cores() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def counted(text: str, what: str) -> int:
    """A number of workers from a text.

    Raises:
        AuditError: it is not a positive whole number
    """
    if not text.isdecimal() or not int(text):
        raise AuditError(f"{what} must be a number of workers, not {text!r}")
    return int(text)
