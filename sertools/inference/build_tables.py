"""Joins predictions with corpus labels into the tables that audits read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.errors import ModelError, nearest
from sertools.inference import closed_set
from sertools.labels import DIMENSIONS, canonical
from sertools.models.model import ClipModel, Model
from sertools.models.words.answers import WORDS
from sertools.models.words.parse import NO_ANSWER, kind_of
from sertools.tables.condition import CLEAN
from sertools.tables.frame_sums import FrameSums
from sertools.tables.layers import Layers
from sertools.tables.tables import Tables
from sertools.wording import plural

FEW_VALUES = 10
"""Ratings with at most this many distinct values are noted; constants of an emotion have seven or eight."""

FEW_ANSWERS = 5
"""How many different answers that name no class are shown."""

NOTHING_MISSING = pd.DataFrame({"clip": [], "condition": [], "reason": [], "asked": []}, dtype=object)


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Scores of one condition, one row per clip; missing clips as in `Tables`; layer means if requested."""

    scores: pd.DataFrame
    missing: pd.DataFrame
    silent: int = 0
    cut: int = 0
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


def closed_classes(
    model: Model | ClipModel, classes: Sequence[str], label_map: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The standard names of a closed set of emotions, in the order of the model's labels.

    Raises:
        ModelError: the model does not predict one of them, or they are fewer than two
    """
    if not classes:
        return ()
    known = _model_classes(model, standard_labels(model, label_map))
    wanted = [canonical(name, label_map) for name in classes]
    absent = [name for name, standard in zip(classes, wanted, strict=True) if standard not in known]
    if absent:
        can = f"predicts {', '.join(known)}" if known else "predicts no emotions"
        hint = nearest(absent[0], [*known]) if known else "leave --classes out"
        raise ModelError(f"--classes names {absent[0]!r}, but {model.name} {can}", hint=hint)
    found = tuple(name for name in known if name in wanted)
    if len(found) < 2:
        raise ModelError(f"--classes names {found[0]} alone", hint="name at least two emotions")
    return found


def _model_classes(model: Model | ClipModel, names: Sequence[str]) -> tuple[str, ...]:
    """The emotions among the standard names of a model's labels, without duplicates."""
    if model.task == "regression":
        return ()
    return tuple(name for name in dict.fromkeys(names) if name not in DIMENSIONS)


def tables(
    model: Model | ClipModel,
    corpus: Corpus,
    predicted: Mapping[str, Predicted],
    label_map: Mapping[str, str] | None = None,
    *,
    classes: Sequence[str] = (),
    frame_sums: Mapping[str, FrameSums] | None = None,
    others: Mapping[str, Tables] | None = None,
) -> Tables:
    """The tables that audits read; labels of model and corpus are matched by standard name, not by position.

    Several model labels with the same standard name (excited and happy mapped to happiness) form one class,
    whose score is the sum of theirs.

    Args:
        model: whose predictions these are
        corpus: with the truth
        predicted: condition → predictions
        label_map: theirs → ours
        classes: a closed set of emotions, by standard names; those that the model lacks are left out
        frame_sums: level → sums over frames
        others: role → tables of another model

    Raises:
        ModelError: two dimensions of the model have the same name
    """
    names = standard_labels(model, label_map)
    scores, unused = _by_standard_name(predicted, names)
    labels = _labels(model, corpus, [name for name in names if name not in unused])
    missing = pd.concat([NOTHING_MISSING, *(p.missing for p in predicted.values())], ignore_index=True)
    every, open_answers = labels.classes, dict[str, str | None]()
    if classes:
        labels = _closed(labels, classes)
        open_answers = _open_answers(labels, scores, every)
        scores, missing = _among(scores, missing, labels.classes, every, model)
    return Tables(
        clips=corpus.clips,
        predictions=scores,
        missing=missing,
        dimensions=tuple(d for d in labels.rated if d in labels.model),
        classes=labels.shared,
        model_classes=labels.classes if labels.shared else (),
        open_answers=open_answers,
        notes=(
            *map(str, model.facts.get("notes", [])),
            *([corpus.simulated] if corpus.simulated else []),
            *corpus.notes,
            *_label_notes(labels, every if classes else ()),
            *_rating_notes(corpus, [d for d in labels.rated if d in labels.model]),
            *_score_notes(predicted, scores),
            *_word_notes(missing, predicted, corpus, labels.shared),
        ),
        corpus=corpus.name,
        simulated=corpus.simulated,
        layers=predicted[CLEAN].layers if CLEAN in predicted else None,
        frame_sums=frame_sums or {},
        model=model.name,
        others=others or {},
        in_words=model.facts.get("answers") == WORDS,
        never_trained=bool(model.facts.get("never_trained")),
    )


@dataclass(frozen=True, kw_only=True)
class SharedLabels:
    """Which labels audits can use, before anything is predicted.

    Attributes:
        dimensions: dimensions that the model predicts
        rated: those that the corpus rates
        emotions: emotions that both have, within the closed set if there is one
    """

    dimensions: tuple[str, ...]
    rated: tuple[str, ...]
    emotions: tuple[str, ...]


def shared_labels(
    model: Model | ClipModel,
    corpus: Corpus,
    label_map: Mapping[str, str] | None = None,
    classes: Sequence[str] = (),
) -> SharedLabels:
    """The labels that model and corpus share by their names.

    Raises:
        ModelError: two dimensions of the model have the same name
    """
    found = _labels(model, corpus, standard_labels(model, label_map))
    if classes:
        found = _closed(found, [canonical(name, label_map) for name in classes])
    return SharedLabels(
        dimensions=tuple(name for name in found.model if name in DIMENSIONS),
        rated=tuple(name for name in found.rated if name in found.model),
        emotions=found.shared,
    )


@dataclass(frozen=True, kw_only=True)
class _Labels:
    """Which labels the model and the corpus have.

    Attributes:
        model: standard names of what the model predicts, with duplicates
        rated: dimensions that the corpus rates
        clips: emotion → number of its clips in the corpus, the most frequent first
        classes: emotions that the model predicts
        shared: emotions that both have
    """

    model: list[str]
    rated: list[str]
    clips: dict[str, int]
    classes: tuple[str, ...]
    shared: tuple[str, ...]


def _labels(model: Model | ClipModel, corpus: Corpus, names: list[str]) -> _Labels:
    table = corpus.clips
    rated = [d for d in DIMENSIONS if d in table and table[d].notna().any()]
    counts = table["emotion"].value_counts() if "emotion" in table else pd.Series(dtype=int)
    clips = {str(name): int(n) for name, n in counts.items()}
    classes = _model_classes(model, names)
    shared = tuple(name for name in classes if name in clips)
    return _Labels(model=names, rated=rated, clips=clips, classes=classes, shared=shared)


def _by_standard_name(
    predicted: Mapping[str, Predicted], names: list[str]
) -> tuple[dict[str, pd.DataFrame], set[str]]:
    """Scores with one column per standard name, and the names of which no score is known at all."""
    scores = {
        condition: p.scores.set_axis(names, axis=1).T.groupby(level=0, sort=False).sum(min_count=1).T
        for condition, p in predicted.items()
    }
    # a column without a single number under any condition is a label that the model does not predict here
    unused = {name for name in names if all(frame[name].isna().all() for frame in scores.values())}
    if unused:
        scores = {
            condition: frame.drop(columns=list(unused & set(frame))) for condition, frame in scores.items()
        }
    return scores, unused


def _open_answers(
    labels: _Labels, scores: Mapping[str, pd.DataFrame], every: Sequence[str]
) -> dict[str, str | None]:
    """Clip → the emotion that the model answers among all that it can predict; empty without emotions."""
    if not labels.shared or CLEAN not in scores:
        return {}
    answered = closed_set.answers(scores[CLEAN], every)
    return dict(zip(map(str, answered.index), answered, strict=True))


def _closed(labels: _Labels, classes: Sequence[str]) -> _Labels:
    """The labels with the emotions of a closed set alone."""
    kept = tuple(name for name in labels.classes if name in classes)
    return replace(labels, classes=kept, shared=tuple(name for name in labels.shared if name in kept))


def _among(
    scores: Mapping[str, pd.DataFrame],
    missing: pd.DataFrame,
    classes: Sequence[str],
    every: Sequence[str],
    model: Model | ClipModel,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Scores in which only a closed set of emotions competes, and the missing clips with those it adds."""
    if not classes:
        return dict(scores), missing
    shares = model.task in {"single_label", "joint"} and model.facts.get("answers") != WORDS
    added = []
    for condition, frame in scores.items():
        named = closed_set.answers(frame, every)[closed_set.outside(frame, every, classes)]
        reasons = [f'{NO_ANSWER} (names another class): "{name}"' for name in named]
        rows = {"clip": named.index, "condition": condition, "reason": reasons, "asked": True}
        added.append(pd.DataFrame(rows, dtype=object))
    found = {name: closed_set.among(frame, classes, shares=shares) for name, frame in scores.items()}
    return found, pd.concat([missing, *added], ignore_index=True)


def _label_notes(labels: _Labels, every: Sequence[str] = ()) -> list[str]:
    """Sentences about labels that only one of model and corpus has.

    Args:
        labels: of model and corpus
        every: with a closed set, all emotions of the model; empty without one
    """
    notes = []
    only_rated = [d for d in labels.rated if d not in labels.model]
    only_predicted = [d for d in labels.model if d in DIMENSIONS and d not in labels.rated]
    if only_rated and any(d in labels.model for d in DIMENSIONS):
        notes.append(f"The model does not predict {', '.join(only_rated)}.")
    if only_predicted:
        notes.append(f"The corpus does not rate {', '.join(only_predicted)}.")
    if labels.classes and labels.clips:
        if labels.shared:
            names = ", ".join(sorted(labels.shared))
            notes.append(f"Emotion metrics use {len(labels.shared)} classes: {names}.")
        excluded = [f"{name} ({n})" for name, n in labels.clips.items() if name not in labels.shared]
        if excluded and every:
            notes.append(
                f"The closed set leaves out the clips of {', '.join(excluded)}; of the model's classes, only "
                f"{', '.join(labels.classes)} compete."
            )
        elif excluded:
            notes.append(
                f"Only the corpus has {', '.join(excluded)}: these clips are excluded from emotion metrics."
            )
        extra = [name for name in labels.classes if name not in labels.shared]
        if extra and labels.shared:
            notes.append(f"Only the model has {', '.join(extra)}: such a prediction counts as wrong.")
        elif extra:
            notes.append(
                f"The model predicts {', '.join(extra)}, but the corpus has none of these labels; map names "
                "that mean the same with --label-map THEIRS=OURS."
            )
    unknown = [] if labels.classes else [name for name in labels.model if name not in DIMENSIONS]
    if unknown:
        notes.append(
            f"The model's {', '.join(unknown)} is not a known dimension; name the dimension with --label-map "
            "THEIRS=OURS."
        )
    return notes


def _rating_notes(corpus: Corpus, dimensions: list[str]) -> list[str]:
    """A sentence on each dimension whose ratings have so few values that they rather are classes."""
    notes = []
    for dimension in dimensions:
        rated = corpus.clips[dimension].dropna()
        values = rated.nunique()
        if values <= FEW_VALUES and len(rated) > 2 * FEW_VALUES:
            notes.append(
                f"The ratings of {dimension} have only {plural(values, 'distinct value')}: its scores "
                "measure how well the model separates these, as in a classification."
            )
    return notes


def _word_notes(
    missing: pd.DataFrame, predicted: Mapping[str, Predicted], corpus: Corpus, classes: Sequence[str]
) -> list[str]:
    """A sentence on the answers to clean audio that name no class, by kind, with examples.

    Where the corpus has classes, only answers to the clips of these classes count.
    """
    if CLEAN not in predicted:
        return []
    asked = predicted[CLEAN].scores.index
    if classes:
        asked = asked.intersection(corpus.clips.index[corpus.clips["emotion"].isin(classes)])
    clean = missing[(missing["condition"] == CLEAN) & missing["clip"].isin(asked)]
    reasons = clean["reason"].astype(str)
    reasons = reasons[reasons.str.startswith(NO_ANSWER)]
    if reasons.empty:
        return []
    kinds = [f"{kind}: {n}" for kind, n in reasons.map(kind_of).value_counts().items()]
    texts = reasons.str.partition(": ")[2]
    common = [f"{text} ({n})" for text, n in texts[texts != ""].value_counts().head(FEW_ANSWERS).items()]
    examples = f", such as {', '.join(common)}" if common else ""
    return [
        f"{len(reasons)} of {plural(len(asked), 'answer')} in words name no class and count as wrong "
        f"({', '.join(kinds)}){examples}."
    ]


def _score_notes(predicted: Mapping[str, Predicted], scores: Mapping[str, pd.DataFrame]) -> list[str]:
    """Sentences about silent and cut clips, and about predictions far outside the range of ratings."""
    notes = []
    silent = max((p.silent for p in predicted.values()), default=0)
    if silent:
        notes.append(f"{silent} clips are digital silence; they are included and scored.")
    cut = max((p.cut for p in predicted.values()), default=0)
    if cut:
        notes.append(
            f"{plural(cut, 'file')} ended before the length that the header states; what is there was scored "
            "(sertools corpus check names them)."
        )
    for dimension in (d for d in DIMENSIONS if d in scores.get(CLEAN, ())):
        values = scores[CLEAN][dimension].to_numpy()
        low, high = np.nanmin(values), np.nanmax(values)
        if low < -0.5 or high > 1.5:
            notes.append(
                f"Predictions of {dimension} range from {low:.3g} to {high:.3g}, but ratings are in [0, 1]: "
                "if the model uses another scale, name it, as in --model-scale 1:7."
            )
    return notes
