"""Predictions and layer means on disk: append-only shards, written whole or not at all, and sealed.

`ROOT/<model>-<hash>/<corpus>-<hash>/<condition>-<hash>/00000.parquet`, with `00000.layers.npy` beside it
where layers were asked for. A shard holds the clips `SHARD·i … SHARD·(i+1)−1` of the corpus in their order,
so its name says what is in it: two processes that write the same shard write the same content.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sertools.errors import StoreError

SHARD = 64
"""Clips per shard: what an interruption can lose at most."""

SEAL = b"sertools.seal"
"""Key of the fingerprint that a shard carries of its own content."""

ARRAY_SEAL = 16
"""Bytes of the fingerprint at the end of an array's file."""

HOUR_S, DAY_S = 60 * 60, 24 * 60 * 60

PART = re.compile(r"\..+\.(?P<pid>\d+)\.part")
"""Names of the temporary files of `atomic`."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a stored number depends on; each part is a readable name and a fingerprint."""

    model: tuple[str, str]
    corpus: tuple[str, str]
    condition: tuple[str, str]

    def folder(self, root: Path) -> Path:
        """Where the shards of this key lie."""
        return root.joinpath(*(_folder_name(*part) for part in (self.model, self.corpus, self.condition)))


def _folder_name(name: str, fingerprint: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9._@=+-]+", "-", name)[:60].strip("-.") or "unnamed"
    short = hashlib.blake2b(f"{name}\n{fingerprint}".encode(), digest_size=5).hexdigest()
    return f"{readable}-{short}"


def default_root() -> Path:
    """The store in the platform's user cache directory; XDG_CACHE_HOME moves it."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("sertools")) / "store"


def shards(clips: pd.Index) -> Iterator[tuple[int, pd.Index]]:
    """Number and clips of every shard, in corpus order."""
    for i in range(0, len(clips), SHARD):
        yield i // SHARD, clips[i : i + SHARD]


def read_shard(folder: Path, i: int, clips: pd.Index) -> pd.DataFrame | None:
    """The scores of a shard, index `clips`, columns `reason` and one per label; None if it is not there.

    A file that is damaged, by as little as one bit, or is of other clips, counts as not there and is
    written anew.
    """
    scores = read_scores(folder / f"{i:05d}.parquet")
    return scores if scores is not None and list(scores.index) == list(clips) else None


def read_scores(path: Path) -> pd.DataFrame | None:
    """The scores of a shard, whatever its clips; None where it is not there or one bit of it has changed."""
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        sealed = (table.schema.metadata or {}).get(SEAL, b"").decode()
        scores: pd.DataFrame = table.replace_schema_metadata(None).to_pandas().set_index("clip")
        whole = _seal(scores) == sealed
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):  # what damage makes Arrow raise
        return None
    return scores if whole else None


def _seal(scores: pd.DataFrame) -> str:
    """Fingerprint of clips, labels and numbers of a shard: Parquet itself does not notice a flipped bit."""
    content = [list(scores.index), [[name, scores[name].tolist()] for name in scores]]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()


def read_layers(folder: Path, i: int, n: int) -> np.ndarray | None:
    """The layer means of a shard, shape (n, l, d), memory-mapped; None if they are not there, or damaged."""
    layers = read_array(layers_path(folder, i))
    return layers if layers is not None and layers.shape[:1] == (n,) else None


def layers_path(folder: Path, i: int) -> Path:
    """Where the layer means of a shard lie."""
    return folder / f"{i:05d}.layers.npy"


def read_array(path: Path) -> np.ndarray | None:
    """An array of `write_array`, memory-mapped; None where it is not there or one bit of it has changed."""
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
        if _hash(content[:-ARRAY_SEAL]) != content[-ARRAY_SEAL:].tobytes():
            return None
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array


def write_array(path: Path, array: np.ndarray) -> None:
    """Writes an array whole or not at all, as npy that is followed by its fingerprint.

    NumPy reads such a file as any other: what comes after the array does not concern it.

    Raises:
        StoreError: no permission, no space, or another failure of the disk; nothing half is left
    """
    with atomic(path) as part:
        with part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        _seal_array(part)


def write_rows(path: Path, rows: Iterable[np.ndarray], n: int) -> None:
    """Writes an array of n equal rows, at least one, as `write_array` does, without all being in memory.

    Raises:
        StoreError: no permission, no space, or another failure of the disk; nothing half is left
    """
    with atomic(path) as part:
        with part.open("wb") as file:
            for i, row in enumerate(rows):
                if i == 0:
                    header = {"descr": row.dtype.str, "fortran_order": False, "shape": (n, *row.shape)}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(np.ascontiguousarray(row).data)
        _seal_array(part)


def _seal_array(path: Path) -> None:
    seal = _hash(np.memmap(path, dtype=np.uint8, mode="r"))
    with path.open("ab") as file:
        file.write(seal)


def _hash(content: np.ndarray) -> bytes:
    return hashlib.blake2b(content.data, digest_size=ARRAY_SEAL).digest()


def write_shard(folder: Path, i: int, scores: pd.DataFrame, layers: np.ndarray | None = None) -> None:
    """Writes a shard whole: layers first, then the scores that vouch for them.

    Args:
        folder: the key's folder
        i: number of the shard
        scores: index `clip`, columns `reason` (empty where scored) and one per label
        layers: shape (n, l, d), float32; rows of nan for missing clips

    Raises:
        StoreError: no permission, no space, or another failure of the disk; nothing half is left
    """
    if layers is not None:
        write_array(layers_path(folder, i), layers.astype(np.float32))
    table = pa.Table.from_pandas(scores.reset_index(), preserve_index=False)
    table = table.replace_schema_metadata({SEAL: _seal(scores)})
    with atomic(folder / f"{i:05d}.parquet") as part:
        pq.write_table(table, part)


def left_behind(folder: Path) -> Iterator[Path]:
    """Temporary files of writes that never ended: an hour old and of no process here, or a day old.

    A write takes seconds and freshens its file. A process of another machine on a shared disk cannot be seen,
    so its files wait for a day.
    """
    for path in sorted(folder.glob(".*.part")):
        named = PART.fullmatch(path.name)
        with contextlib.suppress(FileNotFoundError):  # its process was quicker
            age_s = time.time() - path.lstat().st_mtime
            if named and (age_s > DAY_S or (age_s > HOUR_S and not _runs(int(named["pid"])))):
                yield path


def sweep(folder: Path) -> None:
    """Deletes what writes that never ended have left in a folder."""
    for path in left_behind(folder):
        with contextlib.suppress(OSError):  # it costs space, but hurts nobody
            path.unlink()


def _runs(process: int) -> bool:
    """Whether a process of this number may run here; True where that cannot be told."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary name to write under, which becomes the real one only when all went well.

    Raises:
        StoreError: no permission, no space, or another failure of the disk; nothing half is left
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
        with contextlib.suppress(OSError):  # where nothing could be written, nothing is left either
            part.unlink()


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all.

    Raises:
        StoreError: no permission, no space, or another failure of the disk
    """
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def check_writable(folder: Path) -> None:
    """Fails before the work begins where its results could not be written; leaves nothing behind.

    Raises:
        StoreError: the folder cannot be made or written
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
            hint="free some space and run the same command again: finished work is kept",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreError(f"no permission to write {where}", hint="choose another --out or --cache")
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return StoreError(
            f"{where} cannot be a folder: a file is in its way", hint="choose another --out or --cache"
        )
    return StoreError(f"cannot write {where}: {error.strerror or error}")
