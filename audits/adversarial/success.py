"""How often each attack changes the answer, for each target."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.findings import detail, doubted, finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.regression import CCC
from sertools.metrics.unchanged import share_of_equal_pairs
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate, contrast
from sertools.statistics.proportions import proportion
from sertools.statistics.shares import change_of_recall, gains_minus_losses
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs, pairs, scored_targets, worst_answer
from sertools.tables.tables import Tables

METHODS = ("fgsm", "pgd", "pgd_l2")
RANDOM = "random_signs"
"""The change that knows nothing of the model."""

ENOUGH = 0.95
"""Share of pairs of different clips with the same answer from which on answers hardly vary."""

TRANSFER = "another model's gradient was followed, which shows less than the model's own"


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """The answers to n clips for one target, clean and under each attack.

    Attributes:
        target: a dimension, or `emotion`
        pair: truth and clean answers
        answers: name of the attack → answers, shape (n,); nan where the clip could not be attacked
        changed: name of the attack → 1 where it changes the answer, 0 where it does not, nan where it could
            not be tried, shape (n,)
        withheld: why the model is not shown to beat a constant; empty if it is
        doubt: why few successes mean nothing; empty if they do
    """

    target: str
    pair: Pairs
    answers: Mapping[str, NDArray[np.float64]]
    changed: Mapping[str, NDArray[np.float64]]
    withheld: str
    doubt: str

    def rate(self, name: str) -> Estimate:
        """The success rate of an attack."""
        changed = self.changed[name]
        known = np.isfinite(changed)
        return proportion(changed[known].astype(np.bool_), self.pair.unit[known], self.pair.units)

    def beyond_random(self, name: str) -> Estimate:
        """The success rate minus that of random signs of the same size, paired by clip."""
        other = self.changed[f"{RANDOM}@{level_of(name)}"]
        own = self.changed[name]
        known = np.isfinite(own) & np.isfinite(other)
        gained, lost = own[known] > other[known], own[known] < other[known]
        return gains_minus_losses(np.zeros(int(known.sum()), dtype=int), gained, lost, self.pair.unit[known])

    def change_of_score(self, name: str) -> Estimate:
        """UAR or CCC under the attack minus that on clean audio; no answer counts as the worst one."""
        known = np.isfinite(self.changed[name])
        pair, after = self.pair.take(known), self.answers[name][known]
        if pair.classes:
            worst = np.full(pair.n, pair.classes)  # a code that is no class
            codes = np.where(np.isfinite(after), after, worst).astype(np.int64)
            return change_of_recall(pair.truth, pair.prediction, codes, pair.unit)
        after = np.where(np.isfinite(after), after, worst_answer(pair.truth))
        return contrast(CCC, pair.truth, pair.prediction, after, pair.unit)

    def findings(self, surrogate: str) -> list[Finding]:
        """All findings of the target.

        Args:
            surrogate: name of the other model whose gradient was followed; empty for the model's own
        """
        found = []
        doubt = self.doubt or (TRANSFER if surrogate else "")
        score = "uar" if self.pair.classes else "ccc"
        for name in self.changed:
            judged = self._finding("success_rate", self.rate(name), name, self.withheld)
            found.append(doubted(judged, doubt) if name.startswith("pgd@") else detail(judged))
            if not name.startswith(RANDOM):
                found.append(detail(self._finding("beyond_random", self.beyond_random(name), name)))
            found.append(detail(self._finding(f"change_of_{score}", self.change_of_score(name), name)))
        return found

    def _finding(self, name: str, value: Estimate, where: str, withheld: str = "") -> Finding:
        return finding(
            name, value, target=self.target, slice=where, by_speaker=self.pair.by_speaker, withheld=withheld
        )


def level_of(name: str) -> str:
    """The ratio in the name of an attack.

    >>> level_of("pgd@45dB")
    '45dB'
    """
    return name.partition("@")[2]


def attacked_targets(tables: Tables, tolerance: float) -> list[Attacked]:
    """Effect of the attacks on the answers, for each target that corpus and model share.

    Args:
        tables: of the attacked clips, clean and under each attack
        tolerance: a rating that moves by this much counts as changed
    """
    names = [name for name in tables.predictions if name != CLEAN]
    found = []
    for target in scored_targets(tables):
        pair = pairs(tables, target)
        answers, changed = {}, {}
        for name in names:
            after = _answers(tables, target, name, pair)
            answers[name] = after
            unread = tables.missing[tables.missing["condition"] == name]
            asked = unread["asked"].astype(bool) if "asked" in unread else np.zeros(len(unread), dtype=bool)
            gone = pair.clips.isin(unread.loc[~asked, "clip"])
            apart = np.abs(after - pair.prediction)
            moved = apart > 0 if pair.classes else apart >= tolerance
            changed[name] = np.where(gone, np.nan, np.where(np.isfinite(after), moved, 1.0))
        own = pair.of_answered.prediction
        equal = share_of_equal_pairs(own.astype(float), 0 if pair.classes else tolerance)
        found.append(
            Attacked(
                target=target,
                pair=pair,
                answers=answers,
                changed=changed,
                withheld=not_better_than_constant(pair, pair.classes),
                doubt=_hardly_varies(equal),
            )
        )
    return found


def _hardly_varies(equal: float) -> str:
    """Why few successes mean nothing, by the share of pairs of different clips with the same answer."""
    if not equal >= ENOUGH:
        return ""
    return f"predictions hardly vary: {equal:.0%} of pairs of different clips get the same prediction"


def _answers(tables: Tables, target: str, name: str, pair: Pairs) -> NDArray[np.float64]:
    """Answers under an attack to the clips of the pairs, shape (n,): ratings or class codes; nan for none."""
    columns = list(tables.model_classes) if target == "emotion" else [target]
    scores = tables.predictions[name].loc[pair.clips, columns].to_numpy(dtype=float)
    known = np.isfinite(scores).all(axis=1)
    values = np.where(known[:, None], scores, 0.0)
    chosen = values.argmax(axis=1).astype(float) if target == "emotion" else values[:, 0]
    found: NDArray[np.float64] = np.where(known, chosen, np.nan)
    return found
