"""The paired differences of all pairs of models on a measure at once.

Models that were asked and answered the same clips, with the same speakers, differ by numbers that their
result files hold: a matrix of models and speakers gives the differences of all pairs, half a million for a
thousand models. The few pairs that did not answer the same clips are compared one by one.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sertools.comparison.common_clips import label_of, right_answers
from sertools.comparison.runs import Measure, Run
from sertools.results.coverage import COVERAGE
from sertools.results.keys import FindingKey
from sertools.results.provenance import CLASSES, fingerprint_of
from sertools.results.verdicts.regression_check import Change
from sertools.statistics.jackknife import MIN_UNITS
from sertools.statistics.shares import changes_of_recall, least_half_widths

CLOSE = 1e-6
"""Below this share of the variances of two models, the variance of their difference is computed directly."""

UAR = Measure("correctness", FindingKey("uar", "emotion"))
"""The measure whose differences have intervals from the clips gained and lost, where answers are known."""

BLOCK = 2**14
"""Number of pairs whose differences are computed directly at a time."""

ChangeOf = Callable[[Run, Run], Change]
"""(model, other model) → the difference of this pair alone."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """The differences of pairs of models, each the value of `one` minus that of `other`.

    Attributes:
        one, other: positions of the models, shape (pairs,)
        value: the differences, shape (pairs,)
        t: |difference| / standard error; nan where `p` is given instead
        freedom: degrees of freedom of t
        p: two-sided p-value; nan where `t` is given
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    value: NDArray[np.float64]
    t: NDArray[np.float64]
    freedom: NDArray[np.int64]
    p: NDArray[np.float64]

    def significant(self, level: float) -> NDArray[np.bool_]:
        """Which differences are significant after Holm's correction for all of them, shape (pairs,).

        Bonferroni's method, repeated for those that it has not rejected, is Holm's.
        """
        n, rejected = len(self.value), 0
        while True:
            beyond = self._beyond(level / (n - rejected))
            found = int(beyond.sum())
            if found in {rejected, n}:
                return beyond
            rejected = found

    def _beyond(self, level: float) -> NDArray[np.bool_]:
        """Whether each p-value is below a level."""
        beyond = self.p < level
        for freedom in np.unique(self.freedom[np.isnan(self.p)]):
            beyond |= (self.freedom == freedom) & (self.t > -stdtrit(freedom, level / 2))
        return beyond


def all_pairs(runs: Sequence[Run], measures: Sequence[Measure], change_of: ChangeOf) -> Pairs | None:
    """The differences of all pairs on the mean of some measures; None if one pair has none with a p-value.

    Args:
        runs: the models, at least two
        measures: what is measured
        change_of: gives the difference of two models that are not known to have answered the same clips
    """
    groups = _alike(runs, lambda run: _scored_alike(run, measures))
    parts: list[Columns] = []
    alone: list[tuple[int, int]] = []
    for each in groups:
        if len(each) > 1:
            part = _of_matrix([runs[i] for i in each], np.array(each), measures)
            if part is None:
                alone += combinations(each, 2)
            else:
                parts.append(part)
    for i, j in chain(_between(groups), alone):  # not listed, because the first one may end it
        change = change_of(runs[i], runs[j])
        if change.p_value is None:
            return None
        parts.append(_single(i, j, change))
    if not parts:
        return None
    return Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def on_other_clips(runs: Sequence[Run], measures: Sequence[Measure]) -> Iterator[tuple[Run, Run]]:
    """All pairs of models that are not known to have answered the same clips."""
    groups = _alike(runs, lambda run: tuple(_clips(run, measure) for measure in measures))
    for i, j in _between(groups):
        yield runs[i], runs[j]


Columns = tuple[NDArray[np.generic], ...]


def _of_matrix(runs: Sequence[Run], places: NDArray[np.int64], measures: Sequence[Measure]) -> Columns | None:
    """The fields of `Pairs` for models that have the same clips and speakers; None if their truth differs."""
    values = np.array([[run.findings[measure].value for measure in measures] for run in runs]).mean(axis=1)
    without = np.mean([_without(runs, measure) for measure in measures], axis=0)
    one, other = np.triu_indices(len(runs), k=1)
    value = values[one] - values[other]
    freedom = without.shape[1] - 1
    error = np.sqrt(freedom * _variances(without, one, other))
    if list(measures) == [UAR] and UAR.audit in runs[0].answers:
        met = right_answers([run.answers[UAR.audit] for run in runs])
        if met is None:
            return None
        truth, right, unit = met
        error = changes_of_recall(truth, right, unit).towards_zero / stdtrit(freedom, 0.975)
    elif len(measures) == 1:  # as for a pair alone, the interval of a share is as wide as its clips demand
        clips = np.array([run.effective_clips(measures[0]) for run in runs], dtype=np.float64)
        least = least_half_widths(value, np.fmin(clips[one], clips[other])) / stdtrit(freedom, 0.975)
        error = np.fmax(error, least)
    t = np.divide(np.abs(value), error, out=np.full(len(value), np.inf), where=error > 0)
    t[np.abs(value) < 1e-12] = 0.0
    return (
        places[one], places[other], value, t,
        np.full(len(value), freedom), np.full(len(value), np.nan),
    )  # fmt: skip


def _variances(
    without: NDArray[np.float64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The variance over speakers of the differences of pairs of rows, shape (pairs,)."""
    centred = without - without.mean(axis=1, keepdims=True)
    common = centred @ centred.T / without.shape[1]
    of_each = np.diag(common)
    both = of_each[one] + of_each[other]
    variances: NDArray[np.float64] = both - 2 * common[one, other]
    close = np.flatnonzero(variances <= CLOSE * both)  # where too few digits are left
    for begin in range(0, len(close), BLOCK):
        at = close[begin : begin + BLOCK]
        variances[at] = np.var(without[one[at]] - without[other[at]], axis=1)
    return variances


def _without(runs: Sequence[Run], measure: Measure) -> NDArray[np.float64]:
    """The value of each model without each speaker, shape (models, speakers)."""
    found = [run.without(measure) for run in runs]
    speakers = sorted(found[0])
    return np.array([[each[speaker] for speaker in speakers] for each in found], dtype=np.float64)


def _single(i: int, j: int, change: Change) -> Columns:
    return (
        np.array([i]), np.array([j]), np.array([change.value or 0.0]), np.array([np.nan]), np.array([0]),
        np.array([change.p_value], dtype=np.float64),
    )  # fmt: skip


def _alike(runs: Sequence[Run], key: Callable[[Run], Hashable]) -> list[list[int]]:
    """Positions of runs with the same key; a run whose key is None is alone."""
    groups: dict[Hashable, list[int]] = {}
    for i, run in enumerate(runs):
        found = key(run)
        groups.setdefault(("alone", i) if found is None else found, []).append(i)
    return list(groups.values())


def _between(groups: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """All pairs of positions in different groups, the smaller one first."""
    for a, b in combinations(groups, 2):
        for i, j in product(a, b):
            yield (i, j) if i < j else (j, i)


def _scored_alike(run: Run, measures: Sequence[Measure]) -> Hashable:
    """The same for models whose differences a matrix gives; None if the model has no values by speaker."""
    speakers = {frozenset(run.without(measure)) for measure in measures}
    values = [run.of(measure, "value") for measure in measures]
    if not measures or len(speakers) > 1 or None in values or len(min(speakers)) < MIN_UNITS:
        return None
    known = UAR in measures and UAR.audit in run.answers
    return (known, *speakers, *(_clips(run, measure) for measure in measures))


def _clips(run: Run, measure: Measure) -> Hashable:
    """The same for models that were scored on the same clips, as far as their files show."""
    result = run.results.get(measure.audit)
    if result is None:
        return None
    classes = result.provenance.get(CLASSES)
    corpus = (
        str(result.data.get("name", "")),
        fingerprint_of(result),
        tuple(sorted(map(str, classes))) if isinstance(classes, list) else (),
    )
    if measure.key.name == COVERAGE or measure.key.target == "all":
        return corpus
    return (*corpus, run.answered(measure.audit, label_of(measure.key.target)), run.of(measure, "n"))
