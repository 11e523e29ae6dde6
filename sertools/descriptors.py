"""The acoustic features of a whole corpus: measured once, in worker processes, and kept in the store.

Beside the shards of predictions lie, for each shard of the corpus, a table (clip, reason, rows) and an array
of all rows of its clips, one clip after the other.
"""

import contextlib
import importlib.metadata
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools import acoustics
from sertools.audio import read_audio
from sertools.condition import Condition
from sertools.corpus import Corpus
from sertools.egemaps import FEATURES
from sertools.errors import AudioError
from sertools.store import Key, read_array, read_shard, shards, write_array, write_shard

Clip = tuple[Path, float, float]
"""File, start and end of a clip in s."""

Found = tuple[np.ndarray, str]
"""Features of a clip, shape (rows, 22), and why there are none; empty where there are."""

AT_ONCE = 16
"""Clips that a worker measures before it answers."""

WORTH_IT = 64
"""Clips from which on worker processes are started: that takes as long as measuring so many."""


def measured(
    corpus: Corpus,
    sound: str,
    root: Path,
    *,
    workers: int | None = None,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, np.ndarray]:
    """Features of every clip, shape (rows, 22); no rows where a clip cannot be heard. Nothing twice.

    Args:
        corpus: whose clips are measured
        sound: the corpus' fingerprint
        root: of the store
        workers: processes; None for as many as there are cores
        advance: called with the number of clips that are done

    Raises:
        ModelError: opensmile is not installed
        StoreError: the store cannot be written
    """
    folder, todo = place(corpus, sound, root), missing(corpus, sound, root)
    advance(len(corpus.clips) - sum(len(clips) for _, clips in todo))
    batches = [clips[k : k + AT_ONCE] for _, clips in todo for k in range(0, len(clips), AT_ONCE)]
    if batches:
        acoustics.features(np.zeros(acoustics.RATE, dtype=np.float32))  # says at once what is not installed
    answers = _answers([[located(corpus, clip) for clip in batch] for batch in batches], workers)
    for i, clips in todo:
        found: list[Found] = []
        while len(found) < len(clips):
            batch = next(answers)
            found += batch
            advance(len(batch))
        write(folder, i, clips, found)
    held: dict[str, np.ndarray] = {}
    for i, clips in shards(corpus.clips.index):
        rows = _read(folder, i, clips)
        assert rows is not None, "it was written just now"
        held.update(zip(clips, rows, strict=True))
    return held


def missing(corpus: Corpus, sound: str, root: Path) -> list[tuple[int, pd.Index]]:
    """Number and clips of the shards that the store lacks."""
    folder = place(corpus, sound, root)
    return [(i, clips) for i, clips in shards(corpus.clips.index) if _read(folder, i, clips) is None]


def place(corpus: Corpus, sound: str, root: Path) -> Path:
    """Where the features of a corpus lie; another place for each version of what measures them."""
    key = Key(
        model=("acoustics", version()),
        corpus=(corpus.name, sound),
        condition=(str(Condition()), Condition().fingerprint),
    )
    return key.folder(root)


def version() -> str:
    """What decides the features: our reading of openSMILE, and its release where it is installed."""
    try:
        return f"{acoustics.VERSION} opensmile {importlib.metadata.version('opensmile')}"
    except importlib.metadata.PackageNotFoundError:
        return acoustics.VERSION


def measure(clips: Sequence[Clip]) -> list[Found]:
    """Features of clips, each with the reason why it has none."""
    found: list[Found] = []
    for path, start, end in clips:
        try:
            signal_of_clip = read_audio(path, acoustics.RATE, start, end)
        except AudioError as error:
            found.append((np.zeros((0, len(FEATURES)), dtype=np.float32), str(error)))
        else:
            found.append((acoustics.features(signal_of_clip), ""))
    return found


def located(corpus: Corpus, clip: str) -> Clip:
    """Where the sound of a clip is."""
    row: Any = corpus.clips.loc[clip]
    return corpus.path(clip), float(row["start"]), float(row["end"])


def _answers(batches: list[list[Clip]], workers: int | None) -> Iterator[list[Found]]:
    """What `measure` says of each batch, in their order."""
    workers = workers or os.cpu_count() or 1
    done = 0
    if workers > 1 and sum(map(len, batches)) >= WORTH_IT:
        context = multiprocessing.get_context("spawn")  # a fork would copy the locks of torch's threads
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_as_worker)
        # a script without `if __name__ == "__main__"` starts no processes; then this one does it
        with contextlib.suppress(BrokenProcessPool):
            try:
                for found in pool.map(measure, batches):
                    yield found
                    done += 1
            finally:
                pool.shutdown(cancel_futures=True)
    yield from map(measure, batches[done:])


def _as_worker() -> None:
    """Leaves Ctrl-C to the parent, and ends when the parent does, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        assert parent is not None, "a worker has a parent"
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _array_path(folder: Path, i: int) -> Path:
    return folder / f"{i:05d}.acoustics.npy"


def write(folder: Path, i: int, clips: pd.Index, found: Sequence[Found]) -> None:
    """Writes a shard: the rows first, then the table that vouches for them."""
    write_array(_array_path(folder, i), np.concatenate([rows for rows, _ in found]))
    counts = [len(rows) for rows, _ in found]
    table = pd.DataFrame({"reason": [reason for _, reason in found], "rows": counts}, index=clips)
    write_shard(folder, i, table.rename_axis("clip"))


def _read(folder: Path, i: int, clips: pd.Index) -> list[np.ndarray] | None:
    """The rows of each clip of a shard, memory-mapped; None where they are not there whole."""
    table, rows = read_shard(folder, i, clips), read_array(_array_path(folder, i))
    if table is None or rows is None:
        return None
    ends = np.cumsum(table["rows"].to_numpy(dtype=int))
    return np.split(rows, ends[:-1]) if len(rows) == ends[-1] else None
