"""The whole way: a model and a corpus in, judged results and a report out."""

import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import sertools
from sertools import audit as audits_of
from sertools import derived, engine, plan, precision, recordings, store, voiced
from sertools.audit import Audit, Needs
from sertools.condition import Condition
from sertools.corpus import Corpus, fingerprint
from sertools.errors import CorpusError, ModelError
from sertools.gate import Override
from sertools.meet import Predicted, tables
from sertools.model import ClipModel, Model
from sertools.model import random_twin as twin_of
from sertools.result import Result
from sertools.tables import CLEAN, RANDOM_TWIN, Layers, Tables

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(description, clips) → context manager that yields `advance(n)`."""

RESERVED = ("clip", "file", "reason", "silent")
"""Columns beside the labels in what is stored and exported."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to compute, apart from what: none of these changes a number beyond its stated tolerance.

    Attributes:
        seed: of everything that is drawn
        batch_size: clips in one forward pass at most
        workers: threads that decode
        cache: root of the store; None for the platform's user cache directory
        label_map: theirs → ours, for the labels of the model
        progress: shows how far a long job is
    """

    seed: int = 0
    batch_size: int = engine.BATCH_SIZE
    workers: int = 2
    cache: Path | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = lambda description, total: nullcontext(lambda n: None)


def jobs(
    model: Model,
    corpus: Corpus,
    conditions: Sequence[Condition],
    *,
    settings: Settings,
    sound: str = "",
    layers: bool = False,
) -> list[plan.Job]:
    """What is still to be computed for these conditions; `sound` is the corpus' fingerprint, if known.

    Layer means, where they are wanted, are those of clean sound. No voice speaks a corpus without words.

    Raises:
        SertoolsError: there is no such voice
    """
    sound, root = sound or fingerprint(corpus), settings.cache or store.default_root()
    model = precision.settled(model, sound, root)
    return [
        job
        for condition in _worded(conditions, corpus)
        for job in plan.jobs(
            corpus.clips.index,
            model=(model.name, model.fingerprint),
            corpus=(corpus.name, sound),
            conditions=[condition],
            layers=layers and str(condition) == CLEAN,
            root=root,
        )
    ]


def _worded(conditions: Sequence[Condition], corpus: Corpus) -> list[Condition]:
    """The conditions that there are for this corpus; those that depend on its words say on which."""
    return [
        replace(c, content=voiced.fingerprint(corpus.clips, c.voice)) if c.voice else c
        for c in conditions
        if not c.voice or voiced.tells_words(corpus.clips)
    ]


def predict(
    model: Model | ClipModel,
    corpus: Corpus,
    *,
    conditions: Sequence[Condition] = (Condition(),),
    settings: Settings | None = None,
    sound: str = "",
    layers: bool = False,
) -> dict[str, Predicted]:
    """Scores of a corpus under each condition; what the store has is not computed again.

    A bare encoder has layers and no scores. A model that answers by clip, without sound, answers for the
    conditions that it has.

    Args:
        model: from `load_model`
        corpus: from `load_corpus`
        conditions: under which sound; clean only, by default
        settings: how to compute
        sound: the corpus' fingerprint, where the caller knows it
        layers: whether layer means of clean sound are wanted beside the scores

    Raises:
        ModelError: the model is a bare encoder, and scores alone are wanted
        CorpusError: not one clip could be scored
        StoreError: the store cannot be written
    """
    settings = settings or Settings()
    if model.task == "encoder" and not layers:
        raise ModelError(
            f"{model.name} is a bare encoder: the checkpoint has no head, so it predicts nothing; keys that "
            f"nothing reads: {', '.join(model.facts.get('unexpected_keys', [])) or 'none'}",
            hint="fit a head with sertools finetune, or name the one it has with --head PREFIX=LAYOUT",
        )
    taken = [name for name in model.labels if name in RESERVED or model.labels.count(name) > 1]
    if taken:
        raise ModelError(
            f"{model.name} has a label {taken[0]!r}, which is taken",
            hint=f"labels are different from each other and from {', '.join(RESERVED)}",
        )
    if isinstance(model, ClipModel):
        known = [CLEAN, *(str(c) for c in conditions if str(c) != CLEAN and str(c) in model.conditions)]
        return {name: _by_clip(model, corpus, name, layers and name == CLEAN) for name in known}
    root = settings.cache or store.default_root()
    store.check_writable(root)
    sound = sound or fingerprint(corpus)
    model = precision.settle(model, corpus, sound, root)
    predicted = {}
    for job in jobs(model, corpus, conditions, settings=settings, sound=sound, layers=layers):
        if job.shards:
            with settings.progress(str(job.condition), job.clips) as advance:
                engine.run(
                    job,
                    corpus,
                    model,
                    batch_size=settings.batch_size,
                    workers=settings.workers,
                    advance=advance,
                )
        frame, means = engine.read(job, corpus.clips.index)
        found = _predicted(frame, str(job.condition), list(model.labels))
        predicted[str(job.condition)] = replace(found, layers=Layers(shards=tuple(means)) if means else None)
    _some_scored(predicted[str(conditions[0])], corpus)
    return predicted


def _predicted(frame: pd.DataFrame, condition: str, labels: list[str]) -> Predicted:
    gone = frame[frame["reason"] != ""]
    missing = pd.DataFrame({"clip": gone.index, "condition": condition, "reason": gone["reason"].to_numpy()})
    return Predicted(scores=frame[labels], missing=missing, silent=int(frame["silent"].sum()))


def _by_clip(model: ClipModel, corpus: Corpus, condition: str, layers: bool) -> Predicted:
    scores = model.scores(corpus.clips, condition)
    vectors: np.ndarray | None = None
    unknown = scores.isna().all(axis=1).to_numpy()
    if layers and hasattr(model, "layers"):
        vectors = model.layers(corpus.clips)
        # a table of layers knows its clips by their layers, a table of predictions by their scores
        unknown = unknown if model.labels else np.isnan(vectors).all(axis=(1, 2))
    gone = scores.index[unknown]
    missing = pd.DataFrame(
        {"clip": gone, "condition": condition, "reason": f"{model.name} has no row for it"}
    )
    means = None if vectors is None else Layers(shards=(vectors,))
    found = Predicted(scores=scores, missing=missing, layers=means)
    if condition == CLEAN:
        _some_scored(found, corpus)
    return found


def _some_scored(predicted: Predicted, corpus: Corpus) -> None:
    if len(predicted.missing) == len(corpus.clips):
        reasons = predicted.missing["reason"].value_counts()
        raise CorpusError(
            f"none of the {len(corpus.clips)} clips of {corpus.name} could be scored; most often: "
            f"{reasons.index[0]}",
            hint="sertools corpus check lists what is wrong with each",
        )


def run(
    model: Model | ClipModel,
    corpus: Corpus,
    audits: Sequence[Audit],
    *,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    overrides: Sequence[Override] = (),
    settings: Settings | None = None,
    command: str = "",
    others: Mapping[str, Model | ClipModel] | None = None,
    random_twin: bool | None = False,
) -> list[Result]:
    """Audits a model on a corpus: predicts what is missing, then runs each audit on the tables.

    Args:
        model: from `load_model`
        corpus: from `load_corpus`
        audits: from `audit.load`
        options: audit → its options
        overrides: limits that stand in the place of the audits' own
        settings: how to compute
        command: what the user typed, for the report
        others: role → another model that audits of layers look at beside it
        random_twin: whether the same architecture with random weights is one of them; None for where it can
            be built. Its weights are drawn from the seed

    Raises:
        SertoolsError: see `predict`, `tables` and `audit.run`
    """
    settings = settings or Settings()
    sound = "" if isinstance(model, ClipModel) else fingerprint(corpus)
    wanted = conditions(audits, options or {}, settings.seed)
    if wanted:
        # before anything is said of the model: its format is part of its fingerprint
        model = precision.settle(model, corpus, sound, settings.cache or store.default_root())
    corpus = heard(corpus, audits, options or {}, settings)

    def seen(of: Model | ClipModel, under: list[Condition], beside: Mapping[str, Tables]) -> Tables:
        layers = any(need.layers for need in _needs(audits, options or {}))
        found = predict(of, corpus, conditions=under, settings=settings, sound=sound, layers=layers)
        return tables(of, corpus, found, settings.label_map, others=beside)

    table = tables(model, corpus, {}, settings.label_map)
    inside = [audit.name for audit in audits if looks_inside(audit, (options or {}).get(audit.name, {}))]
    others = dict(others or {}) if inside else {}
    if inside and (random_twin or (random_twin is None and hasattr(model, "random_twin"))):
        # from the model as it is settled, so that both have one number format
        others[RANDOM_TWIN] = twin_of(model, settings.seed)
    if wanted:
        beside = {role: seen(other, [Condition()], {}) for role, other in others.items()}
        table = seen(model, wanted, beside)
    beside_it = {role: described(other) for role, other in others.items()}
    provenance = {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "model_fingerprint": model.fingerprint,
        "corpus_fingerprint": sound or "the sound was not opened",
        "versions": versions(),
    }
    return [
        audits_of.run(
            audit,
            table,
            seed=settings.seed,
            options=(options or {}).get(audit.name, {}),
            limits=[override.limit(override.why) for override in overrides if override.audit == audit.name],
            model=described(model) | ({"others": beside_it} if beside_it and audit.name in inside else {}),
            data=facts(corpus),
            provenance=provenance,
        )
        for audit in audits
    ]


def described(model: Model | ClipModel) -> dict[str, Any]:
    """What a report says about a model."""
    return {"name": model.name, "labels": list(model.labels), "task": model.task, **model.facts}


def looks_inside(audit: Audit, options: Mapping[str, Any]) -> bool:
    """Whether an audit reads layers, beside which those of other models may stand."""
    needs = audit.needs(**audit.settings(options))
    return needs.layers or needs.moments is not None


def conditions(
    audits: Sequence[Audit], options: Mapping[str, Mapping[str, Any]], seed: int
) -> list[Condition]:
    """The union of what audits read, clean first, each with the seed of this run and what it mixes in.

    None at all where no audit reads a prediction or a layer.

    Raises:
        CorpusError: a folder with recordings that cannot be read
    """
    wanted: dict[str, Condition] = {}
    for needs in _needs(audits, options):
        if needs.conditions or needs.layers or needs.moments:
            wanted.setdefault(CLEAN, Condition())
        for condition in needs.conditions:
            content = recordings.fingerprint(condition.folder) if condition.folder else ""
            wanted.setdefault(str(condition), replace(condition, seed=seed, content=content))
    return list(wanted.values())


def _needs(audits: Sequence[Audit], options: Mapping[str, Mapping[str, Any]]) -> list[Needs]:
    return [audit.needs(**audit.settings(options.get(audit.name, {}))) for audit in audits]


def heard(
    corpus: Corpus, audits: Sequence[Audit], options: Mapping[str, Mapping[str, Any]], settings: Settings
) -> Corpus:
    """The corpus with the columns that audits measure in its sound; none for an audit that cannot run.

    Raises:
        ModelError: what measures is not installed
    """
    asked: list[str] = []
    for audit in audits:
        needs = audit.needs(**audit.settings(options.get(audit.name, {})))
        asked += needs.sound if set(needs.columns) <= set(corpus.clips) else ()

    def scores_of(measure: derived.Measure, of: Corpus) -> pd.DataFrame:
        named = replace(settings, progress=lambda _, n: settings.progress(measure.name, n))
        return predict(measure, of, settings=named)[CLEAN].scores

    return derived.measured(corpus, asked, scores_of)


def facts(corpus: Corpus) -> dict[str, Any]:
    """What a report says about a corpus."""
    clips = corpus.clips
    speakers = int(clips["speaker"].nunique()) if "speaker" in clips else None
    sexes = {}
    if speakers and "sex" in clips:
        sexes = {str(sex): int(n) for sex, n in clips.groupby("sex")["speaker"].nunique().items()}
    return {
        "name": corpus.name,
        "clips": len(clips),
        "speakers": speakers,
        "speakers_by_sex": sexes,
        "version": corpus.version,
        "licence": corpus.licence,
        "citation": corpus.citation,
        "simulated": corpus.simulated,
    }


def versions() -> dict[str, str]:
    """Versions of what can change a number."""
    found = {"sertools": sertools.__version__, "python": platform.python_version()}
    for package in ("torch", "transformers", "numpy", "scipy", "soundfile", "soxr"):
        found[package] = importlib.metadata.version(package)
    return found


def write_results(results: Sequence[Result], folder: Path) -> list[Path]:
    """Writes `<audit>.json` for each result, whole or not at all; returns the paths.

    Raises:
        StoreError: the folder cannot be written
    """
    paths = []
    for result in results:
        path = folder / f"{result.audit}.json"
        store.write_text(path, result.to_json())
        paths.append(path)
    return paths


def export(predicted: Predicted, corpus: Corpus, path: Path) -> None:
    """Writes predictions: columns `clip`, `file`, one per label; corpus order, full float32 precision.

    A clip without an answer has empty cells.

    Raises:
        StoreError: the file cannot be written
    """
    frame = predicted.scores.copy()
    frame.insert(0, "file", corpus.clips["file"])
    with store.atomic(path) as part:
        if path.suffix == ".parquet":
            frame.reset_index(names="clip").to_parquet(part, index=False)
        else:
            # as the doubles that audits compute with, so that a result from the table is the same to the bit
            frame.astype(dict.fromkeys(predicted.scores, float)).to_csv(part, index_label="clip")
