"""Stores predictions and layer means on disk, in append-only shards that are written atomically and sealed.

`ROOT/<model>-<hash>/<corpus>-<hash>/<condition>-<hash>/00000.parquet`, with `00000.layers.npy` next to it if
layers were requested. A shard holds the clips `s·i … s·(i+1)−1` of the corpus in corpus order, s = `SHARD` or
what the model asks for, so its name determines its content: two processes that write the same shard write the
same content.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sertools.files import PART, atomic
from sertools.store.remote import remote_of

SHARD = 64
"""Clips per shard: the most that an interruption can lose."""


SEAL = b"sertools.seal"
"""Metadata key of the fingerprint of a shard's content."""


ARRAY_SEAL = 16
"""Size in bytes of the fingerprint at the end of an array file."""

HOUR_S, DAY_S = 60 * 60, 24 * 60 * 60


def shards(clips: pd.Index, size: int = SHARD) -> Iterator[tuple[int, pd.Index]]:
    """Number and clips of every shard of this size, in corpus order."""
    for i in range(0, len(clips), size):
        yield i // size, clips[i : i + size]


def read_shard(folder: Path, i: int, clips: pd.Index) -> pd.DataFrame | None:
    """The scores of a shard, index `clips`, columns `reason` and one per label; None if it does not exist.

    A file that is damaged, even by a single bit, or holds other clips, counts as missing and is rewritten.
    """
    scores = read_scores(folder / f"{i:05d}.parquet")
    return scores if scores is not None and list(scores.index) == list(clips) else None


def read_scores(path: Path) -> pd.DataFrame | None:
    """The scores of a shard with any clips; None if it does not exist or a single bit has changed."""
    _fetched(path)
    return _scores(path)


def _scores(path: Path) -> pd.DataFrame | None:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        sealed = (table.schema.metadata or {}).get(SEAL, b"").decode()
        scores: pd.DataFrame = table.replace_schema_metadata(None).to_pandas().set_index("clip")
        whole = _seal(scores) == sealed
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ):  # the errors that Arrow raises on damaged files
        return None
    return scores if whole else None


def _seal(scores: pd.DataFrame) -> str:
    """Fingerprint of clips, labels and numbers of a shard; Parquet itself does not detect a flipped bit."""
    content = [list(scores.index), [[name, scores[name].tolist()] for name in scores]]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()


def read_layers(folder: Path, i: int, n: int) -> NDArray[Any] | None:
    """The layer means of a shard, shape (n, l, d), memory-mapped; None if missing or damaged."""
    layers = read_array(layers_path(folder, i))
    return layers if layers is not None and layers.shape[:1] == (n,) else None


def layers_path(folder: Path, i: int) -> Path:
    """The file with the layer means of a shard."""
    return folder / f"{i:05d}.layers.npy"


def read_array(path: Path) -> NDArray[Any] | None:
    """An array from `write_array`, memory-mapped; None if it does not exist or a single bit has changed."""
    _fetched(path)
    return _array(path)


def _array(path: Path) -> NDArray[Any] | None:
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
        if _hash(content[:-ARRAY_SEAL]) != content[-ARRAY_SEAL:].tobytes():
            return None
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Writes an array atomically as an npy file, followed by its fingerprint.

    NumPy can read such a file, because it ignores what follows the array.

    Raises:
        StoreError: no permission, no space, or another disk error; no partial file is left
    """
    with _new_file(path) as file:
        np.save(file, array, allow_pickle=False)
        _seal_array(file)
    _published(path, lambda copy: _array(copy) is not None)


def write_rows(path: Path, rows: Iterable[NDArray[Any]], n: int) -> None:
    """Writes an array of n ≥ 1 rows of equal shape like `write_array`, without holding all in memory.

    Raises:
        StoreError: no permission, no space, or another disk error; no partial file is left
    """
    with _new_file(path) as file:
        for i, row in enumerate(rows):
            if i == 0:
                header = {"descr": row.dtype.str, "fortran_order": False, "shape": (n, *row.shape)}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(row).data)
        _seal_array(file)
    _published(path, lambda copy: _array(copy) is not None)


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file atomically.

    Raises:
        StoreError: no permission, no space, or another disk error; no partial file is left
    """
    with _new_file(path) as file:
        file.write((json.dumps(content, indent=1) + "\n").encode())


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file to write to, which gets its name only when it is complete and on the disk."""
    with atomic(path) as part, part.open("wb") as file:
        yield file


def _seal_array(file: BinaryIO) -> None:
    """Adds the fingerprint of all that has been written to a file."""
    file.flush()
    file.write(_hash(np.memmap(file.name, dtype=np.uint8, mode="r")))


def _hash(content: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(content.data, digest_size=ARRAY_SEAL).digest()


def write_shard(folder: Path, i: int, scores: pd.DataFrame, layers: NDArray[Any] | None = None) -> None:
    """Writes a shard: layers first, then the scores, whose file shows that the shard is complete.

    Args:
        folder: folder of the key
        i: number of the shard
        scores: index `clip`, columns `reason` (empty where scored) and one per label
        layers: shape (n, l, d), float32; rows of nan for missing clips

    Raises:
        StoreError: no permission, no space, or another disk error; no partial file is left
    """
    if layers is not None:
        write_array(layers_path(folder, i), layers.astype(np.float32))
    table = pa.Table.from_pandas(scores.reset_index(), preserve_index=False)
    table = table.replace_schema_metadata({SEAL: _seal(scores)})
    path = folder / f"{i:05d}.parquet"
    with _new_file(path) as file:
        pq.write_table(table, file)
    _published(path, lambda copy: _scores(copy) is not None)


def _fetched(path: Path) -> None:
    """Gets a file that the cache in front of a URL lacks."""
    remote = remote_of(path)
    if remote and not path.exists():
        remote.fetch(path)


def _published(path: Path, intact: Callable[[Path], bool]) -> None:
    """Copies a new file of the cache in front of a URL to the store there."""
    remote = remote_of(path)
    if remote:
        remote.publish(path, intact)


def regroup(
    folder: Path, parts: Sequence[pd.Index], into: Path, todo: Sequence[tuple[int, pd.Index]]
) -> tuple[tuple[int, pd.Index], ...]:
    """Moves scores and layer means from shards that divide the clips in one way to shards of another way.

    Args:
        folder: folder of the shards to move, which are deleted
        parts: clips of each of its shards
        into: folder of the new shards
        todo: number and clips of each new shard

    Returns:
        the new shards that could not be written, because `folder` lacks one of their clips

    Raises:
        StoreError: a shard cannot be written
    """
    tables: list[pd.DataFrame] = []
    means: list[NDArray[Any]] = []
    where: dict[Any, tuple[int, int]] = {}
    for u, clips in enumerate(parts):
        scores, layers = read_shard(folder, u, clips), read_layers(folder, u, len(clips))
        if scores is not None and layers is not None:
            where.update({clip: (len(means), row) for row, clip in enumerate(clips)})
            tables.append(scores)
            means.append(layers)
    every = pd.concat(tables) if tables else pd.DataFrame()
    shape = max((part.shape[1:] for part in means), default=(0, 0))
    lacking = []
    for i, clips in todo:
        if any(clip not in where for clip in clips):
            lacking.append((i, clips))
            continue
        layers = np.full((len(clips), *shape), np.nan, dtype=np.float32)
        for k, clip in enumerate(clips):
            part, row = where[clip]
            if means[part].shape[1]:
                layers[k] = means[part][row]
        write_shard(into, i, every.loc[clips], layers)
    for path in (*folder.glob("[0-9]*.parquet"), *folder.glob("[0-9]*.layers.npy")):
        path.unlink(missing_ok=True)
    return tuple(lacking)


def left_behind(folder: Path) -> Iterator[Path]:
    """Temporary files of writes that never finished: older than an hour with no such process, or than a day.

    A write takes seconds and updates the time of its file. Processes of other machines on a shared disk
    cannot be seen, so their files are kept for a day.
    """
    for path in sorted(folder.glob(".*.part")):
        named = PART.fullmatch(path.name)
        with contextlib.suppress(FileNotFoundError):  # its process has removed it meanwhile
            age_s = time.time() - path.lstat().st_mtime
            if named and (age_s > DAY_S or (age_s > HOUR_S and not _runs(int(named["pid"])))):
                yield path


def sweep(folder: Path) -> None:
    """Deletes temporary files of unfinished writes in a folder."""
    for path in left_behind(folder):
        with contextlib.suppress(OSError):  # a leftover file only costs space
            path.unlink()


def _runs(process: int) -> bool:
    """Whether a process with this id may be running here; True if that is unknown."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True, kw_only=True)
class KeptSums:
    """The files of sums that are computed cell by cell, and of the sums that run through all cells.

    While they are computed, finished cells and a state to resume from are kept in files of their own.

    Attributes:
        folder: folder of the files
        name: prefix of their names
        cells: number of cells
        size: number of values in the sums of one cell
        running: number of values in the sums that run through all cells
    """

    folder: Path
    name: str
    cells: int
    size: int
    running: int

    def read(self, *, checked: bool = True) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Sums (cells, size) and running sums (running,), memory-mapped; None if they are not finished.

        Args:
            checked: whether the fingerprints are compared; False for files that were written just now
        """
        files = [self._path("sums"), self._path("between")]
        if checked:
            sums, running = map(read_array, files)
        else:
            sums, running = (np.load(path, mmap_mode="r", allow_pickle=False) for path in files)
        if sums is None or running is None:
            return None
        whole = sums.shape == (self.cells, self.size) and running.shape == (self.running,)
        return (sums, running) if whole else None

    def resume(self, cell: Sequence[int]) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """Number of the first part still to sum, the sums of its cell so far, and the running sums so far.

        Args:
            cell: the cell of each part, in the order in which the parts are summed
        """
        state = read_array(self._path("begun"))
        if state is not None and state.shape == (1 + self.size + self.running,):
            begin = int(state[0])
            finished = {*cell[:begin]} - {*cell[begin:]}
            if all(read_array(self._path(f"cell-{c}")) is not None for c in finished):
                return begin, np.array(state[1 : 1 + self.size]), np.array(state[1 + self.size :])
        return 0, np.zeros(self.size), np.zeros(self.running)

    def write_cells(self, sums: Mapping[int, NDArray[np.float64]]) -> None:
        """Writes the sums of finished cells."""
        for c, flat in sums.items():
            write_array(self._path(f"cell-{c}"), flat)

    def write_state(self, begin: int, flat: NDArray[np.float64], running: NDArray[np.float64]) -> None:
        """Writes what `resume` returns, after the cells that are finished by then."""
        write_array(self._path("begun"), np.concatenate([[float(begin)], flat, running]))

    def finish(self, sums: Mapping[int, NDArray[np.float64]], running: NDArray[np.float64]) -> None:
        """Writes all sums, and deletes what an interrupted run would have needed.

        Args:
            sums: cell → its sums, for those that `write_cells` has not written
            running: the sums that run through all cells
        """
        write_rows(self._path("sums"), (self._cell(c, sums) for c in range(self.cells)), self.cells)
        write_array(self._path("between"), running)
        for what in ("begun", *(f"cell-{c}" for c in range(self.cells))):
            self._path(what).unlink(missing_ok=True)  # many were never written, or are deleted already

    def _cell(self, c: int, sums: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float64]:
        flat = sums[c] if c in sums else read_array(self._path(f"cell-{c}"))
        assert flat is not None, "every cell is finished"
        return flat

    def _path(self, what: str) -> Path:
        return self.folder / f"{self.name}.{what}.npy"
