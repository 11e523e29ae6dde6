"""Acoustic features of a whole corpus, computed once on all cores and cached in the store.

Like predictions, they are stored in shards. Each shard has a table (clip, reason, rows) and an array with the
rows of all its clips, one clip after the other. The same pass of openSMILE brings the functionals of the
clips, which are stored too.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus, fingerprint
from sertools.features.functionals import Functionals, version
from sertools.files import check_writable
from sertools.inference import engine
from sertools.inference.jobs import Job, jobs
from sertools.inference.settings import Settings
from sertools.models.model import Frames
from sertools.store.key import Key
from sertools.store.store import read_array, read_shard, shards, write_array, write_shard
from sertools.tables.condition import Condition
from sertools.tables.egemaps import FEATURES


def measured(corpus: Corpus, sound: str, settings: Settings) -> dict[str, NDArray[np.float32]]:
    """Features of every clip every 10 ms, shape (rows, 25); unreadable clips have no rows.

    Clips already in the store are not measured again.

    Args:
        corpus: the corpus to measure
        sound: fingerprint of the corpus audio
        settings: how to compute

    Raises:
        ModelError: opensmile is not installed
        StoreError: the store cannot be written
    """
    folder, todo = place(corpus, sound, settings.root), missing(corpus, sound, settings.root)
    if todo:
        _measure(corpus, sound, settings, todo)
    features: dict[str, NDArray[np.float32]] = {}
    for i, clips in shards(corpus.clips.index):
        rows = _read(folder, i, clips)
        assert rows is not None, "it is stored"
        features.update(zip(clips, rows, strict=True))
    return features


def _measure(
    corpus: Corpus, sound: str, settings: Settings, todo: Sequence[tuple[int, "pd.Index[str]"]]
) -> None:
    """Writes the missing shards, and those of the functionals beside them."""
    check_writable(settings.root)
    model, folder, found = Functionals(), place(corpus, sound, settings.root), dict[str, Frames]()
    (functionals,) = jobs(model, corpus, [Condition()], settings, sound)
    job = replace(functionals, shards=tuple(todo))
    with (
        settings.progress("acoustic features", len(corpus.clips)) as advance,
        closing(engine.compute(job, corpus, model, settings, advance, found.__setitem__)) as computed,
    ):
        advance(len(corpus.clips) - job.clips)
        for shard in computed:
            write(folder, shard, found)
            write_shard(functionals.folder, shard.number, shard.scores)
            found.clear()


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


def write(folder: Path, shard: engine.Shard, found: Mapping[str, Frames]) -> None:
    """Writes a shard: first the rows, then the table, whose presence marks the shard as complete."""
    clips = shard.scores.index
    none = np.zeros((0, len(FEATURES)), dtype=np.float32)
    rows = [found[clip].states[0] if clip in found else none for clip in clips]
    write_array(_array_path(folder, shard.number), np.concatenate(rows))
    table = pd.DataFrame({"reason": shard.scores["reason"], "rows": list(map(len, rows))}, index=clips)
    write_shard(folder, shard.number, table.rename_axis("clip"))


def functionals_of(corpus: Corpus, clips: Iterable[str], settings: Settings) -> pd.DataFrame:
    """The functionals of some clips of a corpus from the store, computed where it lacks them.

    They are kept for the whole corpus, so that other parts of it and other models find them there.

    Args:
        corpus: the whole corpus
        clips: ids of the clips
        settings: how to compute

    Returns:
        index `clips`, columns `reason` (empty where there is a signal) and `FUNCTIONAL_COLUMNS`, nan where
        one is undefined

    Raises:
        ModelError: opensmile is not installed
        StoreError: the store cannot be written
    """
    wanted, measure = list(clips), Functionals()
    sound = fingerprint(corpus)
    (job,) = jobs(measure, corpus, [Condition()], settings, sound)
    parts = {i: part for i, part in shards(corpus.clips.index, job.size) if part.isin(wanted).any()}
    todo = tuple(each for each in job.shards if each[0] in parts)
    named = replace(settings, progress=lambda _, n: settings.progress(measure.name, n))
    engine.fill(replace(job, shards=todo), corpus, measure, named)
    found = pd.concat([_stored(job, i, part) for i, part in parts.items()]).loc[wanted]
    values = measure.columns(found[list(measure.labels)])
    return values.drop(columns=measure.labels[-1]).assign(reason=found["reason"])


def _stored(job: Job, i: int, clips: "pd.Index[str]") -> pd.DataFrame:
    found = read_shard(job.folder, i, clips)
    assert found is not None, "it is stored"
    return found


def _array_path(folder: Path, i: int) -> Path:
    return folder / f"{i:05d}.acoustics.npy"


def _read(folder: Path, i: int, clips: "pd.Index[str]") -> list[NDArray[np.float32]] | None:
    """The rows of each clip of a shard, memory-mapped; None if the shard is missing or incomplete."""
    table, rows = read_shard(folder, i, clips), read_array(_array_path(folder, i))
    if table is None or rows is None:
        return None
    ends = np.cumsum(table["rows"].to_numpy(dtype=int))
    return np.split(rows, ends[:-1]) if len(rows) == ends[-1] else None
