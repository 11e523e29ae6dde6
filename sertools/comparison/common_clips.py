"""How do two models differ on the clips that both answered?

Where two results are of different clips, their values cannot be subtracted: the model that leaves out what it
gets wrong would look better. CCC and UAR are then computed anew on the common clips, from what the models
answered; other measures are not compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.labels import DIMENSIONS
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.answers import Answers
from sertools.results.collection import Results
from sertools.results.coverage import COVERAGE
from sertools.results.keys import FindingKey
from sertools.results.result import Result
from sertools.results.verdicts.regression_check import (
    Change,
    against,
    jackknifed,
    paired_changes,
    with_interval,
)
from sertools.statistics.jackknife import MIN_UNITS
from sertools.statistics.shares import change_of_recall

DIFFERENT = "the models were scored on different clips, and this measure is not computed again on common ones"
UNKNOWN = "the models were scored on different clips, and the files do not say which"
NONE_COMMON = "no clip was answered by both models"
MAIN = {("correctness", "ccc"), ("correctness", "uar")}
"""Audit and name of the measures that are computed anew on the common clips."""


def against_baseline(
    results: Results, baseline: Results, *, tolerance: float, source: str = "baseline"
) -> list[Result]:
    """Same as `regression_check.against`, on the clips that both models answered where those differ.

    Args:
        results: results to judge
        baseline: results of an earlier model on the same corpus
        tolerance: allowed loss, in the unit of the metric
        source: location of the baseline, quoted in the limit and in messages

    Raises:
        GateError: see `regression_check.against`
    """

    def changes_of(now: Result, then: Result) -> dict[FindingKey, Change]:
        return changes(now, then, results.answers_of(now), baseline.answers_of(then))

    return against(results, baseline, tolerance=tolerance, source=source, changes_of=changes_of)


def label_of(target: str) -> str:
    """The prediction target of a finding: a dimension, or `emotion`.

    >>> label_of("arousal 0.25-0.5"), label_of("anger"), label_of("emotion")
    ('arousal', 'emotion', 'emotion')
    """
    first = target.split(" ")[0]
    return first if first in DIMENSIONS else "emotion"


def changes(
    now: Result, then: Result, answers_now: Answers | None, answers_then: Answers | None
) -> dict[FindingKey, Change]:
    """How much each finding changed between two results of one audit, on the same clips or not at all.

    Args:
        now: the result that is compared
        then: the result of the same audit that it is compared with
        answers_now: what the model of `now` answered; None if unknown
        answers_then: what the model of `then` answered; None if unknown

    Returns:
        Key → change, for all findings with leave-one-speaker-out values in either result, and for all
        findings whose clips differ; those have no value, or one on the common clips.
    """
    found = paired_changes(now, then)
    different = _different_clips(now, then, answers_now, answers_then)
    for key, reason in different.items():
        if (now.audit, key.name) in MAIN and key.slice == "all" and answers_now and answers_then:
            found[key] = on_common_clips(answers_now, answers_then, key.target)
        else:
            found[key] = Change(reason=reason, different_clips=True)
    recall = FindingKey("uar", "emotion")
    kept = found.get(recall) if (now.audit, recall.name) in MAIN and recall not in different else None
    if kept and kept.low is not None and answers_now and answers_then:
        found[recall] = _of_gains_and_losses(kept, answers_now, answers_then)
    return found


def _different_clips(
    now: Result, then: Result, answers_now: Answers | None, answers_then: Answers | None
) -> dict[FindingKey, str]:
    """The findings whose values are not of the same clips, and why, as far as the files show."""
    n = [{finding.key: finding.n for finding in reversed(result.findings)} for result in (now, then)]
    keys = [key for key in {**n[0], **n[1]} if key.name != COVERAGE and key.target != "all"]
    if answers_now and answers_then:
        labels = {label_of(key.target) for key in keys}
        other = {label for label in labels if not answers_now.same_clips(answers_then, label)}
        return {key: DIFFERENT for key in keys if label_of(key.target) in other}
    kept = {left.key for left in now.left_out} & {left.key for left in then.left_out}
    return {key: UNKNOWN for key in keys if key in kept and n[0].get(key) != n[1].get(key)}


@dataclass(frozen=True, eq=False)
class _Column:
    """What a model answered for one target, as arrays.

    Attributes:
        clips: ids of the n clips that it was asked, sorted
        unit: codes of the speakers, shape (n,); a clip without a speaker is a unit of its own
        units: names of the units
        known: whether each unit is a speaker, shape (units,)
        classes: names of the class codes; empty for a dimension
        truth, answer: class codes, or ratings, shape (n,); an answer that was not given is −1, or nan
        given: whether each clip was answered, shape (n,)
    """

    clips: "pd.Index[str]"
    unit: NDArray[np.int64]
    units: NDArray[np.object_]
    known: NDArray[np.bool_]
    classes: tuple[str, ...]
    truth: NDArray[Any]
    answer: NDArray[Any]
    given: NDArray[np.bool_]


@lru_cache(maxsize=1024)
def _column(answers: Answers, target: str) -> _Column:
    rows = answers.of(target)
    codes, speakers = pd.factorize(rows["speaker"])
    unit = codes.astype(np.int64)
    absent = np.flatnonzero(unit < 0)
    unit[absent] = len(speakers) + np.arange(len(absent))
    unknown = [f"unknown: {clip}" for clip in rows.index[absent]]
    units = np.array([*map(str, speakers), *unknown], dtype=object)
    given = rows["answer"].notna().to_numpy(dtype=np.bool_)
    classes: tuple[str, ...] = ()
    truth: NDArray[Any]
    answer: NDArray[Any]
    if target == "emotion":
        both, names = pd.factorize(pd.concat([rows["truth"], rows["answer"]]))
        classes = tuple(map(str, names))
        truth, answer = both[: len(rows)].astype(np.int64), both[len(rows) :].astype(np.int64)
    else:
        truth, answer = (
            pd.to_numeric(rows[name]).to_numpy(dtype=np.float64, na_value=np.nan)
            for name in ("truth", "answer")
        )
    return _Column(
        clips=rows.index,
        unit=unit,
        units=units,
        known=np.arange(len(units)) < len(speakers),
        classes=classes,
        truth=truth,
        answer=answer,
        given=given,
    )


@dataclass(frozen=True, eq=False)
class _Meeting:
    """What two models answered on the clips that both were asked, with the same class codes.

    Attributes:
        truth, after, before: truth, answers of the model that is compared, and of the other, shape (n,)
        both: whether both answered, shape (n,)
        unit: codes of the speakers, shape (n,)
        units: names of the units
        known: whether each unit is a speaker
        classes: number of classes; 0 for a dimension
    """

    truth: NDArray[Any]
    after: NDArray[Any]
    before: NDArray[Any]
    both: NDArray[np.bool_]
    unit: NDArray[np.int64]
    units: NDArray[np.object_]
    known: NDArray[np.bool_]
    classes: int


def _meeting(now: Answers, then: Answers, target: str) -> _Meeting:
    one, other = (_column(each, label_of(target)) for each in (now, then))
    clips = one.clips if one.clips.equals(other.clips) else one.clips.intersection(other.clips)
    at, there = one.clips.get_indexer(clips), other.clips.get_indexer(clips)
    classes = list(dict.fromkeys([*one.classes, *other.classes]))
    truth, after = one.truth[at], one.answer[at]
    truth_there, before = other.truth[there], other.answer[there]
    if classes:  # the codes of the other model in the order of this one's; the last is for no answer
        code = np.array([*(classes.index(name) for name in other.classes), -1], dtype=np.int64)
        truth_there, before = code[truth_there], code[before]
    return _Meeting(
        truth=truth,
        after=after,
        before=before,
        both=one.given[at] & other.given[there] & (truth == truth_there),
        unit=one.unit[at],
        units=one.units,
        known=one.known,
        classes=len(classes),
    )


def on_common_clips(now: Answers, then: Answers, target: str) -> Change:
    """The score of one model minus that of another on the clips that both answered, paired by speaker.

    CCC of a dimension, UAR of emotion, whose classes are those in the truth of these clips. The interval of
    a UAR is that of `change_of_recall`.

    Args:
        now: what the model answered
        then: what the model that it is compared with answered
        target: a dimension, or `emotion`
    """
    met = _meeting(now, then, target)
    used = met.both
    if not used.any():
        return Change(reason=NONE_COMMON, n=0, different_clips=True)
    kept, unit = np.unique(met.unit[used], return_inverse=True)
    statistic = uar_statistic(met.classes) if met.classes else CCC
    truth, after, before = met.truth[used], met.after[used], met.before[used]
    sums = [statistic.sums(truth, side, unit, len(kept)) for side in (before, after)]
    totals = [each.sum(axis=0) for each in sums]
    value = float(statistic.value(totals[1]) - statistic.value(totals[0]))
    left_out = statistic.value(totals[1] - sums[1]) - statistic.value(totals[0] - sums[0])
    speakers = int(met.known[kept].sum())
    found = Change(
        value=None if np.isnan(value) else value,
        reason="the score on the common clips is undefined" if np.isnan(value) else "",
        n=int(used.sum()),
        speakers=speakers or None,
        different_clips=True,
    )
    if speakers < MIN_UNITS:
        return replace(found, reason=found.reason or f"fewer than {MIN_UNITS} speakers are named")
    if np.isnan(left_out).any():
        return replace(found, reason=found.reason or "undefined when one speaker is left out")
    found = jackknifed(found, dict(zip(met.units[kept].tolist(), left_out.tolist(), strict=True)))
    return _as_recall(found, truth, before, after, unit) if met.classes else found


def _of_gains_and_losses(change: Change, now: Answers, then: Answers) -> Change:
    """The change of a UAR on all clips that were asked, with the interval of `change_of_recall`."""
    met = _meeting(now, then, "emotion")
    return _as_recall(change, met.truth, met.before, met.after, met.unit)


def _as_recall(
    change: Change, truth: NDArray[Any], before: NDArray[Any], after: NDArray[Any], unit: NDArray[np.int64]
) -> Change:
    found = change_of_recall(truth, before, after, unit)
    return with_interval(change, (found.low, found.high), found.inner) if found.inner else change


def right_answers(
    answers: Sequence[Answers],
) -> tuple[NDArray[np.object_], NDArray[np.bool_], NDArray[np.int64]] | None:
    """Which clips several models get right in emotion: truth (n,), right (models, n), codes of speakers (n,).

    None if they were not asked the same clips with the same truth, or if too few speakers are named.

    Args:
        answers: what each model answered
    """
    columns = [_column(each, "emotion") for each in answers]
    first = columns[0]
    truth = np.array(first.classes, dtype=object)[first.truth]
    if int(first.known[np.unique(first.unit)].sum()) < MIN_UNITS:
        return None
    for column in columns[1:]:
        if not column.clips.equals(first.clips) or (column.unit != first.unit).any():
            return None
        if (np.array(column.classes, dtype=object)[column.truth] != truth).any():
            return None
    right = np.stack([column.given & (column.answer == column.truth) for column in columns])
    return truth, right, first.unit


def different_answers(answers: Mapping[str, Answers]) -> list[str]:
    """A note for each target on which two models answered different clips.

    Args:
        answers: name of each of the two models → what it answered
    """
    one, other = answers.values()
    notes = []
    for target in sorted({*one.by_target, *other.by_target}):
        if one.same_clips(other, target):
            continue
        given = {name: each.of(target)["answer"] for name, each in answers.items()}
        counts = [f"{name} {int(g.notna().sum())} of {len(g)}" for name, g in given.items()]
        both = set.intersection(*(set(g.index[g.notna()]) for g in given.values()))
        notes.append(
            f"{target}: the models did not answer the same clips ({' and '.join(counts)}); they are compared "
            f"on the {len(both)} that both answered."
        )
    return notes
