"""How much of a clip does the model need?

The model gets only the first 0.5, 1, 2, 3 and 5 s of each clip (`lengths`; the gating of speech perception,
Grosjean 1980), and once the whole. For each length the report gives CCC or UAR on all clips, where a clip
that is not longer is used whole, as it would be in practice; the change of the score on the clips that are
longer, paired by clip; and how many these are.

`shortest_length` is the length from which on the score on all clips reaches `share` (95 %) of the score on
whole clips, interpolated linearly between the lengths on both sides. If the shortest length already reaches
it, that length is the value, and the true one may be shorter; if the longest one does not, the value is
undefined. A score that falls below the share again at a longer length has not reached it yet.

With `--windows 1 --windows 2 --windows 3` the audit also asks how fast a model follows a change of emotion
in a long recording that is cut into windows of so many seconds. Each clip is joined to the end of a clip of
the same speaker in another emotion, so that the moment of the change is known, and the model gets the last
window at several times after it (every `step` of .5 s, and when the window holds nothing but the new clip).
`latency` is the time after which the score against the new clip's label reaches `share` of that of the full
window, interpolated as above; a longer window scores better and follows later. `suggested_window` is the
shortest of the windows whose full score reaches `share` of the best one. All windows are compared on the
same clips: those that are longer than the longest window. That needs one more prediction of each clip for
every window and time.

Limit, ours, by analogy with those of audEERING's ser-tests for other changes of a recording: after 3 s the
score is at most .05 lower than on whole clips, among the clips that are longer. It is passed only where the
model is shown to beat a constant on whole clips (permuted among each speaker's clips, p ≤ .001). A failure
stands.

Intervals are 95 %: scores and changes of CCC by leave-one-speaker-out jackknife with Student's t, changes of
UAR by Wilson's bounds of gains and losses, joined by MOVER, lengths and latencies by a bootstrap over
speakers, widened for few speakers. A model that needs a minimum of samples has no answer to shorter excerpts;
such clips are left out at all lengths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.figures import interval_series
from sertools.auditing.findings import finding, skipped
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.errors import AuditError
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.results.keys import Asks
from sertools.results.result import Figure, Finding, Limit, Series, Table
from sertools.statistics.bootstrap import bootstrap
from sertools.statistics.jackknife import Estimate, contrast, estimate
from sertools.statistics.shares import change_of_recall
from sertools.statistics.statistic import Statistic
from sertools.tables.condition import CLEAN, NOT_LONGER, Condition
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables

from .latency import latency, latency_figures, latency_tables, window_conditions, window_sentence
from .reached import shortest_length

ASKS = Asks(
    question="How much audio does it need?",
    claim="as accurate on the first seconds as on whole clips",
    rank=65,
)

EXPLANATIONS = {
    "shortest_length": (
        "Seconds from the start of a clip after which CCC or UAR has reached 95 % of its value on whole "
        "clips; interpolated between the tested lengths."
    ),
    "latency": (
        "Seconds after a change of emotion until the answers to the last window reach 95 % of their score "
        "on a window that holds nothing but the new emotion."
    ),
    "suggested_window": (
        "The shortest window in s whose score, on nothing but the new emotion, reaches 95 % of the best one."
    ),
    "change_of_ccc": "CCC on the first seconds minus CCC on whole clips, on longer clips; 0 is no change.",
    "change_of_uar": "UAR on the first seconds minus UAR on whole clips, on longer clips; 0 is no change.",
}

PERTURBATION, UNIT = "first_seconds", "s"
LENGTHS = (0.5, 1.0, 2.0, 3.0, 5.0)
BY_ANALOGY = "ours, by analogy with audEERING ser-tests"
LIMITS = [Limit(name="change_of_*", slice="first_seconds@3s", above=-0.05, source=BY_ANALOGY)]
NONE_LONGER = "no clip is longer"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One target on whole clips and on excerpts, on the clips that the model answered each time.

    Attributes:
        target: a dimension, or `emotion`
        whole: truth and prediction on whole clips
        lengths: the l lengths in s, rising
        excerpts: predictions on the first seconds, or on the whole clip where it is not longer, shape (n, l)
        longer: whether the clip is longer, shape (n, l)
        reason: why the model is not shown to beat a constant on whole clips; empty if it is
    """

    target: str
    whole: Pairs
    lengths: tuple[float, ...]
    excerpts: NDArray[np.float64]
    longer: NDArray[np.bool_]
    reason: str

    @property
    def statistic(self) -> Statistic:
        """CCC of a dimension, UAR of emotion."""
        return uar_statistic(self.whole.classes) if self.whole.classes else CCC

    def change(self, column: int) -> Estimate:
        """The score on an excerpt minus that on whole clips, on the clips that are longer."""
        longer = self.longer[:, column]
        whole, excerpt = self.whole.take(longer), self.excerpts[longer, column]
        if not whole.n:
            return Estimate(value=np.nan, low=np.nan, high=np.nan, n=0, units=0, reason=NONE_LONGER)
        if whole.classes:
            return change_of_recall(whole.truth, whole.prediction, excerpt.astype(np.int64), whole.unit)
        return contrast(self.statistic, whole.truth, whole.prediction, excerpt, whole.unit)

    def score(self, prediction: NDArray[np.float64]) -> Estimate:
        """The score of predictions on these clips."""
        whole = self.whole
        typed = prediction.astype(whole.prediction.dtype)
        return estimate(self.statistic, whole.truth, typed, whole.unit, whole.units)


def needs(
    *, lengths: tuple[float, ...], share: float, resamples: int, windows: tuple[float, ...], step: float
) -> Needs:
    """Whole clips, their first seconds, and windows after a change of emotion.

    Raises:
        AuditError: a window or a step that is not above 0
    """
    if not all(math.isfinite(each) and each > 0 for each in (*windows, step)):
        raise AuditError(
            f"windows is {', '.join(map(str, windows)) or 'empty'} and step {step}",
            hint="give lengths above 0 s",
        )
    return Needs(
        conditions=(Condition(), *map(_condition, sorted(set(lengths))), *window_conditions(windows, step))
    )


def audit(
    tables: Tables,
    *,
    rng: np.random.Generator,
    lengths: tuple[float, ...] = LENGTHS,
    share: float = 0.95,
    resamples: int = 2000,
    windows: tuple[float, ...] = (),
    step: float = 0.5,
) -> Outcome:
    """Measure the scores on the first seconds of the clips, and the length that is enough.

    Args:
        tables: clips, and predictions for whole clips and for their first seconds
        rng: for the bootstrap
        lengths: seconds that are heard
        share: of the score on whole clips that must be reached
        resamples: number of bootstrap draws
        windows: lengths of windows in s with which a change of emotion is followed; none by default
        step: s between the times after the change at which the windows end
    """
    targets = [*tables.dimensions, *(["emotion"] if tables.classes else [])]
    found = [_heard(tables, target, tuple(sorted(set(lengths)))) for target in targets]
    heard = [each for each in found if each is not None]
    findings: list[Finding] = []
    sentences, rows = [], list[Row]()
    for each in heard:
        shortest = _shortest(each, share, resamples, rng)
        findings += [*_at_lengths(each), _named("shortest_length", shortest, each, "all", each.reason)]
        rows += _rows(each)
        sentences.append(_sentence(each, shortest, share))
    if not findings:
        reason = "the model answered none of the excerpts"
        none = skipped("shortest_length", tables, reason)
        return Outcome(answer=f"Not measured: {reason}.", findings=[none])
    followed = [latency(tables, target, windows, step) for target in targets] if windows else []
    after = [each for each in followed if each is not None]
    findings += [finding for each in after for finding in each.findings(share, resamples, rng)]
    return Outcome(
        answer=" ".join(filter(None, [*sentences, window_sentence(after, share)])),
        findings=findings,
        tables=[_table(rows), *latency_tables(after)],
        figures=[_figure(heard), *latency_figures(after)],
    )


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """Give the first seconds of each clip the answers to other clips: the model needs the whole clip."""
    planted = {
        name: scores
        if name == CLEAN
        else scores.set_axis(rng.permutation(scores.index)).reindex(scores.index)
        for name, scores in tables.predictions.items()
    }
    return tables.with_predictions(planted)


def _condition(length: float) -> Condition:
    return Condition(perturbation=PERTURBATION, level=float(length), unit=UNIT)


def _heard(tables: Tables, target: str, lengths: tuple[float, ...]) -> Heard | None:
    """The predictions on the clips that the model could hear at all lengths; None if there are none.

    A clip that is left unanswered at one length counts against the model there: `pairs` gives it the worst
    answer. One whose excerpt is too short for the model is left out at all lengths, so that all scores are of
    the same clips.
    """
    whole = pairs(tables, target)
    columns, known, longer = [], np.ones(whole.n, np.bool_), []
    classes = whole.classes
    for length in lengths:
        name = str(_condition(length))
        part = pairs(tables, target, name)
        place = part.clips.get_indexer(whole.clips)
        uncut = whole.clips.isin(_not_longer(tables, name))
        columns.append(
            np.where(uncut | (place < 0), whole.prediction, part.prediction[place])
            if part.n
            else np.asarray(whole.prediction)
        )
        known &= uncut | (place >= 0)
        longer.append(~uncut)
        classes = max(classes, part.classes)
    kept = whole.take(known)
    if not kept.n:
        return None
    return Heard(
        target=target,
        whole=replace(kept, classes=classes),
        lengths=lengths,
        excerpts=np.column_stack(columns)[known].astype(np.float64),
        longer=np.column_stack(longer)[known],
        reason=not_better_than_constant(whole, whole.classes),
    )


def _not_longer(tables: Tables, condition: str) -> NDArray[Any]:
    """The clips that have no excerpt, because they are that short as a whole."""
    missing = tables.missing[tables.missing["condition"] == condition]
    return missing.loc[missing["reason"].astype(str).str.contains(NOT_LONGER, regex=False), "clip"].to_numpy()


def _at_lengths(heard: Heard) -> list[Finding]:
    """Score, and its change on longer clips, at each length."""
    name = "uar" if heard.whole.classes else "ccc"
    found = [_named(name, heard.score(heard.whole.prediction), heard, "all", heard.reason)]
    for column, length in enumerate(heard.lengths):
        where = str(_condition(length))
        change = _named(f"change_of_{name}", heard.change(column), heard, where, heard.reason)
        found += [_named(name, heard.score(heard.excerpts[:, column]), heard, where, heard.reason), change]
    return found


def _named(name: str, value: Estimate, heard: Heard, where: str, withheld: str) -> Finding:
    return finding(
        name,
        value,
        target=heard.target,
        slice=where,
        by_speaker=heard.whole.by_speaker,
        withheld=withheld,
        coverage=heard.whole.coverage,
    )


def _shortest(heard: Heard, share: float, resamples: int, rng: np.random.Generator) -> Estimate:
    """The length from which on the score reaches the share of that on whole clips, in s."""
    statistic, whole = heard.statistic, heard.whole
    heard_as = [*heard.excerpts.T, whole.prediction]
    sums = np.stack(
        [
            statistic.sums(whole.truth, np.asarray(p).astype(whole.prediction.dtype), whole.unit, whole.units)
            for p in heard_as
        ],
        axis=1,
    )  # (units, l + 1, k)
    units, steps, k = sums.shape
    lengths = np.array(heard.lengths)

    def value(flat: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = statistic.value(flat.reshape(*flat.shape[:-1], steps, k))
        return shortest_length(scores[..., :-1], scores[..., -1], lengths, share)

    present = np.bincount(whole.unit, minlength=units) > 0
    found = bootstrap(value, sums.reshape(units, -1)[present], n=whole.n, draws=resamples, rng=rng)
    if np.isnan(found.value):
        reason = f"the score does not reach {share:.0%} of that on whole clips within {lengths[-1]:g} s"
        return replace(found, reason=reason)
    if found.value == lengths[0]:
        return replace(found, reason=found.reason or f"{lengths[0]:g} s is the shortest tested length")
    return found


def _rows(heard: Heard) -> list[Row]:
    rows: list[Row] = []
    for column, length in enumerate(heard.lengths):
        score, change = heard.score(heard.excerpts[:, column]), heard.change(column)
        rows.append(
            [
                *(heard.target, length, score.value, score.low, score.high),
                *(change.value, change.low, change.high, change.n, score.n),
            ]
        )
    return rows


def _table(rows: list[Row]) -> Table:
    return Table(
        name="lengths",
        title="Scores on the first seconds of the clips",
        columns=[
            *("target", "seconds", "score", "low", "high"),
            *("change", "change low", "change high", "longer clips", "clips"),
        ],
        rows=rows,
    )


def _figure(heard: Sequence[Heard]) -> Figure:
    lines: list[Series] = []
    for each in heard:
        scores = [each.score(each.excerpts[:, column]) for column in range(len(each.lengths))]
        lines.append(interval_series(list(each.lengths), scores, each.target))
    return Figure(
        name="lengths",
        kind="line",
        title="Score on the first seconds of the clips",
        alt="CCC or UAR of "
        + ", ".join(each.target for each in heard)
        + f" on only the first {', '.join(f'{x:g}' for x in heard[0].lengths)} s.",
        x_label="input length in s",
        y_label="CCC or UAR",
        series=lines,
    )


def _sentence(heard: Heard, shortest: Estimate, share: float) -> str:
    score = "UAR" if heard.whole.classes else "CCC"
    if heard.reason:
        return f"For {heard.target}, {heard.reason}, so no length is enough."
    if np.isnan(shortest.value):
        return f"For {heard.target}, {shortest.reason}: test longer excerpts."
    words = f"For {heard.target}, {share:.0%} of the {score} on whole clips is reached"
    if shortest.value == heard.lengths[0]:
        return f"{words} within {shortest.value:g} s, the shortest tested excerpt."
    return f"{words} after {shortest.value:.1f} s{interval_text(shortest, '.1f')}."
