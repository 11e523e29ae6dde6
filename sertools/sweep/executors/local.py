"""Processes on this machine; `local:4` starts four, `local` one for each core."""

import os
import subprocess  # nosec B404 (starts this program only)
import time

from sertools.errors import AuditError
from sertools.sweep.executors import Crew, cores

DESCRIPTION = "processes on this machine: local, or local:N for N of them"

POLL_S = 0.2


def run(crew: Crew) -> None:
    """Starts the workers, and starts those again that die while cells are open.

    Raises:
        AuditError: workers end at once, again and again
    """
    if crew.options:
        raise AuditError(
            f"the setting {next(iter(crew.options))} does not apply to --on local",
            hint="it is for --on ray and --on slurm",
        )
    environment = {**os.environ}
    environment.setdefault("OMP_NUM_THREADS", str(max(1, cores() // crew.workers)))
    started: dict[int, subprocess.Popen[bytes]] = {}
    deaths, most = 0, 2 * crew.workers + 2 * crew.job.open_cells()

    def start(number: int) -> None:
        log = (crew.out / "workers" / f"local-{number + 1}.log").open("ab")
        with log:
            started[number] = subprocess.Popen(  # nosec B603  # noqa: S603 (the command is this program)
                crew.command(number), stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment
            )

    (crew.out / "workers").mkdir(parents=True, exist_ok=True)
    try:
        for number in range(crew.workers):
            start(number)
        while started:
            time.sleep(POLL_S)
            crew.watch()
            for number, process in list(started.items()):
                if process.poll() is None:
                    continue
                del started[number]
                if process.returncode and crew.job.open_cells():
                    deaths += 1
                    if deaths > most:
                        raise AuditError(
                            f"workers ended again and again, the last with exit code {process.returncode}",
                            hint=f"see {crew.out / 'workers' / f'local-{number + 1}.log'}",
                        )
                    start(number)
    finally:
        for process in started.values():
            process.terminate()
        for process in started.values():
            process.wait()
