"""Writes files whole or not at all."""

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sertools.errors import StoreError

PART = re.compile(r"\..+\.(?P<pid>\d+)\.part")
"""Names of the temporary files of `atomic`."""


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which is renamed to `path` only if no error occurs.

    Raises:
        StoreError: no permission, no space, or another disk error; no partial file is left
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with contextlib.suppress(OSError):  # if nothing could be written, there is nothing to delete
            part.unlink()


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically.

    Raises:
        StoreError: no permission, no space, or another disk error
    """
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def check_writable(folder: Path) -> None:
    """Checks before the work begins that results can be written; leaves nothing behind.

    Raises:
        StoreError: the folder cannot be created or written
    """
    try:
        there = next(parent for parent in (folder, *folder.absolute().parents) if os.path.lexists(parent))
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise _explained(error, folder) from error


def _explained(error: OSError, where: Path) -> StoreError:
    if error.errno == errno.ENOSPC:
        return StoreError(
            f"the disk is full: cannot write under {where}",
            hint="free some space and run the same command again: finished work is saved",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreError(f"no permission to write {where}", hint="choose another --out or --cache")
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return StoreError(
            f"{where} cannot be a folder: a file is in its way", hint="choose another --out or --cache"
        )
    return StoreError(f"cannot write {where}: {error.strerror or error}")
