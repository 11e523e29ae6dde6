"""Acoustic features of a whole corpus, computed once in worker processes and cached in the store.

Like predictions, they are stored in shards. Each shard has a table (clip, reason, rows) and an array with the
rows of all its clips, one clip after the other.
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
from numpy.typing import NDArray

from sertools.audio import opensmile
from sertools.audio.files import read_audio
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError
from sertools.store.key import Key
from sertools.store.store import read_array, read_shard, shards, write_array, write_shard
from sertools.tables.condition import Condition
from sertools.tables.egemaps import FEATURES

Clip = tuple[Path, float, float, float, float]
"""File, start and end of a clip in s, the number of its channel, and the longest clip in minutes, as for
`read_audio`."""

Found = tuple[NDArray[np.float32], str]
"""Features of a clip, shape (rows, 25), and the reason if there are none (otherwise empty)."""

AT_ONCE = 16
"""Number of clips that a worker process measures per batch."""

WORTH_IT = 64
"""Smallest number of clips for which worker processes are started; starting them takes about as long as
measuring this many clips."""


def measured(
    corpus: Corpus,
    sound: str,
    root: Path,
    *,
    workers: int | None = None,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, NDArray[np.float32]]:
    """Features of every clip, shape (rows, 25); unreadable clips have no rows.

    Clips already in the store are not measured again.

    Args:
        corpus: the corpus to measure
        sound: fingerprint of the corpus audio
        root: root folder of the store
        workers: number of processes; None for one per core
        advance: called with the number of clips just finished

    Raises:
        ModelError: opensmile is not installed
        StoreError: the store cannot be written
    """
    folder, todo = place(corpus, sound, root), missing(corpus, sound, root)
    advance(len(corpus.clips) - sum(len(clips) for _, clips in todo))
    batches = [clips[k : k + AT_ONCE] for _, clips in todo for k in range(0, len(clips), AT_ONCE)]
    if batches:
        # fails early if opensmile is missing
        opensmile.features(np.zeros(opensmile.RATE_HZ, dtype=np.float32))
    answers = _answers([[located(corpus, clip) for clip in batch] for batch in batches], workers)
    for i, clips in todo:
        found: list[Found] = []
        while len(found) < len(clips):
            batch = next(answers)
            found += batch
            advance(len(batch))
        write(folder, i, clips, found)
    features: dict[str, NDArray[np.float32]] = {}
    for i, clips in shards(corpus.clips.index):
        rows = _read(folder, i, clips)
        assert rows is not None, "it was written just now"
        features.update(zip(clips, rows, strict=True))
    return features


def missing(corpus: Corpus, sound: str, root: Path) -> list[tuple[int, "pd.Index[str]"]]:
    """Number and clips of each shard that is not in the store."""
    folder = place(corpus, sound, root)
    return [(i, clips) for i, clips in shards(corpus.clips.index) if _read(folder, i, clips) is None]


def place(corpus: Corpus, sound: str, root: Path) -> Path:
    """Folder with the features of a corpus; it depends on the version of the feature extractor."""
    key = Key(
        model=("acoustics", version()),
        corpus=(corpus.name, sound),
        condition=(str(Condition()), Condition().fingerprint),
    )
    return key.folder(root)


def version() -> str:
    """Version of the feature extractor: our code's, and openSMILE's if it is installed."""
    try:
        return f"{opensmile.VERSION} opensmile {importlib.metadata.version('opensmile')}"
    except importlib.metadata.PackageNotFoundError:
        return opensmile.VERSION


def measure(clips: Sequence[Clip]) -> list[Found]:
    """Features of clips, each with a reason if it has none."""
    found: list[Found] = []
    for path, start, end, channel, minutes in clips:
        try:
            samples = read_audio(path, opensmile.RATE_HZ, start, end, channel, max_minutes=minutes)
        except AudioError as error:
            found.append((np.zeros((0, len(FEATURES)), dtype=np.float32), str(error)))
        else:
            found.append((opensmile.features(samples), ""))
    return found


def located(corpus: Corpus, clip: str) -> Clip:
    """Where a clip is and how much of it is read, so that a worker process needs no corpus."""
    row: Any = corpus.clips.loc[clip]
    start, end = float(row["start"]), float(row["end"])
    return corpus.path(clip), start, end, corpus.channel(clip), corpus.max_minutes


def _answers(batches: list[list[Clip]], workers: int | None) -> Iterator[list[Found]]:
    """Yields the result of `measure` for each batch, in order."""
    workers = workers or os.cpu_count() or 1
    done = 0
    if workers > 1 and sum(map(len, batches)) >= WORTH_IT:
        context = multiprocessing.get_context("spawn")  # fork would copy the locks of torch's threads
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_as_worker)
        # a script without `if __name__ == "__main__"` cannot start workers; then this process does the work
        with contextlib.suppress(BrokenProcessPool):
            try:
                for found in pool.map(measure, batches):
                    yield found
                    done += 1
            finally:
                pool.shutdown(cancel_futures=True)
    yield from map(measure, batches[done:])


def _as_worker() -> None:
    """Makes a worker ignore Ctrl-C, which the parent handles, and exit whenever the parent exits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        assert parent is not None, "a worker has a parent"
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _array_path(folder: Path, i: int) -> Path:
    return folder / f"{i:05d}.acoustics.npy"


def write(folder: Path, i: int, clips: "pd.Index[str]", found: Sequence[Found]) -> None:
    """Writes a shard: first the rows, then the table, whose presence marks the shard as complete."""
    write_array(_array_path(folder, i), np.concatenate([rows for rows, _ in found]))
    counts = [len(rows) for rows, _ in found]
    table = pd.DataFrame({"reason": [reason for _, reason in found], "rows": counts}, index=clips)
    write_shard(folder, i, table.rename_axis("clip"))


def _read(folder: Path, i: int, clips: "pd.Index[str]") -> list[NDArray[np.float32]] | None:
    """The rows of each clip of a shard, memory-mapped; None if the shard is missing or incomplete."""
    table, rows = read_shard(folder, i, clips), read_array(_array_path(folder, i))
    if table is None or rows is None:
        return None
    ends = np.cumsum(table["rows"].to_numpy(dtype=int))
    return np.split(rows, ends[:-1]) if len(rows) == ends[-1] else None
