"""Lists, verifies and prunes the contents of the store."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sertools.errors import StoreError
from sertools.store.store import left_behind, read_array, read_scores

DAY_S = 24 * 60 * 60

FOLDER = re.compile(r".+-[0-9a-f]{10}")
"""Pattern of the store's folder names; nothing outside such folders is counted or deleted."""

SHARD = re.compile(r"\d{5}\.parquet")
"""Pattern of the names of tables with scores."""

RESULTS = "results"
"""Folder of the kept results of audits, of drawn figures, and of what is known of models."""

NOT_WRITTEN = "the file cannot be read, or its content has changed"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The stored files of one model on one corpus, under all conditions.

    Attributes:
        model, corpus: names of their folders, each a readable name and a hash
        conditions: number of conditions
        shards: number of files with scores
        bytes: size of all files
        written: time at which the newest file was written, in seconds since 1970
        folder: folder of the files
    """

    model: str
    corpus: str
    conditions: int
    shards: int
    bytes: int
    written: float
    folder: Path


def entries(root: Path) -> list[Entry]:
    """All entries of a store, sorted by name; empty without a store."""
    found = []
    for folder in sorted({path.parent for path in _folders(root)}):
        files = _files(folder)
        stats = [path.stat() for path in files]
        if not stats:
            continue
        found.append(
            Entry(
                model=folder.parent.name,
                corpus=folder.name,
                conditions=len({path.parent for path in files}),
                shards=sum(SHARD.fullmatch(path.name) is not None for path in files),
                bytes=sum(stat.st_size for stat in stats),
                written=max(stat.st_mtime for stat in stats),
                folder=folder,
            )
        )
    return found


def verify(root: Path) -> list[tuple[Path, str]]:
    """Damaged files of a store, each with the reason; empty if all files are intact.

    Every table and every array is read completely and compared with the fingerprint in its file. Damage
    loses no result: the next run recomputes what is missing.
    """
    found = []
    for folder in _folders(root):
        for path in sorted(folder.iterdir()):
            reason = _damage(path)
            if reason:
                found.append((path, reason))
    leftovers = [path for folder in (*_folders(root), root / "precision") for path in left_behind(folder)]
    return found + [(path, "left behind by a write that never finished") for path in leftovers]


def prune(
    root: Path, *, older_than_days: float | None = None, model: str = "", damaged: bool = False
) -> tuple[int, int]:
    """Deletes entries of a store; returns the numbers of deleted files and bytes.

    A selection by age also deletes kept results of audits that are older.

    Args:
        root: root folder of the store
        older_than_days: delete entries whose newest file is older; None for any age
        model: delete entries of the model with this name (with or without its hash); empty for any model
        damaged: delete the files that `verify` names instead of entries

    Raises:
        StoreError: no selection is given, no model has that name, or a file cannot be deleted
    """
    if damaged:
        return _delete(root, [path for path, _ in verify(root)])
    if older_than_days is None and not model:
        raise StoreError(
            "no entries to delete are selected", hint="--older-than DAYS, --model NAME or --damaged"
        )
    if older_than_days is not None and not older_than_days >= 0:
        raise StoreError(f"--older-than {older_than_days:g} is not a valid number of days")
    known = entries(root)
    if model:
        chosen = [entry for entry in known if model in {entry.model, entry.model.rpartition("-")[0]}]
        if not chosen:
            names = ", ".join(sorted({entry.model for entry in known})) or "nothing"
            raise StoreError(f"the store has no predictions of a model {model!r}", hint=f"it has {names}")
        known = chosen
    results: list[Path] = []
    if older_than_days is not None:
        oldest = time.time() - older_than_days * DAY_S
        known = [entry for entry in known if entry.written < oldest]
        results = [] if model else [path for path in _results(root) if path.stat().st_mtime < oldest]
    return _delete(root, [*results, *(path for entry in known for path in _files(entry.folder))])


def _folders(root: Path) -> list[Path]:
    """The folders of all keys (model, corpus, condition)."""
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is a file, not a cache folder", hint="give a folder with --cache")
    parts = (path for path in sorted(root.glob("*/*/*")) if path.is_dir())
    return [path for path in parts if all(map(FOLDER.fullmatch, path.relative_to(root).parts))]


def _results(root: Path) -> list[Path]:
    """The kept results of audits, and drawn figures."""
    return sorted([*(root / RESULTS).glob("*.json"), *(root / RESULTS).glob("*.svg")])


def _files(folder: Path) -> list[Path]:
    """The tables, arrays and unfinished files of an entry."""
    return [path for path in sorted(folder.glob("*/*")) if path.suffix in {".parquet", ".npy", ".part"}]


def _damage(path: Path) -> str:
    """The reason why a file is damaged; empty if it is intact."""
    if path.suffix == ".npy":
        array = read_array(path)
        if array is None:
            return NOT_WRITTEN
        scores = read_scores(path.with_name(path.name.replace(".layers.npy", ".parquet")))
        if scores is not None and len(array) != len(scores):
            return f"it has {len(array)} rows, but its table has {len(scores)}"
    elif SHARD.fullmatch(path.name) and read_scores(path) is None:
        return NOT_WRITTEN
    return ""


def _delete(root: Path, files: Sequence[Path]) -> tuple[int, int]:
    """Deletes files, and folders that become empty; returns the numbers of files and bytes."""
    n, size = 0, 0
    for path in files:
        try:
            bytes_of_file = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            continue  # another process has deleted it
        except OSError as error:
            raise StoreError(f"cannot delete {path}: {error.strerror}") from error
        n, size = n + 1, size + bytes_of_file
        for folder in path.parents:
            if folder == root or any(folder.iterdir()):
                break
            folder.rmdir()
    return n, size


def table(root: Path) -> tuple[list[str], list[list[str | int | float | bool | None]]]:
    """The table of `sertools cache`: columns, a row for each model on each corpus, and one for results."""
    columns = ["model", "corpus", "conditions", "shards", "MB", "days old"]
    now = time.time()
    rows: list[list[str | int | float | bool | None]] = [
        [e.model, e.corpus, e.conditions, e.shards, e.bytes / 1e6, (now - e.written) / DAY_S]
        for e in entries(root)
    ]
    results = [path.stat() for path in _results(root)]
    if results:
        newest = max(stat.st_mtime for stat in results)
        size = sum(stat.st_size for stat in results) / 1e6
        rows.append(["results and figures", None, None, len(results), size, (now - newest) / DAY_S])
    return columns, rows
