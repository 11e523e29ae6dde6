"""Sums products of layer frames and acoustic features in passes over the corpus; frames are never stored.

One pass processes the corpus cell by cell, so that memory only holds the sums of one cell; a finished cell is
written to disk, where an audit reads it layer by layer. Unfinished sums are saved every few minutes, and a
resumed run ends with the same bytes, because rows are always added up in the same order.
"""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.inference import engine
from sertools.inference.frames import acoustics
from sertools.inference.frames.accumulate import K, Sums
from sertools.inference.frames.cells import partners
from sertools.inference.frames.plan import Pass, Plan
from sertools.inference.jobs import Job
from sertools.inference.settings import Settings
from sertools.models.model import Frames, Model, get_ready
from sertools.store.remote import check_writable
from sertools.store.store import regroup, write_shard
from sertools.tables.egemaps import FEATURES
from sertools.tables.frame_sums import KINDS, FrameSums
from sertools.tables.pairs import speaker_codes

KEEP_EVERY_S = 120.0
"""Seconds of work that an interruption can lose, approximately."""

MAX_BUFFERED_BYTES = 2**28
"""Maximum size in bytes of finished cells in memory; beyond it they are written one by one."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """The acoustic features that frames are compared with.

    Attributes:
        by_clip: clip → features every 10 ms, shape (rows, k)
        partner: clip → the other clip whose features it is compared with; None if there is none
    """

    by_clip: Mapping[str, NDArray[np.float32]]
    partner: Mapping[str, str | None]

    def of(self, clip: str) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """The features of a clip and of its partner."""
        other = self.partner[clip]
        return self.by_clip[clip], None if other is None else self.by_clip[other]


def frame_sums(
    plan: Plan,
    model: Model,
    corpus: Corpus,
    corpus_fingerprint: str,
    settings: Settings,
    clean: Job,
) -> tuple[dict[str, FrameSums], Job]:
    """Level → sums over the frames of a model, computed or read from the store; empty without passes.

    Args:
        plan: from `plan.plan`, for this model and corpus
        model: in the number format in which it runs
        corpus: the corpus to sum over
        corpus_fingerprint: the corpus' fingerprint
        settings: how to compute
        clean: the job for missing scores and layer means of the clean audio, which the first pass computes as
            a by-product

    Returns:
        the sums, and what is left to compute of the job `clean`

    Raises:
        ModelError: opensmile is not installed
        StoreError: the store cannot be written
    """

    @functools.cache
    def features() -> Features:
        return _features(corpus, corpus_fingerprint, settings)

    left, found = clean, []
    for p, each in enumerate(plan.passes):
        numbered = f", pass {p + 1} of {len(plan.passes)}" if len(plan.passes) > 1 else ""
        title = f"frames of {model.name}{numbered}"
        brought = clean if p == 0 else None
        left = _complete(each, model, corpus, features, settings, title, brought) or left
        stored = each.kept.read(checked=False)
        assert stored is not None, "it is complete"
        found.append((each, *stored))
    return {level: _sums_of(level, plan.cells, found) for level in plan.levels if found}, left


def _complete(
    each: Pass,
    model: Model,
    corpus: Corpus,
    features: Callable[[], Features],
    settings: Settings,
    title: str,
    clean: Job | None,
) -> Job | None:
    """Computes the sums of a pass, unless the store has them, and with them the shards of the job `clean`.

    Clips that cannot be decoded or have non-finite states are not in the sums.

    Returns:
        what is left to compute of the job `clean`
    """
    if each.kept.read() is not None:
        return clean
    check_writable(settings.root)
    known = features()
    begin, flat, between = each.kept.resume(each.cell)
    sums = Sums(shape=each.shape, flat=flat, products=between)

    def add(clip: str, frames: Frames) -> None:
        sums.add(frames, *known.of(clip))

    job = replace(each.job, shards=each.job.shards[begin:])
    last = {cell: u for u, cell in enumerate(each.cell)}
    held: dict[int, NDArray[np.float64]] = {}  # finished cells that are not yet on disk
    saved = time.monotonic()
    get_ready(model)
    with (
        settings.progress(title, len(corpus.clips)) as advance,
        closing(engine.compute(job, corpus, model, settings, advance, add)) as computed,
    ):
        advance(each.job.clips - job.clips)
        for shard in computed:
            if clean is not None and clean.shards:
                write_shard(job.folder, shard.number, shard.scores, shard.layers)
            sums.flush()
            cell = each.cell[shard.number]
            if shard.number == last[cell]:
                sums.finish()
                held[cell] = flat.copy()
                flat[:] = 0
            late = time.monotonic() - saved >= KEEP_EVERY_S
            if late or flat.nbytes * len(held) > MAX_BUFFERED_BYTES:
                each.kept.write_cells(held)
                held.clear()
            if late:
                each.kept.write_state(shard.number + 1, flat, between)
                saved = time.monotonic()
        each.kept.finish(held, between)
    if clean is None or not clean.shards:
        return clean
    parts = [clips for _, clips in each.job.shards]
    return replace(clean, shards=regroup(job.folder, parts, clean.folder, clean.shards))


def _features(corpus: Corpus, corpus_fingerprint: str, settings: Settings) -> Features:
    """The acoustic features of all clips, measured or read from the store, and the partner of each clip."""
    clips = corpus.clips.index
    found = acoustics.measured(corpus, corpus_fingerprint, settings)
    usable = [bool(np.isfinite(found[clip]).all(axis=1).any()) for clip in clips]
    codes, _ = speaker_codes(corpus.clips)
    at = partners(codes, usable)
    partner = {clip: None if i is None else clips[i] for clip, i in zip(clips, at, strict=True)}
    return Features(by_clip=found, partner=partner)


def _sums_of(
    level: str,
    rows: pd.DataFrame,
    found: Sequence[tuple[Pass, NDArray[np.float64], NDArray[np.float64]]],
) -> FrameSums:
    """The sums of a level, as views into the stored arrays."""
    sums: dict[tuple[int, str], NDArray[np.float64]] = {}
    between: dict[tuple[int, int], NDArray[np.float64]] = {}
    clips = np.zeros(len(rows))
    for each, stored, flat in found:
        for (of, layer, name), array in each.shape.views(stored).items():
            if of == level and layer in each.shape.whole:
                sums[layer, name] = array
            elif name == "clips":
                clips = array[:, 0]
        between |= {(i, j): array for (of, i, j), array in each.shape.between(flat).items() if of == level}
    layers = range(1 + max(layer for layer, _ in sums))
    c, kinds = len(rows), len(KINDS)
    return FrameSums(
        features=FEATURES,
        cells=rows.assign(clips=clips.astype(int)),
        n=np.stack([sums[i, "n"][:, 0] for i in layers]),
        undefined=np.array(sums[0, "undefined"][:, 0]),
        x=tuple(sums[i, "x"] for i in layers),
        xx=tuple(sums[i, "xx"] for i in layers),
        y=np.stack([sums[i, "y"].reshape(c, kinds, K).transpose(1, 0, 2) for i in layers]),
        yy=np.stack([sums[i, "yy"].transpose(1, 0, 2, 3) for i in layers]),
        xy=tuple(sums[i, "xy"].reshape(c, -1, kinds, K).transpose(2, 0, 1, 3) for i in layers),
        between=between,
    )
