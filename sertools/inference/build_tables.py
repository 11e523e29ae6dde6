"""Joins predictions with corpus labels into the tables that audits read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, canonical
from sertools.models.model import ClipModel, Model
from sertools.tables.condition import CLEAN
from sertools.tables.frame_sums import FrameSums
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables

NOTHING_MISSING = pd.DataFrame({"clip": [], "condition": [], "reason": []}, dtype=object)


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Scores of one condition, one row per clip; missing clips with reasons; layer means if requested."""

    scores: pd.DataFrame
    missing: pd.DataFrame
    silent: int = 0
    layers: Layers | None = None


def standard_labels(model: Model | ClipModel, label_map: Mapping[str, str] | None = None) -> list[str]:
    """The standard name of each of the model's labels.

    Raises:
        ModelError: two dimensions of the model have the same name
    """
    names = [canonical(label, label_map) for label in model.labels]
    twice = [name for name in DIMENSIONS if names.count(name) > 1]
    if twice:
        raise ModelError(
            f"two labels of {model.name} mean {twice[0]}", hint="rename one of them with --label-map"
        )
    return names


def tables(
    model: Model | ClipModel,
    corpus: Corpus,
    predicted: Mapping[str, Predicted],
    label_map: Mapping[str, str] | None = None,
    *,
    frame_sums: Mapping[str, FrameSums] | None = None,
    others: Mapping[str, Tables] | None = None,
) -> Tables:
    """The tables that audits read; labels of model and corpus are matched by standard name, not by position.

    Several model labels with the same standard name (excited and happy mapped to happiness) form one class,
    whose score is the sum of theirs.

    Raises:
        ModelError: two dimensions of the model have the same name
    """
    ours = standard_labels(model, label_map)
    scores = {
        condition: p.scores.set_axis(ours, axis=1).T.groupby(level=0, sort=False).sum(min_count=1).T
        for condition, p in predicted.items()
    }
    # a column without a single number under any condition is a label that the model does not predict here
    silent = {name for name in ours if all(frame[name].isna().all() for frame in scores.values())}
    if silent:
        ours = [name for name in ours if name not in silent]
        scores = {
            condition: frame.drop(columns=list(silent & set(frame))) for condition, frame in scores.items()
        }
    clips = corpus.clips
    rated = [d for d in DIMENSIONS if d in clips and clips[d].notna().any()]
    truth = clips["emotion"].value_counts() if "emotion" in clips else pd.Series(dtype=int)
    regression = model.task == "regression"
    classes = [] if regression else [name for name in dict.fromkeys(ours) if name not in DIMENSIONS]
    shared = [name for name in classes if name in truth.index]
    return Tables(
        clips=clips,
        predictions=scores,
        missing=pd.concat([NOTHING_MISSING, *(p.missing for p in predicted.values())], ignore_index=True),
        dimensions=tuple(d for d in rated if d in ours),
        classes=tuple(shared),
        model_classes=tuple(classes) if shared else (),
        notes=(
            *map(str, model.facts.get("notes", [])),
            *_notes(corpus, predicted, scores, ours, rated, truth, classes, shared),
        ),
        corpus=corpus.name,
        simulated=corpus.simulated,
        layers=predicted[CLEAN].layers if CLEAN in predicted else None,
        frame_sums=frame_sums or {},
        model=model.name,
        others=others or {},
    )


def _notes(
    corpus: Corpus,
    predicted: Mapping[str, Predicted],
    scores: Mapping[str, pd.DataFrame],
    ours: list[str],
    rated: list[str],
    truth: pd.Series,
    classes: list[str],
    shared: list[str],
) -> list[str]:
    notes = [corpus.simulated] if corpus.simulated else []
    notes += corpus.notes
    only_rated, only_predicted = [d for d in rated if d not in ours], [d for d in ours if d in DIMENSIONS]
    only_predicted = [d for d in only_predicted if d not in rated]
    if only_rated and any(d in ours for d in DIMENSIONS):
        notes.append(f"The model does not predict {', '.join(only_rated)}.")
    if only_predicted:
        notes.append(f"The corpus does not rate {', '.join(only_predicted)}.")
    if classes and len(truth):
        left_out = {name: int(truth[name]) for name in truth.index if name not in shared}
        if shared:
            notes.append(f"Emotion metrics use {len(shared)} classes: {', '.join(sorted(shared))}.")
        if left_out:
            named = ", ".join(f"{name} ({n})" for name, n in left_out.items())
            notes.append(f"Only the corpus has {named}: these clips are excluded from emotion metrics.")
        extra = [name for name in classes if name not in shared]
        if extra and shared:
            notes.append(f"Only the model has {', '.join(extra)}: such a prediction counts as wrong.")
        elif extra:
            notes.append(
                f"The model predicts {', '.join(extra)}, but the corpus has none of these labels; map names "
                "that mean the same with --label-map THEIRS=OURS."
            )
    unknown = [] if classes else [name for name in ours if name not in DIMENSIONS]
    if unknown:
        notes.append(
            f"The model's {', '.join(unknown)} is not a known dimension; name the dimension with --label-map "
            "THEIRS=OURS."
        )
    silent = max((p.silent for p in predicted.values()), default=0)
    if silent:
        notes.append(f"{silent} clips are digital silence; they are included and scored.")
    for dimension in (d for d in DIMENSIONS if d in scores.get(CLEAN, ())):
        values = scores[CLEAN][dimension].to_numpy()
        low, high = np.nanmin(values), np.nanmax(values)
        if low < -0.5 or high > 1.5:
            notes.append(
                f"Predictions of {dimension} range from {low:.3g} to {high:.3g}, but ratings are in [0, 1]: "
                "does the model use another scale?"
            )
    return notes
