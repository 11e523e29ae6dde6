"""What the store holds: its size by model and corpus, whether it can be read, and how to make it smaller."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sertools.errors import StoreError

DAY_S = 24 * 60 * 60
UNFINISHED_S = 60 * 60
"""Age from which a file of a write that never ended counts as left behind, not as being written."""

SHARD_FILE = re.compile(r"\d{5}\.(parquet|layers\.npy)|\.\d{5}\.(parquet|layers\.npy)\.\d+\.part")
"""What the store calls its files; nothing of another name is counted or deleted."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is stored of one model on one corpus, under all conditions.

    Attributes:
        model, corpus: names of their folders, a readable name and a hash
        conditions: under how many kinds of sound
        shards: files of scores
        bytes: size of all files
        written: when the newest file was written, seconds since 1970
        folder: where they lie
    """

    model: str
    corpus: str
    conditions: int
    shards: int
    bytes: int
    written: float
    folder: Path


def entries(root: Path) -> list[Entry]:
    """All entries of a store, in the order of their names; none where there is no store."""
    found = []
    for folder in sorted(path for path in root.glob("*/*") if path.is_dir()):
        files = _files(folder)
        stats = [path.stat() for path in files]
        if not stats:
            continue
        found.append(
            Entry(
                model=folder.parent.name,
                corpus=folder.name,
                conditions=len({path.parent for path in files}),
                shards=sum(path.suffix == ".parquet" for path in files),
                bytes=sum(stat.st_size for stat in stats),
                written=max(stat.st_mtime for stat in stats),
                folder=folder,
            )
        )
    return found


def verify(root: Path) -> list[tuple[Path, str]]:
    """Files of a store that cannot be read whole, each with the reason; empty where all is well.

    Every table is read to the end, every array is mapped and compared with the rows of its table. A damaged
    shard costs no result: the next run computes it again. A number that something else changed in place is
    found where the file carries a checksum of it.
    """
    damaged = []
    for path in sorted(root.glob("*/*/*/*.parquet")):
        reason = _damage(path) if SHARD_FILE.fullmatch(path.name) else ""
        if reason:
            damaged.append((path, reason))
    return damaged + [(path, "left behind by a write that never ended") for path in _unfinished(root)]


def prune(
    root: Path, *, older_than_days: float | None = None, model: str = "", damaged: bool = False
) -> tuple[int, int]:
    """Deletes entries of a store; returns how many files and bytes went.

    Args:
        root: of the store
        older_than_days: entries whose newest file is older; any age where None
        model: entries of the model of this name (with or without its hash); any model where empty
        damaged: instead of entries, the files that `verify` names

    Raises:
        StoreError: nothing says what to delete, no model has that name, or a file cannot be deleted
    """
    if damaged:
        doomed = [path for path, _ in verify(root)]
        return _delete(root, [*doomed, *(layers for path in doomed if (layers := _layers(path)).exists())])
    if older_than_days is None and not model:
        raise StoreError("nothing says what to delete", hint="--older-than DAYS, --model NAME or --damaged")
    if older_than_days is not None and not older_than_days >= 0:
        raise StoreError(f"--older-than {older_than_days:g} is no number of days")
    known = entries(root)
    if model:
        chosen = [entry for entry in known if model in {entry.model, entry.model.rpartition("-")[0]}]
        if not chosen:
            names = ", ".join(sorted({entry.model for entry in known})) or "nothing"
            raise StoreError(f"the store has nothing of a model {model!r}", hint=f"it has {names}")
        known = chosen
    if older_than_days is not None:
        oldest = time.time() - older_than_days * DAY_S
        known = [entry for entry in known if entry.written < oldest]
    return _delete(root, [path for entry in known for path in _files(entry.folder)])


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*/*")) if path.is_file() and SHARD_FILE.fullmatch(path.name)]


def _damage(path: Path) -> str:
    try:
        rows = pq.read_table(path, page_checksum_verification=True).num_rows
    except (pa.ArrowException, OSError) as error:
        return f"no readable Parquet: {str(error).splitlines()[0]}"
    layers = _layers(path)
    if not layers.exists():
        return ""
    try:
        means = np.load(layers, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        return f"{layers.name} beside it cannot be read: {str(error).splitlines()[0]}"
    return "" if len(means) == rows else f"{layers.name} beside it has {len(means)} rows, not {rows}"


def _layers(path: Path) -> Path:
    return path.with_name(f"{path.stem}.layers.npy")


def _unfinished(root: Path) -> Iterator[Path]:
    now = time.time()
    for path in sorted(root.glob("*/*/*/.*.part")):
        if SHARD_FILE.fullmatch(path.name) and now - path.stat().st_mtime > UNFINISHED_S:
            yield path


def _delete(root: Path, files: Sequence[Path]) -> tuple[int, int]:
    """Deletes files and the folders that this leaves empty."""
    n, size = 0, 0
    for path in files:
        try:
            bytes_of_file = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            continue  # another process was quicker
        except OSError as error:
            raise StoreError(f"cannot delete {path}: {error.strerror}") from error
        n, size = n + 1, size + bytes_of_file
        for folder in path.parents:
            if folder == root or any(folder.iterdir()):
                break
            folder.rmdir()
    return n, size


def table(root: Path) -> tuple[list[str], list[list[str | int | float | bool | None]]]:
    """What `sertools cache` shows: columns, and a row for each model on each corpus."""
    columns = ["model", "corpus", "conditions", "shards", "MB", "days old"]
    now = time.time()
    return columns, [
        [e.model, e.corpus, e.conditions, e.shards, e.bytes / 1e6, (now - e.written) / DAY_S]
        for e in entries(root)
    ]
