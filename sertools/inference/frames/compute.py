"""Computes the sums over a model's frames that audits read, by level, and keeps them in the store.

Memory holds the sums of one cell and, if requested, the products between layers. Sums that exceed the memory
budget are divided over several passes, which are planned before the first one begins.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.errors import AuditError, nearest
from sertools.features import acoustics
from sertools.inference.frames.accumulate import Grid, K, Shape, grids
from sertools.inference.frames.cells import cells, partners
from sertools.inference.frames.passes import KEEP_EVERY_S, Pass, run_pass
from sertools.inference.jobs import Job
from sertools.inference.predict import Settings
from sertools.models.checks import noise
from sertools.models.model import Framed, Frames
from sertools.store.store import SHARD, Key, read_layers, read_shard, write_shard
from sertools.tables.egemaps import FEATURES
from sertools.tables.frame_sums import KINDS, LEVELS, FrameSums, FrameSumsNeeded
from sertools.tables.pairs import speaker_codes

VERSION = "moments-1"
"""Version of the sums, part of the fingerprint; increases when a sum changes."""

BUDGET = 11 * 2**27
"""Maximum size in bytes of the sums in memory, 1.4 GiB."""


def frame_sums(
    model: object,
    corpus: Corpus,
    wanted: FrameSumsNeeded,
    *,
    corpus_fingerprint: str,
    settings: Settings,
    keep_every_s: float = KEEP_EVERY_S,
    clean: Job | None = None,
) -> dict[str, FrameSums]:
    """Level → sums over the frames of a model; empty if its layers cannot be read frame by frame.

    Args:
        model: any model, in the number format in which it runs
        corpus: the corpus to sum over
        wanted: levels, groups of speakers, column, products between layers
        corpus_fingerprint: the corpus' fingerprint
        settings: how to compute
        keep_every_s: seconds of work that an interruption can lose
        clean: the job for missing scores and layer means of the clean audio, which the first pass computes as
            a by-product; None if there is no such job

    Raises:
        AuditError: an unknown level, or a column that is not categorical
        ModelError: opensmile is not installed
        StoreError: the store cannot be written
    """
    planned = over(model, corpus, wanted, corpus_fingerprint=corpus_fingerprint, root=settings.root)
    if not planned or not isinstance(model, Framed):
        return {}
    features: dict[str, NDArray[np.float32]] = {}
    partner: dict[str, str | None] = {}
    found = []
    for p, each in enumerate(replace(one, partner=partner, acoustics=features) for one in planned):
        stored = each.stored()
        if stored is None:
            if not features:
                with settings.progress("acoustic features", len(corpus.clips)) as advance:
                    features.update(
                        acoustics.measured(corpus, corpus_fingerprint, settings.root, advance=advance)
                    )
                partner.update(_partners(corpus, features))
            numbered = f", pass {p + 1} of {len(planned)}" if len(planned) > 1 else ""
            with settings.progress(f"frames of {model.name}{numbered}", len(corpus.clips)) as advance:
                shared = clean if p == 0 else None
                stored = _compute_pass(each, corpus, model, settings, keep_every_s, shared, advance)
        found.append((each, *stored))
    rows, _ = cells(corpus.clips, wanted)
    return {level: _sums_of(level, rows, found) for level in wanted.levels}


def _compute_pass(
    each: Pass,
    corpus: Corpus,
    model: Framed,
    settings: Settings,
    keep_every_s: float,
    clean: Job | None,
    advance: Callable[[int], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes the sums of a pass, and the missing shards of the job `clean`; returns the stored sums."""
    shared = clean if clean is not None and clean.shards else None
    run_pass(
        each,
        corpus,
        model,
        settings=settings,
        keep_every_s=keep_every_s,
        keep_outputs=shared is not None,
        advance=advance,
    )
    if shared is not None:
        _share(each, shared)
    stored = each.stored(lambda path: np.load(path, mmap_mode="r", allow_pickle=False))
    assert stored is not None, "it was written just now"
    return stored


def over(
    model: object, corpus: Corpus, wanted: FrameSumsNeeded, *, corpus_fingerprint: str, root: Path
) -> list[Pass]:
    """The passes over a corpus that compute the requested sums, whether or not the store has them.

    The arguments are those of `frame_sums`. The list is empty if a model's layers cannot be read frame by
    frame. Partner clips are not assigned yet, because that requires the acoustic features.

    Raises:
        AuditError: an unknown level, or a column that is not categorical
    """
    for level in wanted.levels:
        if level not in LEVELS:
            raise AuditError(f"unknown frame level {level!r}", hint=nearest(level, list(LEVELS)))
    if not isinstance(model, Framed) or not model.has_frames or not len(corpus.clips):
        return []
    _, members = cells(corpus.clips, wanted)
    first = trial(model)
    shapes = passes(wanted, grids(first), [states.shape[1] for states in first.states], BUDGET)
    folder = place(model, corpus, wanted, members, corpus_fingerprint, root)
    parts = [inside[k : k + SHARD] for inside in members for k in range(0, len(inside), SHARD)]
    cell = [c for c, inside in enumerate(members) for _ in range(0, len(inside), SHARD)]
    return [
        Pass(
            shape=shape,
            folder=folder,
            name=f"pass-{p}",
            parts=[corpus.clips.index[part] for part in parts],
            cell=cell,
            partner={},
            acoustics={},
        )
        for p, shape in enumerate(shapes)
    ]


def trial(model: Framed) -> Frames:
    """The frames of one second of noise, which show the number, width and frame rate of the layers."""
    samples = max(model.sampling_rate, model.shortest)
    samples = min(samples, getattr(model, "longest", None) or samples)
    return model.predict_frames([noise(model.sampling_rate, samples / model.sampling_rate)])[1][0]


def passes(wanted: FrameSumsNeeded, when: Sequence[Grid], widths: Sequence[int], budget: int) -> list[Shape]:
    """Divides the sums over passes, so that no pass exceeds the memory budget.

    Products between two layers exist if their frames are at the same times.

    Args:
        wanted: levels, and whether products between layers are requested
        when: times of the frames of each layer
        widths: width of each layer (values per frame)
        budget: memory in bytes; a single layer, or a pair of layers, may exceed it
    """
    pairs = [(i, j) for j in range(len(when)) for i in range(j) if when[i] == when[j]]
    items: list[tuple[int, ...]] = [(i,) for i in range(len(when))]
    items += pairs if wanted.between_layers else []
    found: list[list[tuple[int, ...]]] = []
    room = 0
    for item in items:
        size = 8 * len(wanted.levels) * widths[item[0]] * (widths[item[-1]] + len(KINDS) * K)
        if size > room:
            found.append([])
            room = budget
        found[-1].append(item)
        room -= size
    return [
        Shape(
            levels=wanted.levels,
            dimensions={i: widths[i] for i in sorted({i for item in held for i in item})},
            whole=tuple(item[0] for item in held if len(item) == 1),
            pairs=tuple((item[0], item[1]) for item in held if len(item) == 2),
        )
        for held in found
    ]


def place(
    model: Framed,
    corpus: Corpus,
    wanted: FrameSumsNeeded,
    members: Sequence[NDArray[np.intp]],
    corpus_fingerprint: str,
    root: Path,
) -> Path:
    """Folder of the sums; it depends on cells, levels, and the versions of the code that computes them."""
    inside = [[str(clip) for clip in corpus.clips.index[cell]] for cell in members]
    levels = [[level, LEVELS[level]] for level in wanted.levels]
    settings = json.dumps([VERSION, acoustics.version(), BUDGET, levels, wanted.between_layers, inside])
    name = "moments" + (f" by {wanted.by}" if wanted.by else "")
    digest = hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()
    key = Key(
        model=(model.name, model.fingerprint),
        corpus=(corpus.name, corpus_fingerprint),
        condition=(name, digest),
    )
    return key.folder(root)


def _partners(corpus: Corpus, features: Mapping[str, NDArray[np.float32]]) -> dict[str, str | None]:
    clips = corpus.clips.index
    usable = [bool(np.isfinite(features[clip]).all(axis=1).any()) for clip in clips]
    codes, _ = speaker_codes(corpus.clips)
    at = partners(codes, usable)
    return {clip: None if i is None else clips[i] for clip, i in zip(clips, at, strict=True)}


def _share(each: Pass, clean: Job) -> None:
    """Writes the missing shards of the store from the scores and layer means of the parts."""
    tables, where = [], {}
    means: list[NDArray[np.float32]] = []
    for u, clips in enumerate(each.parts):
        scores, layers = read_shard(each.folder, u, clips), read_layers(each.folder, u, len(clips))
        if scores is not None and layers is not None:
            where.update({clip: (len(means), i) for i, clip in enumerate(clips)})
            tables.append(scores)
            means.append(layers)
    every = pd.concat(tables) if tables else pd.DataFrame()
    shape = max((part.shape[1:] for part in means), default=(0, 0))
    for i, clips in clean.shards:
        if all(clip in where for clip in clips):
            layers = np.full((len(clips), *shape), np.nan, dtype=np.float32)
            for k, clip in enumerate(clips):
                part, row = where[clip]
                if means[part].shape[1]:
                    layers[k] = means[part][row]
            write_shard(clean.folder, i, every.loc[clips], layers)
    for path in (*each.folder.glob("[0-9]*.parquet"), *each.folder.glob("[0-9]*.layers.npy")):
        path.unlink(missing_ok=True)


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
        between |= {(i, j): array for (of, i, j), array in each.between(flat).items() if of == level}
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
