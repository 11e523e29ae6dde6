"""Scores and layer means of a corpus under each condition, computed or read from the store."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools import files
from sertools.corpora.corpus import Corpus, fingerprint
from sertools.errors import CorpusError, ModelError
from sertools.inference import engine
from sertools.inference.build_tables import Predicted
from sertools.inference.jobs import Job, jobs_of_conditions
from sertools.inference.precision import choose_precision
from sertools.models.model import ClipModel, Model
from sertools.speech import resynthesis
from sertools.store import store
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.layers import Layers

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""(description, clips) → context manager that yields `advance(n)`."""

RESERVED = ("clip", "file", "reason", "silent")
"""Columns that stored and exported tables have in addition to the labels."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings for how to compute; except for the seed, none changes a number beyond its stated tolerance.

    Attributes:
        seed: random seed
        batch_size: maximum number of clips in one forward pass
        workers: number of decoding threads
        cache: root folder of the store; None for the platform's user cache directory
        label_map: theirs → ours, for the labels of the model
        progress: shows the progress of a long job
    """

    seed: int = 0
    batch_size: int = engine.BATCH_SIZE
    workers: int = 2
    cache: Path | None = None
    label_map: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = lambda description, total: nullcontext(lambda n: None)

    @property
    def root(self) -> Path:
        """Root folder of the store."""
        return self.cache or store.default_root()


def jobs(
    model: Model,
    corpus: Corpus,
    conditions: Sequence[Condition],
    *,
    settings: Settings,
    corpus_fingerprint: str = "",
    layers: bool = False,
) -> list[Job]:
    """The jobs still to compute for these conditions.

    Layer means, if requested, are computed for clean audio only. Conditions with a synthetic voice are left
    out for a corpus without transcripts.

    Args:
        model: in the number format in which it runs
        corpus: the corpus to predict
        conditions: conditions of the audio
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint, if the caller knows it
        layers: whether layer means are needed

    Raises:
        SertoolsError: a voice does not exist
    """
    corpus_fingerprint = corpus_fingerprint or fingerprint(corpus)
    return [
        job
        for condition in _applicable(conditions, corpus)
        for job in jobs_of_conditions(
            corpus.clips.index,
            model=(model.name, model.fingerprint),
            corpus=(corpus.name, corpus_fingerprint),
            conditions=[condition],
            layers=layers and str(condition) == CLEAN,
            root=settings.root,
        )
    ]


def _applicable(conditions: Sequence[Condition], corpus: Corpus) -> list[Condition]:
    """The conditions that apply to this corpus; voice conditions get a fingerprint of its transcripts."""
    return [
        replace(c, content=resynthesis.fingerprint(corpus.clips, c.voice)) if c.voice else c
        for c in conditions
        if not c.voice or resynthesis.has_transcripts(corpus.clips)
    ]


def predict(
    model: Model | ClipModel,
    corpus: Corpus,
    *,
    conditions: Sequence[Condition] = (Condition(),),
    settings: Settings | None = None,
    corpus_fingerprint: str = "",
    layers: bool = False,
) -> dict[str, Predicted]:
    """Scores of a corpus under each condition; what the store has is not computed again.

    Under `--precision auto` the number format is chosen first. A bare encoder has layers and no scores. A
    model that predicts by clip, without audio, only predicts for the conditions that it has.

    Args:
        model: from `load_model`
        corpus: from `load_corpus`
        conditions: conditions of the audio; clean only by default
        settings: how to compute
        corpus_fingerprint: the corpus' fingerprint, if the caller knows it
        layers: whether layer means of the clean audio are needed as well as the scores

    Raises:
        ModelError: the model is a bare encoder, and only scores are needed
        CorpusError: no clip could be scored
        StoreError: the store cannot be written
    """
    settings = settings or Settings()
    if not isinstance(model, ClipModel):
        corpus_fingerprint = corpus_fingerprint or fingerprint(corpus)
        model = choose_precision(model, corpus, corpus_fingerprint, settings.root)
    return predict_conditions(model, corpus, conditions, settings, corpus_fingerprint, layers)


def predict_conditions(
    model: Model | ClipModel,
    corpus: Corpus,
    conditions: Sequence[Condition],
    settings: Settings,
    corpus_fingerprint: str,
    layers: bool,
) -> dict[str, Predicted]:
    """Same as `predict` for a model whose number format is chosen."""
    _check_labels(model, layers)
    if isinstance(model, ClipModel):
        known = [CLEAN, *(str(c) for c in conditions if str(c) != CLEAN and str(c) in model.conditions)]
        return {name: _by_clip(model, corpus, name, layers and name == CLEAN) for name in known}
    files.check_writable(settings.root)
    predicted = {}
    for job in jobs(
        model, corpus, conditions, settings=settings, corpus_fingerprint=corpus_fingerprint, layers=layers
    ):
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
        frame, means = engine.read_job(job, corpus.clips.index)
        found = _predicted(frame, str(job.condition), list(model.labels))
        predicted[str(job.condition)] = replace(found, layers=Layers(shards=tuple(means)) if means else None)
    _check_some_scored(predicted[str(conditions[0])], corpus)
    return predicted


def _check_labels(model: Model | ClipModel, layers: bool) -> None:
    """Checks that a model predicts something, or has layers if they are requested, and has usable labels.

    Raises:
        ModelError: a bare encoder, or a label that is a duplicate or a reserved name
    """
    if model.task == "encoder" and not layers:
        raise ModelError(
            f"{model.name} is a bare encoder: the checkpoint has no head, so it predicts nothing; unused "
            f"checkpoint keys: {', '.join(model.facts.get('unexpected_keys', [])) or 'none'}",
            hint="train a head with sertools finetune, or name the existing head with --head PREFIX=LAYOUT",
        )
    taken = [name for name in model.labels if name in RESERVED or model.labels.count(name) > 1]
    if taken:
        raise ModelError(
            f"{model.name} has a label {taken[0]!r}, which is a duplicate or a reserved name",
            hint=f"labels must be different from each other and from {', '.join(RESERVED)}",
        )


def _predicted(frame: pd.DataFrame, condition: str, labels: list[str]) -> Predicted:
    gone = frame[frame["reason"] != ""]
    missing = pd.DataFrame({"clip": gone.index, "condition": condition, "reason": gone["reason"].to_numpy()})
    missing["asked"] = [engine.was_asked(reason) for reason in missing["reason"]]
    return Predicted(scores=frame[labels], missing=missing, silent=int(frame["silent"].sum()))


def _by_clip(model: ClipModel, corpus: Corpus, condition: str, layers: bool) -> Predicted:
    scores = model.scores(corpus.clips, condition)
    vectors: NDArray[np.float32] | None = None
    unknown: NDArray[np.bool_] = scores.isna().all(axis=1).to_numpy()
    if layers and hasattr(model, "layers"):
        vectors = model.layers(corpus.clips)
        # a model with labels has a clip if it has scores for it, a table of layer vectors if it has a vector
        unknown = unknown if model.labels else np.asarray(np.isnan(vectors).all(axis=(1, 2)))
    gone = scores.index[unknown]
    missing = pd.DataFrame(
        {"clip": gone, "condition": condition, "reason": f"{model.name} has no complete row for this clip"}
    )
    missing["asked"] = True
    means = None if vectors is None else Layers(shards=(vectors,))
    found = Predicted(scores=scores, missing=missing, layers=means)
    if condition == CLEAN:
        _check_some_scored(found, corpus)
    return found


def _check_some_scored(predicted: Predicted, corpus: Corpus) -> None:
    if len(predicted.missing) == len(corpus.clips):
        reasons = predicted.missing["reason"].value_counts()
        raise CorpusError(
            f"none of the {len(corpus.clips)} clips of {corpus.name} could be scored; most frequent reason: "
            f"{reasons.index[0]}",
            hint=""
            if reasons.index[0] == engine.NOT_FINITE
            else "run sertools corpus check for details of each clip",
        )
