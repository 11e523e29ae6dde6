"""Sums products of layer frames and acoustic features in passes over the corpus; frames are never stored.

One pass processes the corpus cell by cell, so that memory only holds the sums of one cell; a finished cell is
written to disk, where an audit reads it layer by layer. Unfinished sums are saved every few minutes, and a
resumed run ends with the same bytes, because rows are always added up in the same order.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.inference.engine import DecodedClip, batches, decode_ahead, table
from sertools.inference.frames.accumulate import Shape, Sums
from sertools.inference.predict import Settings
from sertools.models.model import Framed
from sertools.store.store import read_array, write_array, write_rows, write_shard
from sertools.tables.condition import Condition

KEEP_EVERY_S = 120.0
"""Seconds of work that an interruption can lose, approximately."""


MAX_BUFFERED_BYTES = 2**28
"""Maximum size in bytes of finished cells in memory; beyond it they are written one by one."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass over the corpus: its sums, its clips in order, and the folder where the sums are stored.

    Attributes:
        shape: defines the sums
        folder: folder of the sums
        name: prefix of the file names
        parts: batches of clips in the order of their cells
        cell: the cell of each part
        partner: clip → the other clip whose features it is compared with; None if there is none
        acoustics: clip → acoustic features every 10 ms, shape (rows, k)
    """

    shape: Shape
    folder: Path
    name: str
    parts: Sequence[pd.Index]
    cell: Sequence[int]
    partner: Mapping[str, str | None]
    acoustics: Mapping[str, NDArray[np.float32]]

    def path(self, what: str) -> Path:
        """The file of the `sums`, the products `between` layers, a cell, or the unfinished sums (`begun`)."""
        return self.folder / f"{self.name}.{what}.npy"

    @property
    def cells(self) -> int:
        """Number of cells."""
        return max(self.cell, default=-1) + 1

    @property
    def between_size(self) -> int:
        """Number of values in the products between layers."""
        width = self.shape.dimensions
        return len(self.shape.levels) * sum(width[i] * width[j] for i, j in self.shape.pairs)

    def between(self, flat: NDArray[np.float64]) -> dict[tuple[str, int, int], NDArray[np.float64]]:
        """(level, i, j) → products between two layers, as views into a flat array of all of them."""
        found, start, width = {}, 0, self.shape.dimensions
        for level in self.shape.levels:
            for i, j in self.shape.pairs:
                end = start + width[i] * width[j]
                found[level, i, j] = flat[start:end].reshape(width[i], width[j])
                start = end
        return found

    def stored(
        self, read: Callable[[Path], NDArray[np.float64] | None] = read_array
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Sums (cells, size) and products between layers (size,), memory-mapped; None if not stored."""
        sums, between = read(self.path("sums")), read(self.path("between"))
        if sums is None or between is None:
            return None
        whole = sums.shape == (self.cells, self.shape.size) and between.shape == (self.between_size,)
        return (sums, between) if whole else None


def run_pass(
    each: Pass,
    corpus: Corpus,
    model: Framed,
    *,
    settings: Settings,
    keep_every_s: float = KEEP_EVERY_S,
    keep_outputs: bool = False,
    advance: Callable[[int], None] = lambda n: None,
) -> None:
    """Computes the missing sums of a pass; skips clips that cannot be decoded or have non-finite states.

    Args:
        each: the pass
        corpus: the corpus of the pass
        model: the model whose frames are summed
        settings: how to compute
        keep_every_s: seconds after which unfinished sums are saved
        keep_outputs: whether scores and layer means of each part are also written to the folder, as a shard
            with the part's number
        advance: called with the number of clips after each batch

    Raises:
        StoreError: the store cannot be written
        ModelError: the scores do not have the shape (clips, labels)
    """
    begin, flat, between = load_checkpoint(each)
    advance(sum(map(len, each.parts[:begin])))
    sums = Sums(shape=each.shape, flat=flat, between=each.between(between))
    saved = time.monotonic()
    last = {cell: u for u, cell in enumerate(each.cell)}
    held: dict[int, NDArray[np.float64]] = {}  # finished cells that are not yet on disk
    with ThreadPoolExecutor(settings.workers) as pool:
        try:
            todo = list(enumerate(each.parts))[begin:]
            for u, clips, decoded in decode_ahead(pool, todo, corpus, model, Condition()):
                scores, means = add_part(each, sums, clips, decoded, model, settings.batch_size, advance)
                if keep_outputs:
                    write_shard(each.folder, u, table(model, clips, decoded, scores), means)
                sums.flush()
                if u == last[each.cell[u]]:
                    sums.finish()
                    held[each.cell[u]] = flat.copy()
                    flat[:] = 0
                late = time.monotonic() - saved >= keep_every_s
                if late or flat.nbytes * len(held) > MAX_BUFFERED_BYTES:
                    _write(each, held)
                if late:
                    write_array(each.path("begun"), np.concatenate([[u + 1.0], flat, between]))
                    saved = time.monotonic()
        finally:
            pool.shutdown(cancel_futures=True)
    _finish(each, held, between)


def _finish(each: Pass, held: Mapping[int, NDArray[np.float64]], between: NDArray[np.float64]) -> None:
    """Writes the sums of all cells into one file, and deletes what an interrupted run would have needed."""
    rows = (held[cell] if cell in held else _cell(each, cell) for cell in range(each.cells))
    write_rows(each.path("sums"), rows, each.cells)
    write_array(each.path("between"), between)
    for what in ("begun", *(f"cell-{cell}" for cell in range(each.cells))):
        each.path(what).unlink(missing_ok=True)  # many were never written, or another process deleted them


def _write(each: Pass, held: dict[int, NDArray[np.float64]]) -> None:
    """Writes finished cells to disk and removes them from memory."""
    for cell in list(held):
        write_array(each.path(f"cell-{cell}"), held.pop(cell))


def load_checkpoint(each: Pass) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
    """Number of the first part still to sum, with the sums of its cell and between layers so far."""
    size = each.shape.size
    state = read_array(each.path("begun"))
    if state is not None and state.shape == (1 + size + each.between_size,):
        begin = int(state[0])
        finished = {*each.cell[:begin]} - {*each.cell[begin:]}
        if all(read_array(each.path(f"cell-{cell}")) is not None for cell in finished):
            return begin, np.array(state[1 : 1 + size]), np.array(state[1 + size :])
    return 0, np.zeros(size), np.zeros(each.between_size)


def _cell(each: Pass, cell: int) -> NDArray[np.float64]:
    flat = read_array(each.path(f"cell-{cell}"))
    assert flat is not None, "every cell is finished"
    return flat


def add_part(
    each: Pass,
    sums: Sums,
    clips: pd.Index,
    decoded: Sequence[DecodedClip],
    model: Framed,
    batch_size: int,
    advance: Callable[[int], None],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Adds the clips of a part; returns scores (n, c) and layer means (n, l, d), nan if not decoded."""
    scores = np.full((len(decoded), len(model.labels)), np.nan, dtype=np.float32)
    means = np.full((len(decoded), 0, 0), np.nan, dtype=np.float32)
    advance(sum(h.signal is None for h in decoded))
    for batch in batches(decoded, batch_size):
        signals = [h.signal for i in batch if (h := decoded[i]).signal is not None]
        outputs, frames = model.predict_frames(signals)
        assert outputs.layers is not None, "frames come with their means"
        if not means.shape[1]:
            means = np.full((len(decoded), *outputs.layers.shape[1:]), np.nan, dtype=np.float32)
        scores[batch], means[batch] = outputs.scores, outputs.layers
        for i, states, mean in zip(batch, frames, outputs.layers, strict=True):
            if np.isfinite(mean).all():
                other = each.partner[clips[i]]
                sums.add(states, each.acoustics[clips[i]], None if other is None else each.acoustics[other])
        advance(len(batch))
    return scores, means
