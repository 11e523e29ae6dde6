"""Reads TOML, JSON and YAML with one message for each problem, and writes files whole or not at all."""

import contextlib
import errno
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from sertools.errors import SertoolsError, StoreError

PART = re.compile(r"\..+\.(?P<pid>\d+)\.part")
"""Names of the temporary files of `atomic`."""


def read_toml(
    path: Path | Traversable, *, error: type[SertoolsError], what: str, hint: str = ""
) -> dict[str, Any]:
    """Reads a TOML file.

    Args:
        path: the file
        error: class of the error to raise
        what: the role of the file, for the message, e.g. "the suite"
        hint: what the user can do if the file cannot be read; may be empty

    Raises:
        SertoolsError: of class `error`; the file is missing, cannot be read, is not UTF-8 text, is not valid
            TOML, or is nested too deeply
    """
    content: dict[str, Any] = _read(path, "TOML", tomllib.loads, error=error, what=what, hint=hint)
    return content


def read_json(path: Path | Traversable, *, error: type[SertoolsError], what: str, hint: str = "") -> Any:
    """Reads a JSON file, with the same arguments and errors as `read_toml`."""
    return _read(path, "JSON", json.loads, error=error, what=what, hint=hint)


def read_yaml(path: Path | Traversable, *, error: type[SertoolsError], what: str, hint: str = "") -> Any:
    """Reads a YAML file, with the same arguments and errors as `read_toml`; runs no code from it."""
    import yaml

    def parse(text: str) -> Any:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as problem:
            raise ValueError(str(problem)) from problem

    return _read(path, "YAML", parse, error=error, what=what, hint=hint)


def _read(
    path: Path | Traversable,
    language: str,
    parse: Callable[[str], Any],
    *,
    error: type[SertoolsError],
    what: str,
    hint: str,
) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise error(f"cannot read {what} {path}: {problem.strerror or problem}", hint=hint) from problem
    except UnicodeDecodeError as problem:
        reason = f"byte {problem.start} is not UTF-8 text"
        raise error(f"{path} is not valid {language}: {reason}", hint=hint) from problem
    except RecursionError as problem:
        raise error(f"{path} is not valid {language}: it is nested too deeply", hint=hint) from problem
    except ValueError as problem:
        reason = " ".join(str(problem).split())[:200]
        raise error(f"{path} is not valid {language}: {reason}", hint=hint) from problem


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
