"""The score of one rater to compare with a model's score, on the same clips with the same metric.

A rater is held against the majority, or the mean, of the other raters of the clip, if the labels of the
corpus are those of its raters; otherwise against the labels, such as the emotion that an actor intended. The
model is held against the same truth as each rater, so that the difference of both is paired. Clips without a
label, because the votes tie, count where the other raters agree: leaving them out would favour the raters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.metrics import classification, raters, regression, soft_labels
from sertools.results.result import Figure, Finding, Series
from sertools.results.values import Ceiling
from sertools.statistics.jackknife import Estimate, estimate_from_sums
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import (
    Pairs,
    pairs,
    predictions_of,
    speaker_codes,
    truth_of,
    unanswered_clips,
)
from sertools.tables.tables import Tables
from sertools.tables.votes import Votes, majority, ratings_of, votes_of

OTHERS, MEAN = "the majority of the others", "the mean of the others"
LABEL, RATING = "the label of the corpus", "the rating of the corpus"
DISTRIBUTION = "the votes of the others"

SAME_LABELS = 0.95
"""From this share of clips on whose label is the majority of the votes, the labels are those of raters."""

SAME_RATINGS = 0.02
"""Largest median distance between a rating and the mean of the raters if the ratings are theirs."""

OF_CLASSES = {
    "uar": classification.uar_statistic,
    "uap": classification.uap_statistic,
    "accuracy": classification.accuracy_statistic,
    "weighted_f1": classification.weighted_f1_statistic,
    "macro_f1": classification.macro_f1_statistic,
}
OF_RATINGS = {each.name: each for each in (regression.CCC, regression.PCC, regression.MAE, regression.RMSE)}
LOWER_IS_BETTER = {"mae", "rmse"}
MAIN = ("ccc", "uar")
"""Measures whose ceiling is told in the answer."""

Shown = tuple[float | None, float | None, float | None]
"""A value and both ends of its interval."""


def with_ceilings(findings: Sequence[Finding], tables: Tables) -> list[Finding]:
    """The findings, each score with that of one rater on its clips; unchanged where it is not known.

    Scores of all clips are compared, and of the clips of a group (`sex=female`).

    Args:
        findings: of one audit
        tables: clips and clean predictions
    """
    if not tables.predictions or not (tables.classes or tables.dimensions):
        return list(findings)
    known: dict[tuple[str, str], _OfClasses | _OfRatings | None] = {}
    found = []
    for f in findings:
        people: _OfClasses | _OfRatings | None = None
        if (
            f.value is not None
            and f.ceiling is None
            and f.name in (OF_CLASSES if f.target == "emotion" else OF_RATINGS)
        ):
            key = f.target, f.slice
            if key not in known:
                known[key] = _people(tables, *key)
            people = known[key]
        ceiling = people.ceiling(f.name) if people else None
        found.append(f if ceiling is None else f.model_copy(update={"ceiling": ceiling}))
    return found


def sentence(findings: Sequence[Finding]) -> str:
    """Scores of one rater on the main measures of an audit, and how the model compares; empty if unknown.

    >>> gap = {"difference": -0.1, "difference_low": -0.2, "difference_high": -0.05}
    >>> of = Ceiling(value=0.53, n=9, against=OTHERS, **gap)
    >>> sentence([Finding(name="uar", target="emotion", value=0.4, n=9, ceiling=of)])
    ' Against the majority of the others, one rater reaches an emotion UAR of 0.53: the model is worse.'
    """
    main = [f for f in findings if f.ceiling and f.name in MAIN and f.slice == "all"]
    said: dict[str, list[str]] = {}
    for f in main:
        if f.ceiling and f.ceiling.value is not None:
            how = f.ceiling.comparison.replace(" than one rater", "").replace(" from one rater", "")
            score = f"{f.target} {f.name.upper()} of {f.ceiling.value:.2f}"
            said.setdefault(f.ceiling.against, []).append(f"{score}: the model is {how}")
    parts = []
    for against, scores in said.items():
        article = "an" if scores[0][0] in "aeiou" else "a"
        parts.append(f" Against {against}, one rater reaches {article} {'; '.join(scores)}.")
    return "".join(parts)


def with_ceilings_in_figures(figures: Sequence[Figure], findings: Sequence[Finding]) -> list[Figure]:
    """The figures; dot plots of scores also show the score of one rater.

    A row belongs to the finding whose value and interval it shows.
    """
    people: dict[Shown, Ceiling] = {(f.value, f.low, f.high): f.ceiling for f in findings if f.ceiling}
    return [_with_people(figure, people) if figure.kind == "interval" else figure for figure in figures]


def _with_people(figure: Figure, people: Mapping[Shown, Ceiling]) -> Figure:
    rows = {
        x: people[value, low, high]
        for series in figure.series
        if series.low and series.high
        for x, value, low, high in zip(series.x, series.y, series.low, series.high, strict=True)
        if (value, low, high) in people
    }
    if not rows:
        return figure
    one = Series(
        name="one rater",
        x=list(rows),
        y=[c.value for c in rows.values()],
        low=[c.low for c in rows.values()],
        high=[c.high for c in rows.values()],
    )
    model = [s.model_copy(update={"name": s.name or "model"}) for s in figure.series]
    said = ", ".join(f"{x} {c.text}" for x, c in rows.items())
    alt = f"{figure.alt.rstrip('.')}. One rater: {said}."
    return figure.model_copy(update={"series": [*model, one], "alt": alt})


@dataclass(frozen=True, kw_only=True)
class _OfClasses:
    """Confusion counts of raters and of a model with the same truth, by speaker, shape (units, c · c)."""

    raters: NDArray[np.float64]
    model: NDArray[np.float64]
    classes: int
    pair: Pairs
    n: int
    against: str

    def ceiling(self, name: str) -> Ceiling | None:
        return compared(
            OF_CLASSES[name](self.classes), self.raters, self.model, self.pair, self.n, self.against
        )


@dataclass(frozen=True, kw_only=True)
class _OfRatings:
    """Each rating beside its truth and the model's prediction, with the speaker, each of shape (m,)."""

    truth: NDArray[np.float64]
    rating: NDArray[np.float64]
    prediction: NDArray[np.float64]
    unit: NDArray[np.integer]
    pair: Pairs
    n: int
    against: str

    def ceiling(self, name: str) -> Ceiling | None:
        statistic, units = OF_RATINGS[name], self.pair.units
        own, other = (statistic.sums(self.truth, p, self.unit, units) for p in (self.rating, self.prediction))
        return compared(statistic, own, other, self.pair, self.n, self.against)


def compared(
    statistic: Statistic,
    of_raters: NDArray[np.float64],
    of_model: NDArray[np.float64],
    pair: Pairs,
    n: int,
    against: str,
) -> Ceiling | None:
    """The score of one rater and the paired difference of the model from it; None if no clip shows it.

    Args:
        statistic: the metric
        of_raters: sums of each unit of the pairs, shape (units, k)
        of_model: the same of the model
        pair: the model's clips
        n: number of clips with raters
        against: what a rater is held against
    """
    present: NDArray[np.bool_] = np.asarray(of_raters.any(axis=1))
    if not present.any():
        return None
    noun = "speaker" if pair.by_speaker else "clip"
    own = estimate_from_sums(statistic, of_raters[present], n, unit_noun=noun)
    k = of_raters.shape[1]
    widest = statistic.bounds[1] - statistic.bounds[0]
    difference = Statistic(
        name=statistic.name,
        sums=statistic.sums,
        value=lambda both: statistic.value(both[..., k:]) - statistic.value(both[..., :k]),
        bounds=(-widest, widest),
    )
    gap = estimate_from_sums(difference, np.concatenate([of_raters, of_model], axis=1)[present], n)
    if np.isnan(own.value):
        return None
    side: Literal["higher", "lower"] = "lower" if statistic.name in LOWER_IS_BETTER else "higher"
    return Ceiling(
        value=own.value,
        low=own.low,
        high=own.high,
        n=n,
        speakers=_speakers(pair, present, own),
        against=against,
        difference=gap.value,
        difference_low=gap.low,
        difference_high=gap.high,
        better=side,
    )


def _speakers(pair: Pairs, present: NDArray[np.bool_], own: Estimate) -> int | None:
    if not pair.by_speaker:
        return None
    named = np.ones(pair.n, dtype=np.bool_) if pair.named is None else pair.named
    return min(own.units, len(np.unique(pair.unit[named & present[pair.unit]])))


def soft_ceiling(votes: Votes, prediction: NDArray[np.bool_], pair: Pairs) -> Ceiling | None:
    """Macro-F1 of one rater on soft labels, compared with the votes of the others.

    Each clip weighs the same, whatever the number of its raters.

    Args:
        votes: of the clips of the pairs
        prediction: classes that the model gives more than an equal share, shape (n, c)
        pair: the model's clips; only their speakers are read
    """
    several = votes.raters > 1
    if not votes.are_counted or not several.any():
        return None
    counts = np.where(several[:, None], votes.counts, 0.0)
    clip, answer = np.nonzero(counts > 0)
    others = counts[clip]
    others[np.arange(len(clip)), answer] -= 1
    truth = soft_labels.above_equal_share(others / others.sum(axis=1, keepdims=True))
    weight = counts[clip, answer] / counts[clip].sum(axis=1)
    alone = np.zeros(truth.shape, dtype=np.bool_)
    alone[np.arange(len(clip)), answer] = True
    unit = pair.unit[clip]
    own, model = (
        soft_labels.f1_sums(truth, given, weight, unit, pair.units) for given in (alone, prediction[clip])
    )
    return compared(soft_labels.SOFT_MACRO_F1, own, model, pair, int(several.sum()), DISTRIBUTION)


def labels_are_votes(label: NDArray[np.integer], counts: NDArray[np.float64]) -> bool:
    """Whether labels are the majority of the votes, rather than the intended or another emotion.

    Args:
        label: class codes, shape (n,); negative for clips without one
        counts: votes with the same codes, shape (n, c)
    """
    most = majority(counts)
    both = (most >= 0) & (label >= 0)
    return not both.any() or float((most == label)[both].mean()) >= SAME_LABELS


def ratings_are_means(rating: NDArray[np.float64], ratings: NDArray[np.float64]) -> bool:
    """Whether the ratings of the clips, shape (n,), are the means of those of the raters, shape (n, r)."""
    known = np.isfinite(ratings)
    number = known.sum(axis=1)
    both = (number > 0) & np.isfinite(rating)
    if not both.any():
        return True
    mean = np.where(known, ratings, 0.0).sum(axis=1)[both] / number[both]
    return float(np.median(np.abs(mean - rating[both]))) <= SAME_RATINGS


def _people(tables: Tables, target: str, part: str) -> _OfClasses | _OfRatings | None:
    """What raters say of the clips of one target, beside the model; None if that is not known."""
    inside = _of_group(tables.clips, part)
    if inside is None:
        return None
    if target == "emotion":
        votes = votes_of(tables.clips)
        if votes is None or not votes.are_counted or not tables.classes:
            return None
        return _classes(tables, votes.of(tables.model_classes), inside)
    if target not in tables.dimensions:
        return None
    pair = pairs(tables, target)
    pair = pair.take(inside[tables.clips.index.get_indexer(pair.clips)])
    return _ratings(tables.clips.loc[pair.clips], target, pair) if pair.n else None


def asked_for_emotion(tables: Tables) -> tuple[Pairs, NDArray[np.bool_]]:
    """All clips that the model was asked, also those without a label, and which of all clips they are.

    The prediction of an unanswered clip is the code after the classes of the model; the truth is a code of
    these classes, or −1.
    """
    codes, by_speaker = speaker_codes(tables.clips)
    prediction = predictions_of(tables, "emotion")
    unanswered = unanswered_clips(tables, prediction)
    asked = np.isfinite(prediction) | unanswered
    own = len(tables.model_classes)
    truth = truth_of(tables, "emotion") if "emotion" in tables.clips else np.full(len(codes), np.nan)
    named = tables.clips["speaker"].notna().to_numpy() if by_speaker else None
    every = Pairs(
        truth=np.where(np.isfinite(truth), np.nan_to_num(truth), -1).astype(np.int64),
        prediction=np.where(unanswered, own, np.nan_to_num(prediction)).astype(np.int64),
        unit=codes,
        units=0,
        by_speaker=by_speaker,
        clips=tables.clips.index,
        classes=own + 1,
        answered=~unanswered,
        named=named,
    )
    return every.take(asked), asked


def _of_group(clips: pd.DataFrame, part: str) -> NDArray[np.bool_] | None:
    """The clips that a slice is about, shape (n,); None if it names no column and value."""
    if part == "all":
        return np.ones(len(clips), dtype=np.bool_)
    column, equals, value = part.partition("=")
    if not equals or column not in clips:
        return None
    inside: NDArray[np.bool_] = (clips[column].astype(str) == value).to_numpy(dtype=np.bool_)
    return inside


def _classes(tables: Tables, votes: Votes, inside: NDArray[np.bool_]) -> _OfClasses | None:
    """Raters and model on these clips, shape (n,); against the others also where all votes tie."""
    own = len(tables.model_classes)
    pair, asked = asked_for_emotion(tables)
    by_majority = labels_are_votes(pair.truth, votes.counts[asked])
    pair, counts = pair.take(inside[asked]), votes.counts[asked & inside]
    if by_majority:
        faced = raters.against_others(counts)
        faced = faced.take(faced.truth < own)
    else:
        faced = raters.against_label(counts, pair.truth)
    if not len(faced.clip):
        return None
    classes = len(votes.classes) + 1
    # an unanswered clip has the code after the model's classes, which here may be that of another class
    answer = np.where(pair.prediction < own, pair.prediction, classes - 1)
    return _OfClasses(
        raters=faced.sums(faced.answer, pair.unit, pair.units, classes),
        model=faced.sums(answer[faced.clip], pair.unit, pair.units, classes),
        classes=classes,
        pair=pair,
        n=len(np.unique(faced.clip)),
        against=OTHERS if by_majority else LABEL,
    )


def _ratings(rows: pd.DataFrame, target: str, pair: Pairs) -> _OfRatings | None:
    ratings = ratings_of(rows, target)
    if ratings is None:
        return None
    by_mean = ratings_are_means(pair.truth, ratings)
    truth = raters.mean_of_others(ratings) if by_mean else np.broadcast_to(pair.truth[:, None], ratings.shape)
    clip, rater = np.nonzero(np.isfinite(ratings) & np.isfinite(truth))
    if not len(clip):
        return None
    return _OfRatings(
        truth=truth[clip, rater],
        rating=ratings[clip, rater],
        prediction=pair.prediction[clip],
        unit=pair.unit[clip],
        pair=pair,
        n=len(np.unique(clip)),
        against=MEAN if by_mean else RATING,
    )
