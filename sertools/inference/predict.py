"""Scores and layer means of a corpus under each condition, computed or read from the store."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus, fingerprint
from sertools.errors import CorpusError, ModelError
from sertools.inference import engine
from sertools.inference.build_tables import Predicted
from sertools.inference.jobs import Job, jobs
from sertools.inference.precision import choose_precision
from sertools.inference.settings import Settings
from sertools.inference.share import OtherSharesMissingError, fill
from sertools.models.model import ClipModel, Model, explains, is_by_clip
from sertools.models.words.parse import NO_ANSWER
from sertools.tables.condition import CLEAN, Condition
from sertools.tables.layers import Layers

RESERVED = ("clip", "file", "reason", "silent", "cut")
"""Columns that stored and exported tables have in addition to the labels."""


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
        OtherSharesMissingError: `settings` name a share of the work, and other shares are not stored yet
    """
    settings = settings or Settings()
    planned: list[Job] = []
    if not is_by_clip(model):
        corpus_fingerprint = corpus_fingerprint or fingerprint(corpus)
        model = choose_precision(model, corpus, corpus_fingerprint, settings)
        planned = jobs(model, corpus, conditions, settings, corpus_fingerprint, layers)
        if settings.share:
            missing = fill([(model, corpus, planned)], settings.share, settings)
            if missing:
                raise OtherSharesMissingError(settings.share, missing)
            planned = jobs(model, corpus, conditions, settings, corpus_fingerprint, layers)
    return predict_conditions(model, corpus, conditions, planned, settings, layers)


def predict_conditions(
    model: Model | ClipModel,
    corpus: Corpus,
    conditions: Sequence[Condition],
    planned: Sequence[Job],
    settings: Settings,
    layers: bool,
) -> dict[str, Predicted]:
    """Same as `predict` for a model whose number format is chosen, and whose jobs are planned.

    Args:
        model: in the number format in which it runs
        corpus: the corpus to predict
        conditions: conditions of the audio, of which the first must yield some scores
        planned: the jobs of a model that computes scores from audio, from `jobs`; empty for other models
        settings: how to compute
        layers: whether layer means of the clean audio are needed as well as the scores
    """
    _check_labels(model, layers)
    if is_by_clip(model):
        known = [CLEAN, *(str(c) for c in conditions if str(c) != CLEAN and str(c) in model.conditions)]
        return {name: _by_clip(model, corpus, name, layers and name == CLEAN) for name in known}
    predicted = {}
    for job in planned:
        frame, means = engine.run(job, corpus, model, settings)
        name, gone = str(job.condition), frame[frame["reason"] != ""]
        predicted[name] = Predicted(
            scores=frame[list(model.labels)],
            missing=pd.DataFrame(
                {
                    "clip": gone.index,
                    "condition": name,
                    "reason": gone["reason"].to_numpy(),
                    "asked": [engine.was_asked(reason) for reason in gone["reason"]],
                }
            ),
            silent=int(frame["silent"].sum()),
            cut=int(frame["cut"].eq(True).sum()) if "cut" in frame else 0,
            layers=Layers(shards=tuple(means)) if means else None,
        )
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
    if explains(model):
        missing = _explained(missing, model.reasons(corpus.clips, condition), condition)
    missing["asked"] = True
    means = None if vectors is None else Layers(shards=(vectors,))
    found = Predicted(scores=scores, missing=missing, layers=means)
    if condition == CLEAN:
        _check_some_scored(found, corpus)
    return found


def _explained(missing: pd.DataFrame, reasons: "pd.Series[str]", condition: str) -> pd.DataFrame:
    """The missing clips with the reasons of the model, and those of which only a part is missing."""
    own = reasons[reasons != ""]
    others = missing[~missing["clip"].isin(own.index)]
    found = pd.DataFrame({"clip": own.index, "condition": condition, "reason": own.to_numpy()})
    return pd.concat([others, found], ignore_index=True)


def _hint(reason: str) -> str:
    """What to do where no answer could be used; empty where that is not known."""
    if not reason.startswith(NO_ANSWER):
        return ""
    return "if the answers name the emotions otherwise, say which is which, as in --label-map S=sadness"


def _check_some_scored(predicted: Predicted, corpus: Corpus) -> None:
    some = len(predicted.scores.columns) and predicted.scores.notna().to_numpy().any()
    if len(predicted.missing) == len(corpus.clips) and not some:
        commonest = str(predicted.missing["reason"].value_counts().index[0])
        of_model = commonest == engine.NOT_FINITE or commonest.startswith(NO_ANSWER)
        raise CorpusError(
            f"none of the {len(corpus.clips)} clips of {corpus.name} could be scored; most frequent reason: "
            f"{commonest}",
            hint=_hint(commonest) if of_model else "run sertools corpus check for details of each clip",
        )
