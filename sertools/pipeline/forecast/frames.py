"""Estimates the cost of sums over frames: each pass over the corpus, and the acoustic features."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.features.functionals import Functionals
from sertools.inference import engine
from sertools.inference.decode import DecodedClip, decode
from sertools.inference.frames import acoustics
from sertools.inference.frames.accumulate import Sums
from sertools.inference.frames.compute import MAX_BUFFERED_BYTES
from sertools.inference.frames.plan import Pass, plan
from sertools.inference.settings import Settings
from sertools.models.model import Frames, Model
from sertools.pipeline.forecast.predictions import (
    LONG_S,
    SOUND,
    Cost,
    bytes_in,
    decoding,
    seconds_of,
    trial_of,
    usual_seconds,
)
from sertools.store.store import write_array, write_shard
from sertools.tables.condition import Condition
from sertools.tables.egemaps import FEATURES
from sertools.tables.frame_sums import FrameSumsNeeded

ACOUSTICS = "acoustic features"

FILE = 128 + 16
"""Bytes of an array file in addition to its numbers: header and seal."""


def of_frames(
    model: Model,
    corpus: Corpus,
    wanted: Sequence[FrameSumsNeeded],
    *,
    settings: Settings,
    corpus_fingerprint: str,
    of: str,
) -> tuple[list[Cost], bool]:
    """The costs of the passes that sum the frames of a model, and whether one also yields clean scores.

    The time of a pass is that of the forward passes and the sums, timed on a few clips, plus the time to
    finish and write each cell. Disk space is the size of the arrays that the passes write.

    Args:
        model: any model, in the number format in which it runs
        corpus: the corpus to sum over
        wanted: one for each kind of cells, from `collect.request`
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint
        of: the model's role

    Raises:
        AuditError: a column that is not categorical
        ModelError: opensmile is not installed
    """
    costs: list[Cost] = []
    brings = False
    for each in wanted:
        planned = plan(model, corpus, corpus_fingerprint, each, settings.root).passes
        for p, one in enumerate(planned):
            name = "sums over frames" + (f" by {each.by}" if each.by else "")
            name += f", pass {p + 1} of {len(planned)}" if len(planned) > 1 else ""
            cost = _of_pass(
                model,
                corpus,
                one,
                settings,
                Cost(of=of, condition=name, clips=len(corpus.clips), stored=0, todo=0, kind="frames"),
            )
            brings = brings or (p == 0 and cost.todo > 0)
            costs.append(cost)
    return costs, brings


def _of_pass(model: Model, corpus: Corpus, each: Pass, settings: Settings, cost: Cost) -> Cost:
    if each.kept.read() is not None:
        return replace(cost, stored=cost.clips)
    begin, _, _ = each.kept.resume(each.cell)
    job = replace(each.job, shards=each.job.shards[begin:])
    cost = replace(
        cost,
        stored=cost.clips - job.clips,
        todo=job.clips,
        megabytes=(8 * (each.kept.cells * each.kept.size + each.kept.running) + 2 * FILE) / 1e6,
    )
    seconds = seconds_of(corpus, pd.Index([clip for _, part in job.shards for clip in part]))
    trial = trial_of(corpus, seconds, model)
    if not trial:
        return cost
    times = sum(seconds.values()) / sum(min(seconds[clip], LONG_S) for clip in trial)
    adding_s, finishing_s = _summing(model, corpus, each, trial, settings, times)
    adding_s += decoding(corpus, trial, model, Condition(), settings.workers, times)[0]
    return replace(cost, minutes=(adding_s * times + finishing_s * len({*each.cell[begin:]})) / 60)


def _summing(
    model: Model,
    corpus: Corpus,
    each: Pass,
    trial: Mapping[str, NDArray[np.float32]],
    settings: Settings,
    times: float,
) -> tuple[float, float]:
    """Seconds that the trial clips take in a pass, `times` of which run, and seconds to finish a cell."""
    clips = list(trial)
    functionals = Functionals()
    most = round(LONG_S * functionals.sampling_rate)
    heard = [decode(corpus, clip, functionals, Condition()).signal for clip in clips]
    known = [i for i, signal in enumerate(heard) if signal is not None]
    _, measured = functionals.predict_frames([signal[:most] for signal in heard if signal is not None])
    features = dict.fromkeys(clips, np.zeros((0, len(FEATURES)), dtype=np.float32))
    features |= {clips[i]: each.states[0] for i, each in zip(known, measured, strict=True)}
    partner = dict(zip(clips, np.roll(clips, -1), strict=True))
    decoded = {clip: DecodedClip(signal=signal) for clip, signal in trial.items()}
    flat, between = np.zeros(each.kept.size), np.zeros(each.kept.running)

    def adds(some: Mapping[str, DecodedClip]) -> Sums:
        flat[:] = between[:] = 0
        sums = Sums(shape=each.shape, flat=flat, products=between)

        def add(clip: str, frames: Frames) -> None:
            sums.add(frames, features[clip], features[partner[clip]])

        engine.predict_clips(model, some, True, settings.batch_size, lambda n: None, add)
        sums.flush()
        return sums

    latest = [adds(dict(islice(decoded.items(), 1)))]  # the first pass includes set-up time
    adding_s = usual_seconds(lambda: latest.append(adds(decoded)), times)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        latest[-1].finish()
        held = flat.copy()
        flat[:] = 0
        finishing_s = time.perf_counter() - began
        began = time.perf_counter()
        write_array(Path(folder) / "cell.npy", held)
        writing_s = time.perf_counter() - began
    # cells that do not fit into memory are written twice: one by one, and then together
    times = 2 if 8 * each.kept.cells * each.kept.size > MAX_BUFFERED_BYTES else 1
    return adding_s, finishing_s + times * writing_s


def of_acoustics(corpus: Corpus, corpus_fingerprint: str, settings: Settings) -> Cost:
    """The cost of the acoustic features of a corpus, which the frames of every model are compared with.

    They are computed on all cores.

    Args:
        corpus: the corpus to measure
        corpus_fingerprint: its fingerprint
        settings: how to compute

    Raises:
        ModelError: opensmile is not installed
    """
    missing = acoustics.missing(corpus, corpus_fingerprint, settings.root)
    n, todo = len(corpus.clips), sum(len(clips) for _, clips in missing)
    cost = Cost(of=SOUND, condition=ACOUSTICS, clips=n, stored=n - todo, todo=todo, kind="sound")
    seconds = seconds_of(corpus, pd.Index([clip for _, clips in missing for clip in clips]))
    model = Functionals()
    trial = trial_of(corpus, seconds, model)
    if not trial:
        return cost
    signals = list(trial.values())
    outputs, found = model.predict_frames(signals)  # the first pass includes set-up time
    times = sum(seconds.values()) / sum(min(seconds[clip], LONG_S) for clip in trial)
    busy_s = usual_seconds(lambda: model.predict_frames(signals), times)
    busy_s += decoding(corpus, trial, model, Condition(), settings.workers, times)[0]
    busy_s *= times
    first = missing[0][1]
    again = [k % len(signals) for k in range(len(first))]
    decoded = [DecodedClip(signal=signals[k]) for k in again]
    scores = engine.table(model, first, decoded, outputs.scores[again].astype(np.float32))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shard = engine.Shard(number=0, scores=scores, layers=None)
        acoustics.write(folder, shard, {clip: found[k] for clip, k in zip(first, again, strict=True)})
        write_shard(folder / "functionals", 0, scores)
        duration_total_s = sum(seconds[list(trial)[k]] for k in again)
        arrays = bytes_in(folder, "*.npy") / duration_total_s * sum(seconds.values())
        tables = bytes_in(folder, "**/*.parquet") * len(missing)
    return replace(cost, minutes=busy_s / 60, megabytes=(arrays + tables) / 1e6)
