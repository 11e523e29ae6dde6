"""Scores and layer means of a corpus under conditions: what the store lacks is computed, the rest is read."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sertools import engine, plan, precision, store, voiced
from sertools.condition import Condition
from sertools.corpus import Corpus, fingerprint
from sertools.errors import CorpusError, ModelError
from sertools.meet import Predicted
from sertools.model import ClipModel, Model
from sertools.tables import CLEAN, Layers

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
        {"clip": gone, "condition": condition, "reason": f"{model.name} has no complete row for it"}
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
            hint=""
            if reasons.index[0] == engine.NOT_FINITE
            else "sertools corpus check says more of each clip",
        )
