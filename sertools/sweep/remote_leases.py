"""Leases at a URL, where no file can be renamed.

The lease on NAME is the file NAME.0; when it has run out, the one who creates NAME.1 has it, and so on: only
one can create a file. Its time is that of the last write by the clock of the URL, so that the clocks of
machines may differ.
"""

import uuid
from collections.abc import Callable
from pathlib import Path

from sertools.store.remote import Remote


def take(
    remote: Remote, lease: Path, owner: str, limit_s: float, has_ended: Callable[[bytes], bool]
) -> Path | None:
    """Creates the lease; returns its file, or None if another worker has it.

    Args:
        remote: the URL
        lease: the lease without its number, a path of the folder in front
        owner: content of the file
        limit_s: seconds after which a lease that was not renewed has run out
        has_ended: whether the process that wrote such a content is known to have ended

    Raises:
        StoreError: the URL cannot be read or written
    """
    number = _latest(remote, lease)
    if number is not None and _is_fresh(remote, _file(lease, number), limit_s, has_ended):
        return None
    mine = _file(lease, 0 if number is None else number + 1)
    return mine if remote.create(mine, owner.encode()) else None


def alive(remote: Remote, lease: Path, limit_s: float, has_ended: Callable[[bytes], bool]) -> bool:
    """Whether somebody has the lease and has renewed it."""
    number = _latest(remote, lease)
    return number is not None and _is_fresh(remote, _file(lease, number), limit_s, has_ended)


def content(remote: Remote, lease: Path) -> bytes:
    """What the worker wrote who took the lease last; empty if nobody has it."""
    number = _latest(remote, lease)
    return b"" if number is None else remote.read(_file(lease, number)) or b""


def give_back(remote: Remote, mine: Path) -> None:
    """Removes a lease, and those before it that had run out.

    Raises:
        StoreError: the URL cannot be written
    """
    base, _, number = mine.name.rpartition(".")
    for earlier in range(int(number) + 1):
        remote.remove(_file(mine.with_name(base), earlier))


def _file(lease: Path, number: int) -> Path:
    return lease.with_name(f"{lease.name}.{number}")


def _latest(remote: Remote, lease: Path) -> int | None:
    """The highest number of the files of a lease; None if there is none."""
    numbers = [
        int(number)
        for path in remote.files(lease.parent)
        for base, _, number in [path.name.rpartition(".")]
        if base == lease.name and number.isdecimal()
    ]
    return max(numbers, default=None)


def _is_fresh(remote: Remote, path: Path, limit_s: float, has_ended: Callable[[bytes], bool]) -> bool:
    content = remote.read(path)
    if content is None or has_ended(content):
        return False
    probe = path.with_name(f".clock.{uuid.uuid4().hex}")
    remote.write(probe, b"")
    try:
        now, written = remote.modified(probe), remote.modified(path)
    finally:
        remote.remove(probe)
    return now is not None and written is not None and now - written < limit_s
