"""Tasks of a Slurm job array, by submitit; `slurm:local` runs them on this machine, for a trial."""

import shutil
import time
from collections.abc import Mapping
from typing import Any

from sertools.errors import AuditError
from sertools.sweep.executors import Crew, Job

DESCRIPTION = (
    "a Slurm job array through submitit: slurm, with --set partition=…, gpus_per_node=…, timeout_min=…"
)

POLL_S = 2.0

LOCAL_MIN = 30 * 24 * 60
"""Time limit of tasks on this machine in minutes; submitit itself would interrupt them after two."""


def run(crew: Crew) -> None:
    """Submits one array with a task per worker, and waits for it; tasks that are preempted are queued again.

    Raises:
        AuditError: submitit is not installed, Slurm cannot be reached, or a task has failed
    """
    try:
        import submitit
    except ImportError as error:
        raise AuditError(
            "--on slurm needs the package submitit", hint="python -m pip install '.[slurm]'"
        ) from error
    if not crew.argument and shutil.which("srun") is None:  # else submitit would work here without a word
        raise AuditError(
            "there is no Slurm on this machine: it has no command srun",
            hint="run it on a login node of the cluster; --on slurm:local is a trial on this machine",
        )
    try:
        executor = submitit.AutoExecutor(folder=crew.out / "slurm", cluster=crew.argument or None)
        limit = {"timeout_min": LOCAL_MIN} if crew.argument == "local" else {}
        executor.update_parameters(**{**limit, **_parameters(crew.options)})
        jobs = executor.map_array(_Task(crew.job, crew.workers), list(range(crew.workers)))
    except Exception as error:  # submitit raises whatever its commands raise
        raise AuditError(
            f"Slurm did not take the job array: {error}", hint="see --set for its options"
        ) from error
    while not all(job.done() for job in jobs):
        time.sleep(min(POLL_S, 0.2 if crew.argument == "local" else POLL_S))
        crew.watch()
    failed = [job for job in jobs if job.exception() is not None]
    if failed and crew.job.open_cells():
        raise AuditError(
            f"{len(failed)} of {len(jobs)} tasks failed, the first with: {failed[0].exception()}",
            hint=f"logs are in {crew.out / 'slurm'}; the same command continues",
        )


class _Task:
    """What a task does; an object, so that submitit can pickle it and queue it again after a preemption."""

    def __init__(self, job: Job, workers: int) -> None:
        self.job, self.workers = job, workers

    def __call__(self, number: int) -> None:
        self.job.work(number, self.workers)

    def checkpoint(self, number: int) -> Any:
        """The task that Slurm runs after a requeue: the same one, which continues where it stopped."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, number)


def _parameters(options: Mapping[str, str]) -> dict[str, str | int]:
    """Settings for submitit; those that do not name its place go to Slurm itself."""
    general = {"timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb", "nodes", "tasks_per_node", "name"}
    parameters: dict[str, str | int] = {}
    for name, text in options.items():
        value = int(text) if text.isdecimal() else text
        parameters[name if name in general or name.startswith(("slurm_", "local_")) else f"slurm_{name}"] = (
            value
        )
    return parameters
