"""Runs audits in processes of their own, on all cores, those that read layers first.

Nothing depends on it but the time: a process is given the tables, and what it gives back is what this process
would have computed. An audit whose process gives nothing back, because the audit failed or memory ran out, is
left to this process, where errors and messages are those of a single one.
"""

import contextlib
import os
import subprocess  # nosec B404 (starts this program only)
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from sertools.auditing.audit import PlannedAudit
from sertools.pipeline.processes.arrays import packed
from sertools.results.result import Limit, Result
from sertools.tables.tables import Tables
from sertools.threads import ALONE

MOST = 8
"""Largest number of processes, so that memory stays bounded on a machine with many cores."""

FEW = 5
"""Number of audits from which a single heavy one gets a process of its own."""

WORKER = [sys.executable, "-m", "sertools.pipeline.processes.worker"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """The input of a process.

    Attributes:
        name: of the audit
        settings: its options
        limits: limits that replace its own
        tables: what it reads
        seed: random seed
    """

    name: str
    settings: Mapping[str, Any]
    limits: Sequence[Limit]
    tables: Tables
    seed: int


class SideBySide:
    """Audits that run in other processes, by their numbers.

    A thread for each process hands out the audits, heavy ones first; an audit that is asked for before its
    turn is left to whoever asks.
    """

    def __init__(self, tasks: Mapping[int, Task]) -> None:
        self._tasks = dict(tasks)
        self._done = {i: threading.Event() for i in tasks}
        self._found: dict[int, tuple[Result, str]] = {}
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def start(self, processes: int) -> None:
        """Begins with the first audits."""
        for _ in range(processes):
            threading.Thread(target=self._work, daemon=True).start()

    def next(self, numbers: Sequence[int]) -> int:
        """The number of the next audit for this process: the first that no other has begun, if any."""
        with self._lock:
            free = [i for i in numbers if i in self._tasks or i not in self._done]
        return free[0] if free else numbers[0]

    def result(self, i: int) -> Result | None:
        """The result of an audit, once it is there; None if this process has to compute it.

        What the other process said on standard error is said here.
        """
        with self._lock:
            mine = self._tasks.pop(i, None) is not None
        if mine or i not in self._done:
            return None
        self._done[i].wait()
        result, said = self._found.pop(i, (None, ""))
        sys.stderr.write(said)
        return result

    def stop(self) -> None:
        """Ends all processes."""
        with self._lock:
            self._stopped = True
            self._tasks.clear()
            for process in self._running:
                process.kill()

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._stopped or not self._tasks:
                    return
                i = next(iter(self._tasks))
                task = self._tasks.pop(i)
            try:
                # if it fails, the parent process runs the audit, and raises what it raises
                with contextlib.suppress(Exception):
                    content, said = self._answer(packed(task))
                    if content:
                        self._found[i] = Result.model_validate_json(content), said
            finally:
                self._done[i].set()

    def _answer(self, task: bytes) -> tuple[bytes, str]:
        """What a process of its own gives back, empty if it fails, and what it says on standard error."""
        with tempfile.TemporaryFile() as errors:
            content = self._run(task, errors)
            errors.seek(0)
            return content, errors.read().decode(errors="replace")

    def _run(self, task: bytes, errors: IO[bytes]) -> bytes:
        where = {**os.environ, **ALONE, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with self._lock:
            if self._stopped:
                return b""
            process = subprocess.Popen(  # nosec B603  # noqa: S603 (the command is this program)
                WORKER,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=where,
                start_new_session=True,  # Ctrl-C is for this process, which ends the others
            )
            self._running.add(process)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(len(task).to_bytes(8, "big") + task)
                process.stdin.flush()
            content = process.stdout.read()
            process.wait()  # before its standard input ends, which would end it too
        finally:
            with self._lock:
                self._running.discard(process)
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    stream.close()
        return content if process.returncode == 0 else b""


@contextmanager
def side_by_side(
    audits: Mapping[int, tuple[PlannedAudit, Tables]], seed: int, cores: int | None = None
) -> Iterator[SideBySide]:
    """Runs audits of sertools in other processes while this one goes on.

    Args:
        audits: number → an audit that has to be computed, and its tables
        seed: random seed
        cores: number of cores; None for those of the machine
    """
    cores = cores or os.cpu_count() or 1
    heavy = [i for i, (planned, _) in audits.items() if weight(planned)]
    # this process works, too; to start another one takes longer than a few light audits
    worth_it = len(heavy) > 1 or len(audits) >= FEW
    processes = min(cores - 1, len(heavy), len(audits) - 1, MOST) if worth_it else 0
    chosen = sorted(heavy, key=lambda i: -weight(audits[i][0])) if processes > 0 else []
    tasks = {
        i: Task(name=planned.name, settings=planned.settings, limits=planned.limits, tables=tables, seed=seed)
        for i, (planned, tables) in ((i, audits[i]) for i in chosen)
    }
    found = SideBySide(tasks)
    found.start(max(processes, 0))
    try:
        yield found
    finally:
        found.stop()


def weight(planned: PlannedAudit) -> int:
    """Estimated duration of an audit, by the kind of its input; 0 if less than starting a process."""
    needs = planned.needs
    return 4 * (needs.frame_sums is not None) + 2 * needs.layers + bool(needs.text_vectors)
