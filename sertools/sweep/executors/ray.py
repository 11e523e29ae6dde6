"""Tasks on a Ray cluster; `ray` starts one on this machine, `ray:ADDRESS` joins one, such as ray:auto."""

import math
import os
import socket
from collections.abc import Mapping

from sertools.errors import AuditError
from sertools.sweep.executors import Crew, Job

DESCRIPTION = (
    "a Ray cluster: ray for one on this machine, ray:ADDRESS for one that runs, with --set num_gpus=1"
)

POLL_S = 1.0


def run(crew: Crew) -> None:
    """Starts one task per worker; each keeps its model loaded, and Ray restarts killed ones.

    The folder of the sweep and the cache must be the same on all machines: only the job passes through Ray,
    and each worker reads its clips itself, so that no sound is ever in Ray's object store.

    Raises:
        AuditError: Ray is not installed, there is no cluster at the address, or a worker has failed
    """
    needs = _needs(crew.options)
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else it warns on the terminal, twenty times
    try:
        import ray
    except ImportError as error:
        raise AuditError("--on ray needs the package ray", hint="python -m pip install '.[ray]'") from error
    address = crew.argument or None
    if address:
        _check_reachable(address)
    try:
        ray.init(
            address=address,
            num_cpus=None if address else crew.workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
        )
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = f"at {address}" if address else "on this machine"
        token = "; where the cluster asks for a token, set RAY_AUTH_MODE=token" if address else ""
        raise AuditError(
            f"no Ray cluster {where}: {error}", hint=f"start one with ray start --head{token}"
        ) from error
    try:
        task = ray.remote(**{"num_cpus": 1.0, **needs}, max_retries=-1)(_work)
        pending = [task.remote(crew.job, number, crew.workers) for number in range(crew.workers)]
        while pending:
            finished, pending = ray.wait(pending, num_returns=1, timeout=POLL_S)
            crew.watch()
            for each in finished:
                ray.get(each)
    except ray.exceptions.RayError as error:
        raise AuditError(f"a worker on Ray failed: {error}", hint="the same command continues") from error
    finally:
        ray.shutdown()


def _needs(options: Mapping[str, str]) -> dict[str, float]:
    """What each worker needs.

    Raises:
        AuditError: an option that is not known, or not a number
    """
    needs = {}
    for name, text in options.items():
        if name not in {"num_cpus", "num_gpus"}:
            raise AuditError(f"Ray has no setting {name} here", hint="num_cpus and num_gpus")
        try:
            needs[name] = float(text)
        except ValueError as error:
            raise AuditError(f"the setting {name} must be a number, not {text!r}") from error
        if not 0 <= needs[name] < math.inf:
            raise AuditError(f"the setting {name} must be 0 or more, not {text}")
    return needs


def _check_reachable(address: str) -> None:
    """Checks that somebody answers at host and port, because Ray itself tries for minutes.

    Raises:
        AuditError: nobody does
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # such as `auto`, which Ray looks up itself
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise AuditError(
            f"no Ray cluster at {address}: {error}", hint="start one with ray start --head"
        ) from error


def _work(job: Job, number: int, of: int) -> None:
    job.work(number, of)
