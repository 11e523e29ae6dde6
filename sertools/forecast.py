"""What will an audit have to compute, for how long, and how much disk will that take?

Estimated from a few clips: none of what is computed here is kept, but for the choice of a number format.
"""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools import engine, plan, precision, run, store
from sertools.audio import duration_s
from sertools.audit import Audit, Needs
from sertools.condition import Condition
from sertools.corpus import Corpus, fingerprint
from sertools.derived import maker
from sertools.errors import AudioError
from sertools.model import ClipModel, Model

TRIAL = 8
"""Clips that are timed, from all over the corpus."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one condition, or one measurement of the sound, will take.

    Attributes:
        condition: its name
        clips: of the corpus
        stored: clips that the store has
        todo: clips to compute
        minutes: of computing
        megabytes: of disk
    """

    condition: str
    clips: int
    stored: int
    todo: int
    minutes: float = 0.0
    megabytes: float = 0.0


def forecast(
    model: Model | ClipModel,
    corpus: Corpus,
    audits: Sequence[Audit],
    *,
    options: Mapping[str, Mapping[str, Any]],
    settings: run.Settings,
) -> tuple[list[Cost], Model | ClipModel]:
    """The costs of what audits read: the union of their conditions, then what they measure in the sound.

    The model is timed on a batch of a few clips, in the number format that an audit would settle on; decoding
    and perturbing is timed on the same clips under each condition. Speech of a synthetic voice is taken to be
    as long as the clip and to cost nothing. Disk is the size of a shard of that shape.

    Returns:
        costs, and the model in the format in which it was timed

    Raises:
        StoreError: the store cannot be written
    """
    wanted = run.conditions(audits, options, settings.seed)
    needs = [each.needs(**each.settings(options.get(each.name, {}))) for each in audits]
    layers = any(need.layers for need in needs)
    sound, costs = "", []
    if isinstance(model, ClipModel):
        n = len(corpus.clips)
        costs = [
            Cost(condition=str(c), clips=n, stored=n, todo=0) for c in wanted if str(c) in model.conditions
        ]
    else:
        sound = fingerprint(corpus)
        if wanted:
            model = precision.settle(model, corpus, sound, settings.cache or store.default_root())
        jobs = run.jobs(model, corpus, wanted, settings=settings, sound=sound, layers=layers)
        costs = _costs(model, corpus, jobs, settings)
    for make in dict.fromkeys(maker(column) for column in _measured(needs, corpus)):
        measure = make()
        jobs = run.jobs(measure, corpus, [Condition()], settings=settings, sound=sound)
        costs += [replace(cost, condition=measure.name) for cost in _costs(measure, corpus, jobs, settings)]
    return costs, model


def _measured(needs: Sequence[Needs], corpus: Corpus) -> list[str]:
    """Columns to be measured in the sound, as `run.heard` does."""
    able = [need for need in needs if set(need.columns) <= set(corpus.clips)]
    return [column for need in able for column in need.sound if column not in corpus.clips]


def _costs(model: Model, corpus: Corpus, jobs: Sequence[plan.Job], settings: run.Settings) -> list[Cost]:
    clips = pd.Index(dict.fromkeys(clip for job in jobs for _, part in job.shards for clip in part))
    seconds = _seconds(corpus, clips)
    trial = _trial(corpus, seconds, model)
    heard = sum(seconds[clip] for clip in trial)
    pace: dict[bool, tuple[float, int]] = {}
    costs = []
    for job in jobs:
        cost = Cost(condition=str(job.condition), clips=len(corpus.clips), stored=job.stored, todo=job.clips)
        if job.shards and heard:
            if job.layers not in pace:
                pace[job.layers] = _predicting(model, trial, job, settings)
            busy_s, shard_bytes = pace[job.layers]
            hearing_s = 0.0 if job.condition.voice else _hearing_s(corpus, list(trial), model, job.condition)
            busy_s += hearing_s / min(settings.workers, os.cpu_count() or 1)
            todo_s = sum(seconds.get(clip, 0.0) for _, part in job.shards for clip in part)
            share = job.clips / len(job.shards[0][1])  # of the first shard, whose size is known
            cost = replace(cost, minutes=busy_s / heard * todo_s / 60, megabytes=shard_bytes * share / 1e6)
        costs.append(cost)
    return costs


def _seconds(corpus: Corpus, clips: pd.Index) -> dict[str, float]:
    """How long each clip is by its file's header; clips that cannot be opened have none."""
    found = {}
    for clip in clips:
        row: Any = corpus.clips.loc[clip]
        start = 0.0 if np.isnan(row["start"]) else float(row["start"])
        try:
            found[clip] = (
                duration_s(corpus.path(clip)) if np.isnan(row["end"]) else float(row["end"])
            ) - start
        except AudioError:
            continue
    return found


def _trial(corpus: Corpus, seconds: Mapping[str, float], model: Model) -> dict[str, np.ndarray]:
    """A few clips from all over the corpus that the model can hear, with their signals."""
    evenly = list(seconds)[:: max(1, len(seconds) // TRIAL)]
    heard = ((clip, engine.hear(corpus, clip, model, Condition()).signal) for clip in evenly)
    return dict(islice(((clip, signal) for clip, signal in heard if signal is not None), TRIAL))


def _predicting(
    model: Model, trial: Mapping[str, np.ndarray], job: plan.Job, settings: run.Settings
) -> tuple[float, int]:
    """Seconds that a model takes for the trial, in batches as in a run, and bytes of the first shard."""
    heard = [engine.Heard(signal=signal) for signal in trial.values()]
    for clips in (heard[:1], heard):  # the first pass pays for set-up
        began = time.perf_counter()
        _, layers = engine.answers(model, clips, job.layers, settings.batch_size, lambda n: None)
    seconds = time.perf_counter() - began
    return seconds, _shard_bytes(job, model.labels, None if layers is None else layers.shape[1:])


def _hearing_s(corpus: Corpus, clips: Sequence[str], model: Model, condition: Condition) -> float:
    began = time.perf_counter()
    for clip in clips:
        engine.hear(corpus, clip, model, condition)
    return time.perf_counter() - began


def _shard_bytes(job: plan.Job, labels: Sequence[str], layers: tuple[int, ...] | None) -> int:
    """Size of the first shard of a job, filled with random numbers, which no disk makes smaller."""
    clips, rng = job.shards[0][1], np.random.default_rng(0)
    scores = pd.DataFrame(rng.random((len(clips), len(labels)), dtype=np.float32), clips, list(labels))
    scores.insert(0, "reason", "")
    scores.insert(1, "silent", False)
    means = None if layers is None else rng.random((len(clips), *layers), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        store.write_shard(Path(folder), 0, scores, means)
        return sum(path.stat().st_size for path in Path(folder).iterdir())


def table(costs: Sequence[Cost]) -> tuple[list[str], list[list[Any]]]:
    """Costs as columns and rows."""
    columns = ["condition", "clips", "stored", "to compute", "minutes", "MB"]
    return columns, [[c.condition, c.clips, c.stored, c.todo, c.minutes, c.megabytes] for c in costs]


def sentence(costs: Sequence[Cost], model: Model | ClipModel) -> str:
    """Costs in a sentence: how much is to be computed, in which format."""
    todo, under = sum(cost.todo for cost in costs), sum(cost.todo > 0 for cost in costs)
    if not todo:
        return "Nothing is to be computed."
    minutes, megabytes = sum(c.minutes for c in costs), sum(c.megabytes for c in costs)
    chosen = model.facts.get("precision")
    in_format = f" in {chosen} ({model.facts.get('precision_reason', 'asked for')})" if chosen else ""
    conditions = f"{under} condition" if under == 1 else f"{under} conditions"
    return (
        f"{todo} clips to compute under {conditions}{in_format}: about {minutes:.1f} minutes and "
        f"{megabytes:.1f} MB."
    )
