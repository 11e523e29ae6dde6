"""Estimates what an audit has to compute, how long that takes, and how much disk space it needs.

The estimate comes from a few clips. Nothing that is computed here is stored, except the choice of a number
format. What audits compute from the tables, such as probes, is never stored and not included.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from sertools.auditing.audit import PlannedAudit
from sertools.auditing.contract import Needs
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.errors import ModelError
from sertools.features.columns import Measure, maker
from sertools.features.functionals import Functionals
from sertools.inference import jobs, predict
from sertools.inference.precision import choose_precision, chooses_precision
from sertools.inference.settings import Settings
from sertools.inference.sound_quality import quality_jobs, sample
from sertools.models.model import ClipModel, Model, is_by_clip, is_framed, is_prompted
from sertools.pipeline import collect
from sertools.pipeline.attacks import attack_jobs, attacks_needed, with_attacker
from sertools.pipeline.forecast.frames import ACOUSTICS, of_acoustics, of_frames
from sertools.pipeline.forecast.predictions import LONG_S, SOUND, Cost, of_jobs, seconds_of, trial_of
from sertools.pipeline.forecast.text import of_reading
from sertools.pipeline.needs import (
    conditions,
    conditions_to_predict,
    measured_columns,
    quality_needed,
    with_labels,
)
from sertools.pipeline.unseen import parts, training_of
from sertools.tables.columns import CHECKPOINT
from sertools.tables.condition import CLEAN, Condition

OWN = "model"
"""Role of the audited model."""

LISTENED = 3
"""Clips that a speech recogniser transcribes, as a sample of its texts."""


def forecast(
    model: Model | ClipModel,
    corpus: Corpus,
    audits: Sequence[PlannedAudit],
    *,
    settings: Settings,
    others: Mapping[str, Model | ClipModel] | None = None,
    random_twin: bool | None = False,
) -> tuple[list[Cost], Model | ClipModel]:
    """The costs of what `run.run` would compute for audits with the same arguments.

    The order is: the model under all conditions and its sums over frames, the same for the comparison models,
    columns computed from the audio, and text vectors. A model is timed on a batch of a few clips, in the
    number format that an audit would choose; decoding and perturbing are timed on the same clips under each
    condition. An online speech synthesis service is not called: its speech is assumed to be as long as the
    clip and to cost nothing. Disk space is the size of the files, written with random numbers.

    Returns:
        costs, and the model in the format in which it was timed

    Raises:
        ModelError: a random twin that cannot be built, or a package that is not installed
        StoreError: the store cannot be written
    """
    wanted = conditions_to_predict(audits, corpus, model, settings)
    needs = [planned.needs for planned in audits]
    key = "" if is_by_clip(model) else fingerprint(corpus)
    costs: list[Cost] = []
    if wanted:
        model = choose_precision(model, corpus, key, settings)
        compared = {}
        if any(planned.reads_layers for planned in audits):
            compared = collect.comparison_models(model, corpus, others or {}, random_twin, settings, key)
        costs = _of_model(model, corpus, needs, wanted, settings, key, OWN)
        for role, other in compared.items():
            costs += _of_model(other, corpus, needs, [Condition()], settings, key, role)
        if any(cost.kind == "frames" and cost.todo for cost in costs):
            costs.append(of_acoustics(corpus, key or fingerprint(corpus), settings))
    scores = [Needs(columns=each.columns) for each in needs if each.models]
    for role, other in (others or {}).items():
        if scores and role.startswith(CHECKPOINT):
            costs += _of_model(other, corpus, scores, [Condition()], settings, key, role)
    if not is_by_clip(model):
        costs += _of_timing(model, needs)
    measured = _of_measures(corpus, measured_columns(corpus, audits), settings, key)
    if any(cost.condition == ACOUSTICS and cost.todo for cost in costs):
        measured = {name: (each, _brought(each, cost)) for name, (each, cost) in measured.items()}
    of_measures = dict.fromkeys(cost for _, cost in measured.values())
    measured_for = with_labels(audits, corpus, model, settings)
    costs += _of_attacks(model, corpus, measured_for, settings)
    costs += _of_quality(corpus, measured_for, settings)
    return [*costs, *of_measures, *_of_words(corpus, needs, measured, settings)], model


def forecast_audit(
    model: Model | ClipModel, corpus: Corpus, audits: Sequence[PlannedAudit], **how: Any
) -> tuple[list[Cost], Model | ClipModel]:
    """The costs of what an audit would compute, which leaves out clips of the model's training where it can.

    Args:
        model: the audited model
        corpus: the whole corpus
        audits: the audits
        how: the other arguments of `forecast`

    Raises:
        CorpusError: every clip was in the training, or is of a speaker who was
        SertoolsError: see `forecast`
    """
    added: dict[tuple[str, str], Cost] = {}
    timed = model
    for part, some in parts(corpus, audits, training_of(model)):
        costs, timed = forecast(model, part, some, **how)
        for cost in costs:
            known = added.get((cost.of, cost.condition))
            added[cost.of, cost.condition] = cost if known is None else _sum(known, cost)
    return list(added.values()), timed


def _sum(one: Cost, other: Cost) -> Cost:
    """The cost of two parts of a corpus."""
    names = ("clips", "stored", "todo", "minutes", "megabytes")
    total = {name: getattr(one, name) + getattr(other, name) for name in names}
    return replace(one, brought=one.brought and other.brought, **total)


def _of_timing(model: Model, needs: Sequence[Needs]) -> list[Cost]:
    """The cost of measuring what it costs to run a model: four runs of each length in each number format."""
    lengths = {s for need in needs if need.running_cost for s in need.running_cost.lengths_s}
    if not lengths or is_prompted(model):
        return []
    signal = np.zeros(max(model.sampling_rate, model.shortest), dtype=np.float32) + 0.01
    model.predict([signal])
    began = time.perf_counter()
    model.predict([signal])
    per_second = time.perf_counter() - began
    formats = 2 if chooses_precision(model) else 1
    minutes = max(4 * sum(lengths) * per_second, TIMED_S * len(lengths)) * formats / 60
    return [Cost(of=OWN, condition="timing", clips=0, stored=0, todo=0, minutes=minutes)]


TIMED_S = 2.0
"""Seconds for which a short clip is timed again and again."""


def _of_attacks(
    model: Model | ClipModel, corpus: Corpus, audits: Sequence[PlannedAudit], settings: Settings
) -> list[Cost]:
    """The cost of predicting attacked clips, and of finding the attacks where clips are decoded."""
    needed = attacks_needed(audits)
    if needed is None:
        return []
    try:
        attacked = with_attacker(model, needed)
    except ModelError:
        if needed.surrogate:
            raise
        return []
    chosen, todo = attack_jobs(attacked, corpus, needed, settings)
    # networks are attacked one at a time, however many threads decode
    return of_jobs(attacked, chosen, todo, replace(settings, workers=1), OWN)


def _of_quality(corpus: Corpus, audits: Sequence[PlannedAudit], settings: Settings) -> list[Cost]:
    """The cost of measuring the sound quality of a sample of clips under each condition of some audits."""
    reading = [each for each in audits if each.needs.sound_quality]
    needed = quality_needed(reading)
    if needed is None:
        return []
    planned, chosen = (
        quality_jobs(corpus, needed, conditions(reading, settings.seed), settings),
        sample(corpus, needed.clips),
    )
    costs = [cost for each, todo in planned for cost in of_jobs(each, chosen, todo, settings, SOUND)]
    return [replace(cost, condition=f"quality, {cost.condition}", kind="sound") for cost in costs]


def _of_measures(
    corpus: Corpus, names: Mapping[str, bool], settings: Settings, corpus_fingerprint: str
) -> dict[str, tuple[Measure, Cost]]:
    """Column → what computes it from the audio, and the cost; columns may share one computation.

    Columns that may stay empty, and whose package is not installed, are left out.
    """
    makers = {name: maker(name) for name in names}
    found = {}
    for make in dict.fromkeys(makers.values()):
        measure = make()
        todo = jobs.jobs(
            measure, corpus, [Condition()], settings=settings, corpus_fingerprint=corpus_fingerprint
        )
        try:
            (cost,) = of_jobs(measure, corpus, todo, settings, SOUND)
        except ModelError:
            if not all(names[name] for name in names if makers[name] is make):
                raise
            continue
        found[make] = measure, replace(cost, condition=measure.name, kind="sound")
    return {name: found[make] for name, make in makers.items() if make in found}


def _brought(measure: Measure, cost: Cost) -> Cost:
    """The cost of a measure beside acoustic features, whose pass of openSMILE brings functionals too."""
    if not isinstance(measure, Functionals):
        return cost
    return replace(cost, minutes=0.0, megabytes=0.0, brought=cost.todo > 0)


def _of_model(
    model: Model | ClipModel,
    corpus: Corpus,
    needs: Sequence[Needs],
    under: Sequence[Condition],
    settings: Settings,
    corpus_fingerprint: str,
    of: str,
) -> list[Cost]:
    """The costs of what `collect` computes for a model."""
    read, n = collect.request(corpus, needs), len(corpus.clips)
    if is_by_clip(model):
        known = [str(condition) for condition in under if str(condition) in model.conditions]
        return [Cost(of=of, condition=c, clips=n, stored=n, todo=0) for c in known if read.scores]
    corpus_fingerprint = corpus_fingerprint or fingerprint(corpus)
    passes, brings = of_frames(
        model,
        corpus,
        list(read.frame_sums.values()),
        settings=settings,
        corpus_fingerprint=corpus_fingerprint,
        of=of,
    )
    if not (read.scores or passes):
        return []
    layers = read.encoder_layers if model.task == "encoder" else read.layers
    todo = jobs.jobs(model, corpus, under, settings, corpus_fingerprint, layers)
    if brings:  # the pass over frames yields layer means too, whether or not an audit reads them
        todo[0] = replace(todo[0], layers=True)
    costs = of_jobs(model, corpus, todo, settings, of)
    if brings:
        costs[0] = replace(costs[0], minutes=0.0, brought=costs[0].todo > 0)
    return [*costs, *passes]


def _of_words(
    corpus: Corpus,
    needs: Sequence[Needs],
    measured: Mapping[str, tuple[Measure, Cost]],
    settings: Settings,
) -> list[Cost]:
    """The costs of text vectors, for the transcripts of the corpus or those of a speech recogniser.

    If the recogniser has yet to run, its texts are unknown; then there are at most as many texts as clips.
    """
    costs = []
    for reading in dict.fromkeys(reading for each in needs for reading in each.text_vectors):
        at_most = 0
        if reading.text in corpus.clips:
            texts = corpus.clips[reading.text]
        elif reading.text in measured:
            measure, cost = measured[reading.text]
            texts, at_most = (
                _recognised(corpus, measure, cost, settings)[reading.text],
                cost.todo and cost.clips,
            )
        else:
            continue
        found = of_reading(texts, reading, settings.root, at_most=at_most)
        costs += [] if found is None else [found]
    return costs


def _recognised(corpus: Corpus, measure: Measure, cost: Cost, settings: Settings) -> pd.DataFrame:
    """The recogniser's transcripts; if some clips are not transcribed yet, transcripts of a few clips."""
    if not cost.todo:
        return measure.columns(predict.predict(measure, corpus, settings=settings)[CLEAN].scores)
    seconds = seconds_of(corpus, corpus.clips.index)
    trial = dict(islice(trial_of(corpus, seconds, measure).items(), LISTENED))
    scores = measure.predict(list(trial.values())).scores if trial else None
    return measure.columns(pd.DataFrame(scores, index=list(trial), columns=list(measure.labels), dtype=float))


def long_clips(model: Model | ClipModel, corpus: Corpus) -> str:
    """A warning about clips that are too long for a model with attention; empty if there are none.

    The time of attention grows with the square of a clip's length, and so does its memory; an estimate from
    short clips is too low for them.
    """
    if not is_framed(model) or not model.has_frames:
        return ""
    long = [each for each in seconds_of(corpus, corpus.clips.index).values() if each > LONG_S]
    if not long:
        return ""
    clips = "1 clip is" if len(long) == 1 else f"{len(long)} clips are"
    return (
        f"{clips} longer than {LONG_S:g} s, up to {max(long) / 60:.1f} minutes: the time of attention grows "
        "with the square of the length, so this estimate is too low; --window 10 predicts long clips in "
        "windows of 10 s"
    )


def table(costs: Sequence[Cost]) -> tuple[list[str], list[list[Any]]]:
    """The costs as columns and rows of a table."""
    columns = ["of", "condition", "clips", "stored", "to compute", "minutes", "MB"]
    return columns, [[c.of, c.condition, c.clips, c.stored, c.todo, c.minutes, c.megabytes] for c in costs]


def sentence(costs: Sequence[Cost], model: Model | ClipModel) -> str:
    """A summary of the costs in one sentence: what is to be computed, in which number format."""
    if not sum(cost.todo for cost in costs):
        return "Nothing has to be computed."
    parts, chosen = [], model.facts.get("precision")
    n, rows = _todo(costs, "condition")
    if n:
        parts.append(f"{n} clips to compute under {rows} condition{'s' * (rows > 1)}")
    n, rows = _todo(costs, "frames")
    if n:
        parts.append(f"{n} clips to sum over frames in {rows} pass{'es' * (rows > 1)}")
        if any(cost.brought for cost in costs):
            parts[-1] += " that also yield clean scores" if rows > 1 else " that also yields clean scores"
    if parts and chosen:
        parts[-1] += f" in {chosen} ({model.facts.get('precision_reason', 'requested')})"
    for kind, what in (("sound", "clips to measure"), ("words", "texts to encode")):
        n, _ = _todo(costs, kind)
        parts += [f"{n} {what}"] if n else []
    minutes, megabytes = sum(c.minutes for c in costs), sum(c.megabytes for c in costs)
    if "window" in model.facts:
        parts.append(f"each the {model.facts['window']}")
    long = f"{minutes:.1f} minutes" if minutes >= 1 else f"{max(1, round(60 * minutes))} s"
    return f"{', '.join(parts)}: about {long} and {megabytes:.1f} MB."


def _todo(costs: Sequence[Cost], kind: str) -> tuple[int, int]:
    """Number of clips to compute of a kind, and of rows, without those that a pass over frames yields."""
    todo = [cost.todo for cost in costs if cost.kind == kind and cost.todo and not cost.brought]
    return sum(todo), len(todo)
