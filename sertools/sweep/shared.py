"""The folder of a sweep at a URL, such as `s3://bucket/sweep`, with a folder of this machine in front of it.

States, leases and the lines of workers are files at the URL; results and logs are written here and copied
there. The functions take paths of the folder in front. A folder that all machines share needs no copy, and
`file://` is such a folder.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sertools import files
from sertools.store.remote import URL, Remote, connect, front

_connected: dict[Path, Remote] = {}


def folder(out: str | Path) -> Path:
    """The folder of a sweep on this machine: itself, or the one in front of a URL.

    Raises:
        StoreError: the URL cannot be reached, its package is not installed, or credentials are missing
    """
    found = URL.fullmatch(str(out))
    if not found or f"{found['scheme']}:" not in files.URLS:
        return Path(out).absolute()
    if found["scheme"] == "file":
        return Path("/") / found["rest"]
    url = f"{found['scheme']}://{found['rest'].rstrip('/')}"
    here = front(url, "sweeps")
    if here not in _connected:
        _connected[here] = connect(url, here)
    return here


def remote_of(path: Path) -> Remote | None:
    """The URL that a path belongs to; None for a path of a folder that all machines share."""
    return next((remote for here, remote in _connected.items() if path.is_relative_to(here)), None)


def name_of(out: Path) -> str:
    """The URL whose front a folder is, or the folder itself: the address for another machine."""
    return _connected[out].url if out in _connected else str(out)


def check_writable(out: Path) -> None:
    """Checks that the folder of a sweep can be written, here and at its URL; leaves nothing behind.

    Raises:
        StoreError: it cannot
    """
    files.check_writable(out)
    if out in _connected:
        _connected[out].check_writable()


def read(path: Path) -> bytes | None:
    """The content of a file that all machines see; None if there is none.

    Raises:
        StoreError: the URL cannot be read
    """
    remote = remote_of(path)
    if remote:
        return remote.read(path)
    try:
        return path.read_bytes()
    except OSError:
        return None


def write(path: Path, text: str) -> None:
    """Writes a file that all machines see; a power failure may leave the older one.

    Raises:
        StoreError: it cannot be written
    """
    remote = remote_of(path)
    if remote:
        remote.write(path, text.encode())
    else:
        files.write_text(path, text, durable=False)


def names(place: Path) -> list[str]:
    """The names of the files in a folder that all machines see; none if there is no such folder.

    Raises:
        StoreError: the URL cannot be read
    """
    remote = remote_of(place)
    if remote:
        return [path.name for path in remote.files(place)]
    return [path.name for path in place.iterdir()] if place.is_dir() else []


def publish(path: Path) -> None:
    """Copies a file, or all files of a folder but hidden ones, to the URL; nothing if there is none.

    Raises:
        StoreError: the URL cannot be written
    """
    remote = remote_of(path)
    if remote:
        chosen = [path] if path.is_file() else [each for each in path.rglob("*") if _is_result(each, path)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each: remote.write(each, each.read_bytes()), chosen))


def _is_result(path: Path, below: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(below).parts)
    return path.is_file() and not hidden


def fetch(place: Path) -> None:
    """Copies the files of a folder, or a file, from the URL, which are not here or have another size.

    Raises:
        StoreError: the URL cannot be read, or the folder in front not written
    """
    remote = remote_of(place)
    if remote:
        wanted = [
            path
            for path, size in remote.files(place).items()
            if not path.is_file() or path.stat().st_size != size
        ]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(remote.fetch, wanted))
