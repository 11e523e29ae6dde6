"""The range of ranks of each model, given its paired differences from all others.

A difference of two models is significant where its two-sided p-value, adjusted by Holm's method for all pairs
of models on the measure, is below .05. A model's best rank is one plus the number of models that are
significantly better, its worst rank the number of models minus that of those significantly worse. With a
confidence of 95 % the true ranks of all models are within these sets at once (Mogstad et al. 2024).
Overlapping intervals are not used: a model would rank high because its interval is wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sertools.comparison.common_clips import changes
from sertools.comparison.pairs import Pairs, all_pairs
from sertools.comparison.runs import Measure, Run, why_other_clips
from sertools.results.keys import FindingKey
from sertools.results.verdicts.regression_check import Change, mean_change

LEVEL = 0.05
"""Level of the differences of all pairs together."""


@dataclass(frozen=True)
class Ranks:
    """The ranks that a model may have, from the best to the worst; 1 is best.

    >>> str(Ranks(1, 3)), str(Ranks(2, 2))
    ('1–3', '2')
    """

    best: int
    worst: int

    def __str__(self) -> str:
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


@dataclass(frozen=True)
class Differences:
    """Paired differences of runs, computed once for each pair of runs and each audit.

    The runs must outlive it: they are recognised by identity, because names repeat between corpora.
    """

    _known: dict[tuple[int, int, str], Mapping[FindingKey, Change]] = field(default_factory=dict)

    def of(self, one: Run, other: Run, measure: Measure) -> Change:
        """One run minus another on a measure; without a value where they are not on the same clips."""
        place = (id(one), id(other), measure.audit)
        if place not in self._known:
            a, b = one.results[measure.audit], other.results[measure.audit]
            same = not why_other_clips(a, b)
            answers = (one.answers.get(measure.audit), other.answers.get(measure.audit))
            self._known[place] = changes(a, b, *answers) if same else {}
        return self._known[place].get(measure.key, Change(reason="there are no values by speaker"))


def ranks_of(
    runs: Sequence[Run], measures: Sequence[Measure], better: str, differences: Differences
) -> dict[str, Ranks]:
    """The ranks that each run may have on a measure; empty unless all pairs have a paired difference.

    Args:
        runs: the runs to rank, all with the measures
        measures: what is measured; several are averaged
        better: `higher` or `lower`
        differences: of the runs
    """

    def change_of(one: Run, other: Run) -> Change:
        found = [differences.of(one, other, measure) for measure in measures]
        return found[0] if len(found) == 1 else mean_change(found)

    pairs = all_pairs(runs, measures, change_of)
    return {} if pairs is None else ranks(pairs, [run.name for run in runs], better)


def ranks(pairs: Pairs, names: Sequence[str], better: str = "higher") -> dict[str, Ranks]:
    """The ranks that each model may have.

    Args:
        pairs: the difference of each pair of models
        names: names of the models, in their order
        better: `higher` or `lower`
    """
    significant = pairs.significant(LEVEL)
    first = (pairs.value > 0) == (better == "higher")
    winner, loser = np.where(first, pairs.one, pairs.other), np.where(first, pairs.other, pairs.one)
    above, below = (np.bincount(side[significant], minlength=len(names)) for side in (loser, winner))
    return {name: Ranks(1 + int(above[i]), len(names) - int(below[i])) for i, name in enumerate(names)}
