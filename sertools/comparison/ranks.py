"""Which ranks may each model have, given its paired differences from all others?

A difference of two models is significant where its two-sided p-value, adjusted by Holm's method for all pairs
of models on the measure, is below .05. A model's best rank is one plus the number of models that are
significantly better, its worst rank the number of models minus that of those significantly worse. With a
confidence of 95 % the true ranks of all models are within these sets at once (Mogstad et al. 2024).
Overlapping intervals are not used: a model would rank high because its interval is wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from sertools.comparison.common_clips import changes
from sertools.comparison.runs import Measure, Run, why_other_clips
from sertools.results.keys import FindingKey
from sertools.results.verdicts.regression_check import Change
from sertools.statistics.permutation import holm

LEVEL = 0.05
"""Level of the differences of all pairs together."""

Pair = tuple[str, str]
"""Names of two models; a difference is the value of the first minus that of the second."""


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
    runs: Sequence[Run], measure: Measure, better: str, differences: Differences
) -> dict[str, Ranks]:
    """The ranks that each run may have on a measure; empty unless all pairs have a paired difference.

    Args:
        runs: the runs to rank, all with the measure
        measure: what is measured
        better: `higher` or `lower`
        differences: of the runs
    """
    pairs = combinations(runs, 2)
    return ranks({(a.name, b.name): differences.of(a, b, measure) for a, b in pairs}, better)


def ranks(differences: Mapping[Pair, Change], better: str = "higher") -> dict[str, Ranks]:
    """The ranks that each model may have; empty if there are no pairs, or one has no p-value.

    Args:
        differences: the difference of each pair of models
        better: `higher` or `lower`

    >>> clear, open_ = Change(value=0.2, p_value=0.001), Change(value=0.1, p_value=0.2)
    >>> found = ranks({("a", "b"): open_, ("a", "c"): clear, ("b", "c"): clear})
    >>> {name: str(each) for name, each in found.items()}
    {'a': '1–2', 'b': '1–2', 'c': '3'}
    """
    if not differences or any(each.p_value is None for each in differences.values()):
        return {}
    names = list(dict.fromkeys(name for pair in differences for name in pair))
    above, below = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    adjusted = holm(np.array([each.p_value for each in differences.values()], dtype=np.float64))
    for (one, other), change, p in zip(differences, differences.values(), adjusted, strict=True):
        if p < LEVEL:
            wins = (change.value or 0.0) > 0
            winner, loser = (one, other) if wins == (better == "higher") else (other, one)
            above[loser] += 1
            below[winner] += 1
    return {name: Ranks(1 + above[name], len(names) - below[name]) for name in names}
