"""Reads TOML, JSON and YAML with one message for each problem, and writes files whole or not at all."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
import uuid
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from sertools.errors import SertoolsError, StoreError

URLS = ("s3:", "gs:", "gcs:", "az:", "abfs:", "file:", "http:", "https:", "memory:")
"""Beginnings of URLs, as parts of a path."""

PART = re.compile(r"\..+\.(?P<pid>\d+)\.part")
"""Names of the temporary files of `atomic`."""

MAX_BYTES = 32 * 2**20
"""Largest TOML, JSON or YAML file that is read; descriptions of models and corpora are far smaller."""

MAX_DEPTH = 100
"""Deepest nesting of a YAML file; the parser has no limit of its own and would crash."""

MAX_NODES = 5_000_000
"""Largest number of values in a YAML file, each alias counted with all values that it stands for."""


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
    """Reads a YAML file, with the same arguments and errors as `read_toml`; runs no code from it.

    Tags, which name types to be built, are refused, and so are files that are deeply nested or that grow
    beyond `MAX_NODES` by aliases.
    """
    return _read(path, "YAML", parse_yaml, error=error, what=what, hint=hint)


def parse_yaml(text: str) -> Any:
    """The value that a YAML text describes, by the rules of `read_yaml`.

    Raises:
        ValueError: the text is not valid, or is refused
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast
    try:
        check_yaml(text)
        return yaml.load(text, Loader=loader)  # nosec B506  # noqa: S506 (both loaders are safe)
    except yaml.YAMLError as problem:
        raise ValueError(str(problem)) from problem


def check_yaml(text: str, *, tags: bool = False) -> None:
    """Checks tags, depth and expanded size of a YAML text without building anything from it.

    Args:
        text: the YAML
        tags: whether tags are allowed, because the caller builds nothing from them

    Raises:
        ValueError: the text is refused
        yaml.YAMLError: the text is not valid
    """
    import yaml

    events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    counts, anchors, sizes = [0], [""], dict[str, int]()
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            counts[-1] += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.NodeEvent):
            tag = getattr(event, "tag", None)
            if not tags and tag not in {None, "!"}:
                raise ValueError(f"it has the tag {tag!r}, which is not allowed")
            counts.append(1)
            anchors.append(event.anchor or "")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionEndEvent):
            size = counts.pop()
            sizes[anchors.pop()] = size
            counts[-1] += size
        if len(counts) > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        if counts[-1] > MAX_NODES:
            raise ValueError(f"it has more than {MAX_NODES} values")


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
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise error(f"{path} is larger than {MAX_BYTES >> 20} MB, too large for {what}", hint=hint)
        return parse(content.decode("utf-8").replace("\r\n", "\n"))
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
def atomic(path: Path, *, error: type[SertoolsError] = StoreError, durable: bool = True) -> Iterator[Path]:
    """A temporary path to write to, which is renamed to `path` only if no error occurs.

    The content is on the disk before the file gets its name, so that even a power failure leaves the old file
    or the new one. If `path` is a symbolic link, it stays, and the file that it points to is replaced. An
    older file keeps its owner and its permissions; if the owner cannot be kept, the file is not replaced but
    written to, as is a device or a pipe.

    Args:
        path: the file
        error: class of errors of the disk
        durable: False to leave it to the caller to call `sync` for this file and many others at once

    Raises:
        SertoolsError: of class `error`; no permission, no space, or another disk error; no partial file is
            left
    """
    target = Path(os.path.realpath(path))
    special = path.exists() and not path.is_file() and not path.is_dir()
    folder = Path(tempfile.gettempdir()) if special else target.parent
    part = folder / f".{target.name}.{os.getpid()}.part"
    with disk_errors(path, error):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            yield part
            if special or not _keep_owner(part, target):
                path.write_bytes(part.read_bytes())
            else:
                if durable:
                    _sync(part)
                part.replace(target)
                if durable:
                    _sync_folder(folder)
        finally:
            with contextlib.suppress(OSError):  # if nothing could be written, there is nothing to delete
                part.unlink()


@contextlib.contextmanager
def atomic_folder(path: Path, *, error: type[SertoolsError] = StoreError) -> Iterator[Path]:
    """A new temporary folder to fill, which is renamed to `path` only if no error occurs.

    `path` must not exist, or must be an empty folder. As with `atomic`, all files are on the disk before the
    folder gets its name.

    Raises:
        SertoolsError: of class `error`; `path` is not empty, no permission, no space, or another disk error
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    with disk_errors(path, error):
        part.mkdir(parents=True)
        try:
            yield part
            sync([each for each in part.rglob("*") if each.is_file()])
            for each in (part, *part.rglob("*")):
                if each.is_dir():
                    _sync_folder(each)
            part.replace(target)
            _sync_folder(target.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def sync(paths: Collection[Path]) -> None:
    """Waits until files and the names in their folders are on the disk, which can write many at once."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(_sync, paths))
    for folder in {path.parent for path in paths}:
        _sync_folder(folder)


def write_text(
    path: Path, text: str, *, error: type[SertoolsError] = StoreError, durable: bool = True
) -> None:
    """Writes a UTF-8 text file atomically, see `atomic`."""
    write_bytes(path, text.encode("utf-8"), error=error, durable=durable)


def write_bytes(
    path: Path, content: bytes, *, error: type[SertoolsError] = StoreError, durable: bool = True
) -> None:
    """Writes a binary file atomically, see `atomic`."""
    with atomic(path, error=error, durable=durable) as part:
        part.write_bytes(content)


def write_sealed(path: Path, text: str) -> None:
    """Writes a text with a fingerprint, for `read_sealed`; nothing where the place cannot be written."""
    with contextlib.suppress(StoreError):
        write_text(path, f"{_seal(text)}\n{text}")


def read_sealed(path: Path) -> str | None:
    """A text from `write_sealed`; None if there is none, or if a single bit of it has changed."""
    try:
        content = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    seal, _, text = content.partition("\n")
    return text if seal == _seal(text) else None


def _seal(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@contextlib.contextmanager
def disk_errors(path: Path, error: type[SertoolsError] = StoreError) -> Iterator[None]:
    """Turns errors of the disk while writing to `path` into an error of class `error`, with a hint."""
    try:
        yield
    except OSError as problem:
        raise _explained(problem, path, error) from problem


def _keep_owner(part: Path, target: Path) -> bool:
    """Gives a new file the owner and the permissions of the one that it replaces; false if it must not."""
    try:
        old, new = target.stat(), part.stat()
    except FileNotFoundError:
        return True
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        try:
            os.chown(part, old.st_uid, old.st_gid)
        except (OSError, AttributeError):  # Windows has no owners of this kind
            return False
    part.chmod(old.st_mode & 0o7777)
    return True


def _sync(file: Path) -> None:
    """Waits until the content of a file is on the disk."""
    with file.open("r+b") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the file system can do that."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot
            os.fsync(number)
    finally:
        os.close(number)


def check_writable(folder: Path, *, error: type[SertoolsError] = StoreError) -> None:
    """Checks before the work begins that results can be written; leaves nothing behind.

    Raises:
        SertoolsError: of class `error`; the folder cannot be created or written, or is a URL
    """
    scheme = next((part for part in folder.parts if part in URLS), "")
    if scheme:  # which would become a folder of that name
        rest = str(folder).partition(scheme)[2].lstrip("/")
        raise error(
            f"cannot write {scheme}//{rest}: results are written to a folder, not to a URL",
            hint="name a folder, on several machines one that they share; only --cache may be a URL",
        )
    with disk_errors(folder, error):
        existing = next(parent for parent in (folder, *folder.absolute().parents) if os.path.lexists(parent))
        with tempfile.TemporaryFile(dir=existing):
            pass


def _explained(problem: OSError, path: Path, error: type[SertoolsError]) -> SertoolsError:
    if problem.errno == errno.ENOSPC:
        return error(
            f"the disk is full: cannot write under {path}",
            hint="free some space and run the same command again: finished work is saved",
        )
    if problem.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return error(f"no permission to write {path}", hint="choose another --out or --cache")
    if problem.errno in {errno.ENOTDIR, errno.EEXIST}:
        return error(f"cannot write {path}: a file is in its way", hint="choose another --out or --cache")
    return error(f"cannot write {path}: {problem.strerror or problem}")


def state_of(path: Path) -> tuple[int, ...]:
    """File attributes that change when a file is written or replaced: size, times in ns, inode.

    Raises:
        OSError: there is no such file
    """
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev
