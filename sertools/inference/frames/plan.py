"""Plans the passes over a corpus that sum a model's frames: their clips, their sums and their files.

Memory holds the sums of one cell and, if requested, the products between layers. Sums that exceed the memory
budget are divided over several passes.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sertools import files
from sertools.corpora.corpus import Corpus
from sertools.features.functionals import version
from sertools.inference.frames.accumulate import K, Shape
from sertools.inference.frames.cells import cells
from sertools.inference.jobs import Job
from sertools.models.model import Framed, Frames, Grid, is_framed
from sertools.store.cache import RESULTS
from sertools.store.key import Key
from sertools.store.store import SHARD, KeptSums
from sertools.tables.condition import Condition
from sertools.tables.frame_sums import KINDS, LEVELS, FrameSumsNeeded

VERSION = "moments-1"
"""Version of the sums, part of the fingerprint; increases when a sum changes."""

BUDGET = 11 * 2**27
"""Maximum size in bytes of the sums in memory, 1.4 GiB."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass over the corpus.

    Attributes:
        shape: defines the sums
        job: its clips, in batches in the order of their cells, and the folder of the sums
        cell: the cell of each batch
        kept: the files of the sums
    """

    shape: Shape
    job: Job
    cell: Sequence[int]
    kept: KeptSums


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All passes over a corpus that compute the requested sums, whether or not the store has them.

    Attributes:
        levels: levels of the sums
        cells: one row per cell, see `FrameSums.cells`
        passes: empty if a model's layers cannot be read frame by frame
    """

    levels: tuple[str, ...]
    cells: pd.DataFrame
    passes: tuple[Pass, ...]


def plan(model: object, corpus: Corpus, corpus_fingerprint: str, wanted: FrameSumsNeeded, root: Path) -> Plan:
    """Plans the sums over the frames of a model.

    Args:
        model: any model, in the number format in which it runs
        corpus: the corpus to sum over
        corpus_fingerprint: the corpus' fingerprint
        wanted: levels, groups of speakers, column, products between layers
        root: root folder of the store

    Raises:
        AuditError: a column that is not categorical
    """
    if not is_framed(model) or not model.has_frames or not len(corpus.clips):
        return Plan(levels=wanted.levels, cells=pd.DataFrame(), passes=())
    found, members = cells(corpus.clips, wanted)
    grids, widths = layers_of(model, root)
    clips = [[str(clip) for clip in corpus.clips.index[inside]] for inside in members]
    condition = (_name(wanted), _digest(wanted, clips))
    key = Key(
        model=(model.name, model.fingerprint), corpus=(corpus.name, corpus_fingerprint), condition=condition
    )
    folder = key.folder(root)
    parts = [inside[k : k + SHARD] for inside in members for k in range(0, len(inside), SHARD)]
    cell = [c for c, inside in enumerate(members) for _ in range(0, len(inside), SHARD)]
    job = Job(
        condition=Condition(),
        folder=folder,
        shards=tuple((u, corpus.clips.index[part]) for u, part in enumerate(parts)),
        stored=0,
        layers=True,
    )
    shapes = passes(wanted, grids, widths, BUDGET)
    kept = [
        KeptSums(
            folder=folder, name=f"pass-{p}", cells=len(members), size=shape.size, running=shape.between_size
        )
        for p, shape in enumerate(shapes)
    ]
    return Plan(
        levels=wanted.levels,
        cells=found,
        passes=tuple(
            Pass(shape=shape, job=job, cell=cell, kept=files)
            for shape, files in zip(shapes, kept, strict=True)
        ),
    )


def layers_of(model: Framed, root: Path) -> tuple[list[Grid], list[int]]:
    """Frame times of one second, and width, of each layer; kept, so that a later run need not ask the model.

    Args:
        model: in the number format in which it runs
        root: root folder of the store
    """
    key = hashlib.blake2b(f"{VERSION} {model.name} {model.fingerprint}".encode(), digest_size=20).hexdigest()
    path = root / RESULTS / f"layers-{key}.json"
    text = files.read_sealed(path)
    if text is None:
        frames = trial(model)
        text = json.dumps([frames.grids, [states.shape[1] for states in frames.states]])
        files.write_sealed(path, text)
    grids, widths = json.loads(text)
    return [(first, step, n) for first, step, n in grids], list(widths)


def trial(model: Framed) -> Frames:
    """The frames of one second of silence, which show the number, width and frame rate of the layers."""
    samples = max(model.sampling_rate, model.shortest)
    samples = min(samples, getattr(model, "longest", None) or samples)
    return model.predict_frames([np.zeros(samples, dtype=np.float32)])[1][0]


def _name(wanted: FrameSumsNeeded) -> str:
    """Name of the sums in the store."""
    return "moments" + (f" by {wanted.by}" if wanted.by else "")


def _digest(wanted: FrameSumsNeeded, clips: Sequence[Sequence[str]]) -> str:
    """Hash of all that the sums depend on apart from the model and the audio, 32 hex digits.

    Args:
        wanted: levels, and whether products between layers are requested
        clips: ids of the clips of each cell
    """
    levels = [[level, LEVELS[level]] for level in wanted.levels]
    settings = json.dumps([VERSION, version(), BUDGET, levels, wanted.between_layers, clips])
    return hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()


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
