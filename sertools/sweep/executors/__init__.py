"""Where the workers of a sweep run: one file per place, found by listing this folder.

A module here has `DESCRIPTION`, one line, and `run(crew)`, which starts the workers, calls `crew.watch()`
again and again while they work, and returns when they have ended. A worker is `work(crew, number)` or the
command `crew.command(number)`; both do the same. A worker that dies is started again if the place can.
"""

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sertools.errors import AuditError, nearest
from sertools.store.remote import local
from sertools.sweep.cells import cells_of
from sertools.sweep.spec import read_sweep
from sertools.sweep.worker import Worker


@dataclass(frozen=True, kw_only=True)
class Crew:
    """The workers of one run.

    Attributes:
        file: the sweep
        out: its folder
        run: the run that the workers take part in
        workers: number of workers
        argument: what stands after the colon of `--on`, such as the address of a cluster
        options: further settings of the place, name → text
        cache: folder or URL of the store; None for the user's
        watch: called now and then, to show the state of the cells
    """

    file: Path
    out: Path
    run: str
    workers: int
    argument: str = ""
    options: dict[str, str]
    cache: str | None = None
    watch: Callable[[], None] = lambda: None

    def command(self, number: int) -> list[str]:
        """The command of a worker, from 0."""
        words = [sys.executable, "-m", "sertools", "sweep", str(self.file), "--out", str(self.out)]
        words += ["--worker", f"{number + 1}/{self.workers}"]
        return words + (["--cache", self.cache] if self.cache else [])

    def open_cells(self) -> int:
        """Number of cells that are still to be done in this run."""
        return sum(cell.is_open(self.run) for cell in cells_of(read_sweep(self.file), self.out))


def work(crew: Crew, number: int) -> None:
    """What a worker does, in this process; it reads the file itself, perhaps on another machine."""
    Worker(
        sweep=read_sweep(crew.file),
        out=crew.out,
        run=crew.run,
        number=number,
        of=crew.workers,
        cache=local(crew.cache) if crew.cache else None,
    ).work()


def names() -> list[str]:
    """The places that there are."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__))


def executor(name: str) -> ModuleType:
    """The module of a place.

    Raises:
        AuditError: there is no such place
    """
    if name not in names():
        raise AuditError(f"--on {name!r}: there is no such place to run on", hint=nearest(name, names()))
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
