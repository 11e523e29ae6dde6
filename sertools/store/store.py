"""Stores predictions and layer means on disk, in append-only shards that are written atomically and sealed.

`ROOT/<model>-<hash>/<corpus>-<hash>/<condition>-<hash>/00000.parquet`, with `00000.layers.npy` next to it if
layers were requested. A shard holds the clips `SHARD·i … SHARD·(i+1)−1` of the corpus in corpus order, so its
name determines its content: two processes that write the same shard write the same content.
"""

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sertools.files import PART, atomic

SHARD = 64
"""Clips per shard: the most that an interruption can lose."""


SEAL = b"sertools.seal"
"""Metadata key of the fingerprint of a shard's content."""


ARRAY_SEAL = 16
"""Size in bytes of the fingerprint at the end of an array file."""


HOUR_S, DAY_S = 60 * 60, 24 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class Key:
    """Identifies what a stored number depends on; each part is a readable name and a fingerprint."""

    model: tuple[str, str]
    corpus: tuple[str, str]
    condition: tuple[str, str]

    def folder(self, root: Path) -> Path:
        """The folder with the shards of this key."""
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
    """The scores of a shard, index `clips`, columns `reason` and one per label; None if it does not exist.

    A file that is damaged, even by a single bit, or holds other clips, counts as missing and is rewritten.
    """
    scores = read_scores(folder / f"{i:05d}.parquet")
    return scores if scores is not None and list(scores.index) == list(clips) else None


def read_scores(path: Path) -> pd.DataFrame | None:
    """The scores of a shard with any clips; None if it does not exist or a single bit has changed."""
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
    with atomic(path) as part:
        with part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        _seal_array(part)


def write_rows(path: Path, rows: Iterable[NDArray[Any]], n: int) -> None:
    """Writes an array of n ≥ 1 rows of equal shape like `write_array`, without holding all in memory.

    Raises:
        StoreError: no permission, no space, or another disk error; no partial file is left
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
    with atomic(folder / f"{i:05d}.parquet") as part:
        pq.write_table(table, part)


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
