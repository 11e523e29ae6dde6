"""Fits the field's classical baseline: a linear model on the eGeMAPS functionals of a corpus.

It does not compute metrics. Together with the model, it writes held-out predictions, each from a model fitted
without the clip's speaker; audit them with `sertools audit --model predictions:FILE`.
"""

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.opensmile import RATE_HZ
from sertools.corpora.corpus import Corpus
from sertools.corpora.seen.record import TrainingRecord, path_of, record_of
from sertools.errors import CorpusError, ModelError
from sertools.files import check_writable, write_bytes, write_text
from sertools.inference.frames.acoustics import functionals_of
from sertools.inference.settings import Settings
from sertools.labels import DIMENSIONS
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS
from sertools.training.output.estimators import steady

FOLDS = 5
"""Number of speaker groups that are held out in turn; fewer if there are fewer speakers."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A fitted baseline and its held-out predictions.

    Attributes:
        path: of the model file, to be loaded with `sklearn:`
        labels: of its outputs
        clips, speakers: numbers of clips and speakers that it was fitted on
        left_out: number of clips without a label or without usable audio
        held_out: one row per clip, one column per label, predicted by a model that was fitted without the
            clip's speaker; a class that is absent from such a model's training data has probability 0
        predictions: path of the file with the held-out predictions, to be loaded with `predictions:`
    """

    path: Path
    labels: tuple[str, ...]
    clips: int
    speakers: int
    left_out: int
    held_out: pd.DataFrame
    predictions: Path


def fit_baseline(
    corpus: Corpus, labels: Sequence[str], out: Path, *, strength: float = 1.0, whole: Corpus | None = None
) -> Baseline:
    """Fits StandardScaler and logistic (emotion) or ridge regression (dimensions) on eGeMAPS functionals.

    Held-out predictions come from models fitted on other speakers (`GroupKFold`); the model that is written
    is fitted on all clips. All classes have equal weight, however many clips they have.

    Args:
        corpus: with the columns `speaker` and `labels`
        labels: `["emotion"]`, or dimensions
        out: file to write, ending with .skops; a .json with the labels, a .skops.training_record.json, and a
            .held_out.csv with the held-out predictions are written beside it
        strength: of the regularisation, above 0; 1 is scikit-learn's own
        whole: the corpus of which `corpus` is a part, for which functionals are kept

    Raises:
        CorpusError: a column is missing, there are fewer than two speakers or classes, or no usable clips
        ModelError: the file exists or cannot be written, or openSMILE or skops is not installed
    """
    labels = tuple(labels)
    _check_arguments(labels, out)
    corpus.check_listed_once()
    skops = _skops()
    clips, features = _clips_and_functionals(corpus, labels, whole or corpus)
    speaker = clips["speaker"].to_numpy(dtype=str)
    speakers = len(np.unique(speaker))
    if speakers < 2:
        raise CorpusError(
            f"{corpus.name} has only one speaker with {', '.join(labels)}, so none can be held out"
        )
    truth = clips["emotion"].to_numpy(dtype=str) if labels == ("emotion",) else clips[list(labels)].to_numpy()
    if labels == ("emotion",) and len(np.unique(truth)) < 2:
        raise CorpusError(f"{corpus.name} has only one emotion, {truth[0]}; at least two are needed")
    estimator = _estimator(labels, strength).fit(features, truth)
    outputs = tuple(map(str, estimator.classes_)) if labels == ("emotion",) else labels
    held_out = pd.DataFrame(
        _held_out(features, truth, speaker, outputs, strength), index=clips.index, columns=list(outputs)
    )
    baseline = Baseline(
        path=out,
        labels=outputs,
        clips=len(clips),
        speakers=speakers,
        left_out=len(corpus.clips) - len(clips),
        held_out=held_out,
        predictions=out.with_suffix(".held_out.csv"),
    )
    record = record_of([replace(corpus, clips=clips)])
    _write(baseline, estimator, corpus, record, skops)
    return baseline


def _check_arguments(labels: tuple[str, ...], out: Path) -> None:
    if labels != ("emotion",) and not (labels and set(labels) <= set(DIMENSIONS)):
        raise CorpusError(
            f"a baseline cannot be fitted to {', '.join(labels) or 'an empty list of labels'}",
            hint='labels must be ["emotion"], or some of arousal, dominance and valence',
        )
    if out.suffix != ".skops" or out.exists():
        reason = "already exists" if out.exists() else "does not end with .skops"
        raise ModelError(f"{out} {reason}", hint="name a new file, such as baseline.skops")
    check_writable(out.parent, error=ModelError)


def _write(baseline: Baseline, estimator: Any, corpus: Corpus, record: TrainingRecord, skops: Any) -> None:
    """Writes the model, its labels, its training record and the held-out predictions to one folder."""
    out = baseline.path
    trained_on = {"corpus": corpus.name, "clips": baseline.clips, "speakers": baseline.speakers}
    described = {
        "labels": baseline.labels,
        "features": "eGeMAPSv02",
        "sampling_rate": RATE_HZ,
        "max_minutes": corpus.max_minutes,
        "trained_on": trained_on,
    }
    write_text(out.with_suffix(".json"), json.dumps(described, indent=1) + "\n", error=ModelError)
    write_text(path_of(out), record.to_json(), error=ModelError)
    write_text(baseline.predictions, baseline.held_out.to_csv(index_label="clip"), error=ModelError)
    write_bytes(out, steady(skops.dumps(estimator)), error=ModelError)


def _skops() -> Any:
    try:
        return importlib.import_module("skops.io")
    except ImportError as error:
        raise ModelError(
            "writing a baseline needs skops, which is not installed", hint="pip install skops"
        ) from error


def _clips_and_functionals(
    corpus: Corpus, labels: Sequence[str], whole: Corpus
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Clips that have a speaker, labels and audio, and their functionals (n, 88), kept for all of `whole`."""
    for column in ("speaker", *labels):
        if column not in corpus.clips:
            raise CorpusError(f"corpus {corpus.name} has no column {column!r}, which a baseline needs")
    labelled = corpus.clips[corpus.clips[["speaker", *labels]].notna().all(axis="columns")]
    usable = labelled
    if len(labelled):
        found = functionals_of(whole, labelled.index, Settings())
        usable = labelled[(found["reason"] == "").to_numpy()]
    if usable.empty:
        raise CorpusError(f"no clip of {corpus.name} has a speaker, {', '.join(labels)} and usable audio")
    rows = found.loc[usable.index, list(FUNCTIONAL_COLUMNS)].to_numpy(dtype=np.float64)
    return usable, np.ascontiguousarray(rows)


def _estimator(labels: Sequence[str], strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if tuple(labels) == ("emotion",):
        last: Any = LogisticRegression(C=1 / strength, class_weight="balanced", max_iter=2000)
    else:
        last = Ridge(alpha=strength)
    return make_pipeline(StandardScaler(), last)


def _held_out(
    features: NDArray[np.float64],
    truth: NDArray[Any],
    speaker: NDArray[np.str_],
    outputs: Sequence[str],
    strength: float,
) -> NDArray[np.float64]:
    """Predictions (n, c) for clips by models that were fitted on other speakers."""
    from sklearn.model_selection import GroupKFold

    found = np.zeros((len(truth), len(outputs)))
    for train, test in GroupKFold(min(FOLDS, len(np.unique(speaker)))).split(features, truth, speaker):
        if truth.ndim == 2:
            fitted = _estimator(outputs, strength).fit(features[train], truth[train])
            found[test] = fitted.predict(features[test]).reshape(len(test), len(outputs))
            continue
        classes = list(np.unique(truth[train]))
        columns = [outputs.index(name) for name in classes]
        if len(classes) == 1:
            found[test, columns[0]] = 1.0
            continue
        fitted = _estimator(["emotion"], strength).fit(features[train], truth[train])
        found[np.ix_(test, columns)] = fitted.predict_proba(features[test])
    return found
