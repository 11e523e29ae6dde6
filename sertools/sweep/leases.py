"""Leases on work: files with a time limit, instead of locks, which a dead worker would hold forever.

A worker creates the file, which only one can, and touches it while it works. A lease that nobody touches runs
out; a lease of a process on the same machine that has ended runs out at once. Times are those of the disk, so
the clocks of machines may differ. In a sweep at a URL the same is done by `remote_leases`.
"""

import contextlib
import json
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sertools import files
from sertools.errors import StoreError
from sertools.sweep import remote_leases
from sertools.sweep.shared import remote_of

LEASE_S = 120.0
"""Seconds after which a lease that was not renewed has run out."""


@contextlib.contextmanager
def held(lease: Path) -> Iterator[bool]:
    """Takes a lease for the time of the block; False if another worker has it.

    Raises:
        StoreError: its folder cannot be written
    """
    remote = remote_of(lease)
    if remote:
        owner = json.dumps(_owner())
        there = remote_leases.take(remote, lease, owner, LEASE_S, _has_ended)
        if there is None:
            yield False
            return
        with _renewed(
            lambda: remote.write(there, owner.encode()), lambda: remote_leases.give_back(remote, there)
        ):
            yield True
        return
    with files.disk_errors(lease, StoreError):
        lease.parent.mkdir(parents=True, exist_ok=True)
        mine = _take(lease)
    if not mine:
        yield False
        return
    with _renewed(lambda: os.utime(lease), lambda: lease.unlink(missing_ok=True)):
        yield True


def _owner() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid(), "token": uuid.uuid4().hex}


def _take(lease: Path) -> bool:
    """Creates the lease, after removing one that has run out; False if somebody has it."""
    if lease.exists() and not alive(lease):
        old = lease.with_name(f".{lease.name}.{uuid.uuid4().hex}.old")
        with contextlib.suppress(OSError):  # another worker was faster
            lease.rename(old)
            old.unlink()
    try:
        with lease.open("x", encoding="utf-8") as file:
            json.dump(_owner(), file)
    except FileExistsError:
        return False
    return True


def alive(lease: Path) -> bool:
    """Whether a worker has this lease: its process runs, as far as that can be seen, and it was renewed.

    The age is taken by the clock of the disk, since the clocks of two machines may differ.
    """
    remote = remote_of(lease)
    if remote:
        return remote_leases.alive(remote, lease, LEASE_S, _has_ended)
    try:
        renewed = lease.stat().st_mtime
        if _has_ended(lease.read_bytes()):
            return False
    except (OSError, ValueError):
        return False
    return _now(lease.parent) - renewed < LEASE_S


def holder(lease: Path) -> str:
    """The worker that has a lease, as `name_of_worker` names it; empty if nobody has it or it has run out."""
    remote = remote_of(lease)
    try:
        content = remote_leases.content(remote, lease) if remote else lease.read_bytes()
        owner = json.loads(content)
    except (OSError, ValueError):
        return ""
    return f"{owner.get('host')}-{owner.get('pid')}" if alive(lease) else ""


def name_of_worker() -> str:
    """The name of this process among the workers of a sweep."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _has_ended(lease: bytes) -> bool:
    """Whether a lease is that of a process on this machine which has ended.

    Raises:
        ValueError: the lease is damaged
    """
    owner = json.loads(lease or b"{}")
    return owner.get("host") == socket.gethostname() and not _runs(int(owner.get("pid", 0)))


def _now(folder: Path) -> float:
    """The time by the clock of the disk that holds a folder, in seconds."""
    probe = folder / f".clock.{uuid.uuid4().hex}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def _renewed(renew_once: Callable[[], None], give_back: Callable[[], None]) -> Iterator[None]:
    """Renews a lease until the end of the block, and then gives it back."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(LEASE_S / 8):
            with contextlib.suppress(OSError, StoreError):
                renew_once()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        give_back()
