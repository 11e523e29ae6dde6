"""Frames of any model, computed once by the engine of the audits."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.inference.engine import compute
from sertools.inference.jobs import Job
from sertools.inference.settings import Settings
from sertools.models.kinds.head import mean_of_top
from sertools.models.model import Framed, Frames
from sertools.store.store import SHARD
from sertools.tables.condition import Condition
from sertools.training.data.batches import Clips
from sertools.training.kept.clips import KeptClips, keep


def kept_frames(model: Framed, clips: Clips, layers: int, path: Path) -> KeptClips:
    """For each frame the mean of the top layers, shape (frames, d) for each clip.

    Args:
        model: with frames
        clips: to compute
        layers: number of top layers
        path: .npy file, see `keep`

    Raises:
        ModelError: the model has fewer layers, or layers of different widths, or no frames of a clip
    """
    table = clips.part.table

    def all_frames(_: Clips) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for source in sorted(set(table["source"])):
            rows = np.flatnonzero(table["source"] == source)
            yield from _of_corpus(model, clips, rows, layers)

    return keep(clips, all_frames, path)


def _of_corpus(
    model: Framed, clips: Clips, rows: NDArray[np.intp], layers: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Number and frames of those clips of a corpus that have these numbers."""
    keys = clips.part.table["key"].iloc[rows]
    missing = dict(zip(keys, map(int, rows), strict=True))
    found: list[tuple[int, NDArray[np.float32]]] = []

    def listen(clip: str, frames: Frames) -> None:
        found.append((missing.pop(clip), mean_of_top(frames, layers)))

    parts = [pd.Index(keys[i : i + SHARD]) for i in range(0, len(keys), SHARD)]
    job = Job(condition=Condition(), folder=Path(), shards=tuple(enumerate(parts)), stored=0, layers=True)
    corpus = clips.part.corpora[int(clips.part.table["source"].to_numpy()[rows[0]])]
    for _ in compute(job, corpus, model, Settings(), lambda n: None, listen):
        yield from found
        found.clear()
    if missing:
        row = next(iter(missing.values()))
        raise ModelError(f"{model.name} has no frames of {clips.part.table['clip'].iat[row]}")
