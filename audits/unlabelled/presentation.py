"""Tables and figures on clips without labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.auditing.figures import interval_series
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Table
from sertools.results.terms.names import slice_words
from sertools.tables.tables import Tables

from .answers import Answers
from .summary import Summary

MOST_OF_A_SPEAKER = 3
"""Most clips of one speaker among those to label next."""


def tables(summaries: Sequence[Summary], of: Tables, next_clips: int) -> list[Table]:
    """Estimates, rehearsals, sets, and the clips to label next."""
    return [
        *_estimates(summaries),
        *_rehearsals(summaries),
        *_sets(summaries),
        *_next(of, {each.given.target: each.given for each in summaries}, next_clips),
    ]


def _estimates(summaries: Sequence[Summary]) -> list[Table]:
    rows: list[Row] = [
        [
            *(each.metric, new.name or "all", method),
            *(value.value, value.low, value.high, value.n, value.units),
        ]
        for each in summaries
        for new in each.domains
        for method, value in new.scores.items()
    ]
    if not rows:
        return []
    return [
        Table(
            name="estimates",
            title="Scores to expect on clips without labels",
            columns=["score", "corpus", "method", "value", "low", "high", "clips", "speakers"],
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
    target = max(given, key=lambda name: (bool((~given[name].labelled).any()), name == "emotion"))
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
        (f"{each.metric}, {slice_words(new.part(method))}", value)
        for each in summaries
        for new in each.domains
        for method, value in new.scores.items()
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
