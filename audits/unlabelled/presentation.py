"""Tables, figures and sentences on clips without labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Finding, Table
from sertools.results.terms.names import slice_words
from sertools.statistics.jackknife import Estimate
from sertools.tables.tables import Tables
from sertools.wording import listed, plural

from .conformal import Sets
from .moments import Answers

DRIFTED = 0.7
"""AUC of the probe from which on an estimate by confidence is doubted in the answer."""

MOST_OF_A_SPEAKER = 3
"""Most clips of one speaker among those to label next."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Results for one target.

    Attributes:
        given: the answers, and the truth where it is known
        findings: what was measured
        rehearsals: part of the corpus → estimate minus score
        sets: part of the corpus → sets or intervals for its speakers, calibrated on the others
        estimates: (name, slice) → estimate of the score on clips without labels
        reason: why nothing was measured; empty if something was
    """

    given: Answers
    findings: list[Finding]
    rehearsals: Mapping[str, Estimate] = field(default_factory=dict)
    sets: Mapping[str, Sets] = field(default_factory=dict)
    estimates: Mapping[tuple[str, str], Estimate] = field(default_factory=dict)
    reason: str = ""

    @property
    def metric(self) -> str:
        """The score in words."""
        return f"{'UAR' if self.given.is_emotion else 'CCC'} of {self.given.target}"


def tables(
    summaries: Sequence[Summary], of: Tables, given: Mapping[str, Answers], next_clips: int
) -> list[Table]:
    """Estimates, rehearsals, sets, and the clips to label next."""
    return [
        *_estimates(summaries),
        *_rehearsals(summaries),
        *_sets(summaries),
        *_next(of, given, next_clips),
    ]


def _estimates(summaries: Sequence[Summary]) -> list[Table]:
    rows: list[Row] = [
        [each.metric, where, value.value, value.low, value.high, value.n, value.units]
        for each in summaries
        for (_, where), value in each.estimates.items()
    ]
    if not rows:
        return []
    return [
        Table(
            name="estimates",
            title="Scores to expect on clips without labels",
            columns=["score", "method", "value", "low", "high", "clips", "speakers"],
            rows=rows,
            note="prediction-powered and labelled clips alone: from the labelled clips of the same corpus",
        )
    ]


def _rehearsals(summaries: Sequence[Summary]) -> list[Table]:
    rows: list[Row] = [
        [each.metric, slice_words(part), value.value, value.low, value.high, value.n, value.units]
        for each in summaries
        for part, value in each.rehearsals.items()
    ]
    if not rows:
        return []
    return [
        Table(
            name="rehearsals",
            title="Estimates by confidence minus scores, where the labels of a part are hidden",
            columns=["score", "hidden part", "difference", "low", "high", "clips", "speakers"],
            rows=rows,
        )
    ]


def _sets(summaries: Sequence[Summary]) -> list[Table]:
    rows: list[Row] = [
        [
            *(
                each.given.target,
                slice_words(name),
                part.coverage.value,
                part.coverage.low,
                part.coverage.high,
            ),
            *(part.size.value, part.bound if np.isfinite(part.bound) else None),
            *(part.coverage.n, part.coverage.units),
        ]
        for each in summaries
        for name, part in each.sets.items()
    ]
    if not rows:
        return []
    columns = ["target", "part", "coverage", "low", "high", "size", "bound", "clips", "speakers"]
    return [
        Table(
            name="sets",
            title="Prediction sets that should contain the truth, for unseen speakers",
            columns=columns,
            rows=rows,
            note="size: mean number of emotions of a set, or width of an interval; bound: of 1 − "
            "probability, or of |truth − prediction|",
        )
    ]


def _next(of: Tables, given: Mapping[str, Answers], count: int) -> list[Table]:
    """The clips without labels whose answers are least certain."""
    target = "emotion" if "emotion" in given else next(iter(given))
    answers = given[target]
    open_ = np.flatnonzero(~answers.labelled)
    if not len(open_) or count < 1:
        return []
    doubt = uncertainty(answers)
    order = open_[np.argsort(-doubt[open_], kind="stable")]
    speakers = of.clips["speaker"] if "speaker" in of.clips else pd.Series(None, index=of.clips.index)
    rows: list[Row] = []
    taken: dict[str, int] = {}
    for i in order:
        clip = answers.clips[i]
        speaker = speakers.loc[clip]
        name = "" if pd.isna(speaker) else str(speaker)
        if name and taken.get(name, 0) >= MOST_OF_A_SPEAKER:
            continue
        taken[name] = taken.get(name, 0) + 1
        answer = of.model_classes[answers.answer[i]] if answers.is_emotion else float(answers.scores[i, 0])
        rows.append([str(clip), name or None, answer, float(doubt[i])])
        if len(rows) == count:
            break
    return [
        Table(
            name="next",
            title="Label these clips next",
            columns=["clip", "speaker", f"predicted {target}", "uncertainty"],
            rows=rows,
            note=f"the least certain answers, {MOST_OF_A_SPEAKER} of a speaker at most: to improve the "
            "model. To estimate its score, label a random sample",
        )
    ]


def uncertainty(answers: Answers) -> NDArray[np.float64]:
    """How uncertain each answer is, shape (n,): entropy of the probabilities, or nearness to the middle.

    The entropy is divided by that of equal probabilities. A dimension has no confidence: there, the clips
    nearest to the mean prediction are the ones of which the model says least.
    """
    scores = answers.scores
    if answers.is_emotion:
        logs = np.log(np.maximum(scores, 1e-12))
        entropy: NDArray[np.float64] = -(scores * logs).sum(axis=1)
        relative: NDArray[np.float64] = entropy / np.log(max(scores.shape[1], 2))
        return relative
    p = scores[:, 0]
    far = np.abs(p - p.mean())
    nearness: NDArray[np.float64] = 1 - far / max(float(far.max()), 1e-12)
    return nearness


def figures(summaries: Sequence[Summary]) -> list[Figure]:
    """The rehearsals, and the estimates on clips without labels."""
    rehearsals = [
        (f"{each.metric}, {slice_words(part)}", value)
        for each in summaries
        for part, value in each.rehearsals.items()
        if not np.isnan(value.value)
    ]
    found = []
    if rehearsals:
        found.append(
            Figure(
                name="rehearsals",
                kind="interval",
                title="How far estimates without labels are off",
                alt="; ".join(f"{name}: {value.value:+.2f}" for name, value in rehearsals),
                x_label="estimate minus score",
                series=[interval_series([n for n, _ in rehearsals], [v for _, v in rehearsals])],
                band=(-0.1, 0.1),
                reference=0.0,
            )
        )
    estimates = [
        (f"{each.metric}, {where}", value)
        for each in summaries
        for (_, where), value in each.estimates.items()
        if not np.isnan(value.value)
    ]
    if estimates:
        found.append(
            Figure(
                name="estimates",
                kind="interval",
                title="Scores to expect on clips without labels",
                alt="; ".join(f"{name}: {value.value:.2f}" for name, value in estimates),
                x_label="score",
                series=[interval_series([n for n, _ in estimates], [v for _, v in estimates])],
            )
        )
    return found


def notes(summaries: Sequence[Summary]) -> list[str]:
    """How many clips have labels, and what a prediction set contains."""
    found = []
    for each in summaries:
        labelled = int(each.given.labelled.sum())
        open_ = len(each.given.clips) - labelled
        found.append(f"{each.given.target}: {labelled} of {plural(labelled + open_, 'clip')} have labels.")
        bounds = [part.bound for part in each.sets.values() if np.isfinite(part.bound)]
        if bounds:
            rule = (
                f"emotions with a probability of at least {1 - max(bounds):.2g}"
                if each.given.is_emotion
                else f"ratings within {max(bounds):.2g} of the prediction"
            )
            found.append(f"{each.given.target}: a set holds all {rule}.")
    return found


def answer(summaries: Sequence[Summary], drifts: Sequence[Finding]) -> str:
    """The expected scores, the error of such estimates, and the size of prediction sets.

    Args:
        summaries: the results of each target
        drifts: how far the clips without labels are from the others; empty if all have labels
    """
    measured = [each for each in summaries if not each.reason]
    if not measured:
        return f"Not measured: {summaries[0].reason}."
    return " ".join([*_expected(measured, drifts), *_off(measured), *_held(measured)])


def _expected(summaries: Sequence[Summary], drifts: Sequence[Finding]) -> list[str]:
    """What to expect on clips without labels, and whether they drift; nothing if all have labels."""
    for method in ("prediction-powered", "by confidence"):
        found = [(each.metric, each.estimates.get(("estimated_score", method))) for each in summaries]
        known = [(name, value) for name, value in found if value is not None and not np.isnan(value.value)]
        if known:
            values = [f"{name} {value.value:.2f}{interval_text(value)}" for name, value in known]
            expected = f"On the clips without labels, expect {listed(values)} ({method})."
            return [expected, *(_warned(drifts) if method == "by confidence" else [])]
    return []


def _warned(drifts: Sequence[Finding]) -> list[str]:
    """That an estimate by confidence may be far off, where the clips differ from the labelled ones."""
    apart = [(each.value, each.slice.removeprefix("in ")) for each in drifts if (each.value or 0) >= DRIFTED]
    if not apart:
        return []
    value, where = max(apart)
    return [
        f"These clips differ from the labelled ones (AUC of a probe on the {where} {value:.2f}; .5 is no "
        "drift), so this estimate may be far off: label 50 of them at random."
    ]


def _off(summaries: Sequence[Summary]) -> list[str]:
    """How far the estimate is off where it is farthest off."""
    every = [
        (f"{each.metric} for {slice_words(part)}", value)
        for each in summaries
        for part, value in each.rehearsals.items()
        if not np.isnan(value.value)
    ]
    if not every:
        return []
    name, value = max(every, key=lambda item: abs(item[1].value))
    side = "high" if value.value > 0 else "low"
    chance = "" if value.low > 0 or value.high < 0 else ", which may be chance"
    return [
        f"With hidden labels, estimates are at most {abs(value.value):.2f} off: {name} would be too "
        f"{side}{interval_text(value)}{chance}."
    ]


def _held(summaries: Sequence[Summary]) -> list[str]:
    """How often sets hold the truth of unseen speakers, at least, and how large they are."""
    shares, sizes = [], []
    for each in summaries:
        held = [part for part in each.sets.values() if np.isfinite(part.bound)]
        if held:
            size = float(np.mean([part.size.value for part in held]))
            unit = "emotions" if each.given.is_emotion else f"of the scale for {each.given.target}"
            sizes.append(f"{size:.1f} {unit}" if each.given.is_emotion else f"{size:.2f} {unit}")
            shares.append(min(part.coverage.value for part in held))
    if not shares:
        return []
    return [
        f"Prediction sets for unseen speakers contain the truth of at least {100 * min(shares):.0f} % of "
        f"their clips, with {listed(sizes)} on average."
    ]
