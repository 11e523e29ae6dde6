"""A store at a URL, such as `s3://bucket/folder`, for many machines, with a cache in front of it.

A shard that the cache lacks is fetched; a new one is written to both. At the URL a shard is only created,
never replaced: if another worker was faster, its shard counts, and the cache gets that one. Nothing waits for
a lock, because two workers that compute the same shard write the same content. Only a shard that is damaged
there is replaced.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sertools import files
from sertools.errors import StoreError

URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/+(?P<rest>.*)")
"""A URL, or what is left of one after it was taken for a path; one letter before the colon is a drive."""

SHARED = re.compile(r"\d{5}\.(parquet|layers\.npy|acoustics\.npy)|.+\.(sums|between)\.npy")
"""Names of files that are written once and are the same for all workers."""

_connected: dict[Path, "Remote"] = {}


@dataclass(frozen=True, eq=False)
class Remote:
    """A store at a URL.

    Attributes:
        url: where it is
        system: its file system, of fsspec
        base: its folder there
        root: the folder of the cache in front of it
    """

    url: str
    system: Any
    base: str
    root: Path

    def fetch(self, path: Path) -> bool:
        """Copies a file into the cache; False if the store lacks it.

        Raises:
            StoreError: the store cannot be read
        """
        content = self._content(path)
        if content is None:
            return False
        files.write_bytes(path, content)
        return True

    def publish(self, path: Path, intact: Callable[[Path], bool]) -> None:
        """Copies a new file of the cache to the store; one that is there and intact counts instead.

        Args:
            path: the file in the cache
            intact: whether the content of a file is complete and unchanged

        Raises:
            StoreError: the store cannot be written
        """
        content = path.read_bytes()
        with _explained(self.url, "write"):
            if self._create(self._name(path), content):
                return
        there = self._content(path)
        if there == content:
            return
        if there is not None:
            copy = path.with_name(f"{uuid.uuid4().hex}{path.suffix}")
            try:
                copy.write_bytes(there)
                if intact(copy):
                    copy.replace(path)
                    return
            finally:
                copy.unlink(missing_ok=True)
        with _explained(self.url, "write"):
            self._write(self._name(path), content)

    def read(self, path: Path) -> bytes | None:
        """The content of a file at the URL; None if there is none.

        Raises:
            StoreError: the URL cannot be read
        """
        return self._content(path)

    def write(self, path: Path, content: bytes) -> None:
        """Writes a file at the URL, in place of an older one.

        Raises:
            StoreError: the URL cannot be written
        """
        with _explained(self.url, "write"):
            self._write(self._name(path), content)

    def create(self, path: Path, content: bytes) -> bool:
        """Writes a new file at the URL; False if there is one of that name, whoever wrote it.

        Raises:
            StoreError: the URL cannot be written
        """
        with _explained(self.url, "write"):
            return self._create(self._name(path), content)

    def remove(self, path: Path) -> None:
        """Removes a file at the URL, if there is one.

        Raises:
            StoreError: the URL cannot be written
        """
        with _explained(self.url, "write"), suppress(FileNotFoundError):
            self.system.rm_file(self._name(path))

    def files(self, folder: Path) -> dict[Path, int]:
        """The files at the URL below a folder of the cache, as paths there, each with its size in bytes.

        Raises:
            StoreError: the URL cannot be read
        """
        self.system.invalidate_cache()
        found: dict[str, Any] = {}
        with _explained(self.url, "read"), suppress(FileNotFoundError):
            found = self.system.find(self._name(folder), detail=True)
        return {self.root / name.removeprefix(f"{self.base}/"): each["size"] for name, each in found.items()}

    def modified(self, path: Path) -> float | None:
        """When a file was written last, in s by the clock of the URL; None if there is no such file.

        Raises:
            StoreError: the URL cannot be read
        """
        self.system.invalidate_cache()
        with _explained(self.url, "read"), suppress(FileNotFoundError):
            written = self.system.modified(self._name(path))
            return float(written.timestamp())
        return None

    def check_writable(self) -> None:
        """Checks that the store can be written; leaves nothing behind.

        Raises:
            StoreError: it cannot
        """
        probe = f"{self.base}/.probe-{uuid.uuid4().hex}"
        with _explained(self.url, "write"):
            self._create(probe, b"")
            self.system.rm_file(probe)

    def _name(self, path: Path) -> str:
        return f"{self.base}/{path.relative_to(self.root).as_posix()}"

    def _content(self, path: Path) -> bytes | None:
        with _explained(self.url, "read"), suppress(FileNotFoundError):
            content: bytes = self.system.cat_file(self._name(path))
            return content
        return None

    @property
    def _is_local(self) -> bool:
        return "file" in self.system.protocol

    def _create(self, name: str, content: bytes) -> bool:
        """Writes a file at once; False if there is one already."""
        try:
            if self._is_local:
                self._link(name, content)
            else:
                self.system.pipe_file(name, content, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            if "ConditionalRequestConflict" in f"{error} {error.__cause__}":  # another one writes it just now
                return False
            raise
        return True

    def _write(self, name: str, content: bytes) -> None:
        if self._is_local:
            files.write_bytes(Path(name), content)
        else:
            self.system.pipe_file(name, content)

    def _link(self, name: str, content: bytes) -> None:
        """Gives a complete file its name, which fails if the name is taken."""
        target = Path(name)
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            os.link(part, target)
        finally:
            part.unlink(missing_ok=True)


def local(place: str | Path) -> Path:
    """The folder of a store on this machine: the place itself, or the cache in front of a URL.

    Raises:
        StoreError: the URL cannot be reached, its package is not installed, or credentials are missing
    """
    found = URL.fullmatch(str(place))
    if not found:
        return Path(place)
    url = f"{found['scheme']}://{'/' if found['scheme'] == 'file' else ''}{found['rest'].rstrip('/')}"
    root = front(url)
    if root not in _connected:
        _connected[root] = connect(url, root)
    return root


def name_of(place: Path | None) -> str | None:
    """The URL whose cache a folder is, or the folder itself: the address for another machine."""
    remote = None if place is None else _connected.get(place)
    return remote.url if remote else None if place is None else str(place)


def remote_of(path: Path) -> Remote | None:
    """The store at a URL to which a file of its cache belongs; None for all other files."""
    if not _connected or not SHARED.fullmatch(path.name):
        return None
    return next((remote for root, remote in _connected.items() if path.is_relative_to(root)), None)


def check_writable(root: Path) -> None:
    """Checks that a store can be written, on this machine and at its URL if it has one.

    Raises:
        StoreError: it cannot
    """
    files.check_writable(root)
    if root in _connected:
        _connected[root].check_writable()


def front(url: str, kind: str = "remote") -> Path:
    """The folder on this machine in front of a URL, below that of its kind."""
    import platformdirs

    digest = hashlib.blake2b(url.encode(), digest_size=8).hexdigest()
    return Path(platformdirs.user_cache_dir("sertools")) / kind / digest


def connect(url: str, root: Path) -> Remote:
    """The files at a URL, with a folder on this machine in front of them.

    Raises:
        StoreError: the URL cannot be reached, its package is not installed, or credentials are missing
    """
    with _explained(url, "read"):
        import fsspec

        system, base = fsspec.url_to_fs(url)
        with suppress(FileNotFoundError):  # the folder appears with its first shard
            system.ls(base)
    return Remote(url=url, system=system, base=str(base).rstrip("/"), root=root)


@contextmanager
def _explained(url: str, what: str) -> Iterator[None]:
    """Turns whatever a file system raises into one sentence."""
    try:
        yield
    except (FileNotFoundError, StoreError) as error:
        if what == "read" or isinstance(error, StoreError):
            raise
        raise StoreError(f"{url} does not exist: {_short(error)}") from error
    except ImportError as error:
        scheme = url.partition(":")[0]
        hint = f"python -m pip install '.[{scheme}]'" if scheme == "s3" else f"fsspec says: {_short(error)}"
        raise StoreError(f"{scheme} URLs need a package that is not installed", hint=hint) from error
    except Exception as error:  # each file system has its own classes of errors
        name = type(error).__name__
        if "Credential" in name:
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws"
            raise StoreError(f"there are no credentials for {url}", hint=hint) from error
        if "RequestTimeTooSkewed" in f"{name} {error} {error.__cause__}":
            raise StoreError(
                f"the clock of this machine differs too much from that of {url}", hint="set the clock"
            ) from error
        if isinstance(error, PermissionError):
            raise StoreError(
                f"no permission to {what} {url}: {_short(error)}", hint="check the credentials"
            ) from error
        raise StoreError(f"cannot {what} {url}: {_short(error)}") from error


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
