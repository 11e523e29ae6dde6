"""A study by many workers, at the places where sweeps run: each trains the cells that no other one has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sertools.errors import ModelError, SertoolsError
from sertools.files import check_writable, write_text
from sertools.studies.checks import ready
from sertools.studies.run import DONE, DoneCell, done_cell, is_done, train_cell
from sertools.studies.study import Study, cells, read_study
from sertools.sweep.executors import start
from sertools.sweep.leases import held

FAILED = "failed.txt"
"""File in the folder of a cell that could not be trained, with the reason."""


@dataclass(frozen=True, kw_only=True)
class StudyJob:
    """The cells of a study; every worker reads the study itself, perhaps on another machine.

    Attributes:
        spec: TOML file, or name of a study of sertools
        changes: as after `--set`
        out: folder of the study, which all machines share
        data_root: folder of a registered corpus, or its parent folder
    """

    spec: str
    changes: Sequence[str]
    out: Path
    data_root: Path | None = None

    def command(self, number: int, of: int) -> list[str]:
        """The words of `sertools study --worker`."""
        words = ["study", self.spec, "--out", str(self.out), "--worker", f"{number + 1}/{of}"]
        words += [word for change in self.changes for word in ("--set", change)]
        return words + (["--data-root", str(self.data_root)] if self.data_root else [])

    def work(self, number: int, of: int) -> None:
        """Trains and scores what no other worker has; begins at its own part of the cells."""
        study = self._study()
        every = cells(study)
        left = [cell for cell in every if not self._is_over(self.out / "cells" / cell.name)]
        tests = ready(study, left, self.data_root)
        begin = len(every) * number // max(1, of)
        for cell in (*every[begin:], *every[:begin]):
            folder = self.out / "cells" / cell.name
            if self._is_over(folder):
                continue
            with held(self.out / "leases" / cell.name) as mine:
                if not mine or self._is_over(folder):
                    continue
                try:
                    train_cell(cell, study, tests, folder, self.data_root, lambda sentence: None)
                except SertoolsError as error:
                    write_text(folder / FAILED, f"{error}\n", error=ModelError)

    def open_cells(self) -> int:
        """Number of cells that are neither done nor failed."""
        return sum(not self._is_over(self.out / "cells" / cell.name) for cell in cells(self._study()))

    def _study(self) -> Study:
        return read_study(self.spec, list(self.changes))

    def _is_over(self, folder: Path) -> bool:
        return (folder / DONE).is_file() or (folder / FAILED).is_file()


def run_study_on(
    job: StudyJob,
    on: str,
    *,
    workers: int | None = None,
    options: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda sentence: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> list[DoneCell]:
    """Trains and scores what is missing at a place, and returns the cells that are done.

    Args:
        job: what to do; cells that failed before are tried again
        on: where to run: `local`, `local:N`, `ray`, `ray:ADDRESS`, `slurm`
        workers: number of workers; one for each core of this machine by default
        options: settings of that place
        progress: called with a sentence when the number of open cells has changed
        warn: called with a sentence for each cell that failed

    Raises:
        AuditError: there is no such place, or it cannot run anything
        ModelError: the folder cannot be written, something that cells need is missing, which is told before
            anything starts, or no cell can be trained
    """
    check_writable(job.out, error=ModelError)
    study = job._study()
    every = cells(study)
    ready(study, [cell for cell in every if not is_done(cell, job.out)], job.data_root)
    for cell in every:
        (job.out / "cells" / cell.name / FAILED).unlink(missing_ok=True)
    told: set[int] = set()

    def watch() -> None:
        left = job.open_cells()
        if left not in told:
            told.add(left)
            progress(f"{len(every) - left} of {len(every)} cells are over")

    start(job, job.out, on, workers=workers, most=len(every), options=dict(options or {}), watch=watch)
    done, reasons = [], []
    for cell in every:
        folder = job.out / "cells" / cell.name
        if (folder / DONE).is_file():
            done.append(done_cell(cell, folder))
            continue
        failed = folder / FAILED
        reasons.append(failed.read_text(encoding="utf-8").strip() if failed.is_file() else "its worker died")
        warn(f"{cell.name} failed: {reasons[-1]}")
    if not done:
        raise ModelError(f"no cell of the study could be trained: {reasons[0]}")
    return done
