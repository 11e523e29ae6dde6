"""The clips of one target with the groups that are compared."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sertools.metrics.calibration import brier_losses, probabilities_problem
from sertools.metrics.classification import uar_statistic
from sertools.metrics.group_gaps import BINS, binned, large_enough
from sertools.metrics.groups import Groups, matched
from sertools.metrics.regression import CCC
from sertools.statistics.jackknife import Group
from sertools.statistics.statistic import Statistic
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs, class_names, pairs
from sertools.tables.tables import Tables

MIN_CLIPS_IN_BIN = 67
"""Bins of a dimension with fewer clips are left out, as in ser-tests."""

WORST_BRIER = 2.0
"""The largest Brier loss of a clip."""


@dataclass(frozen=True, kw_only=True)
class GroupedPairs:
    """Truth and predictions of one target, with the groups of one column.

    Attributes:
        column: the column that defines the groups
        target: a dimension, or `emotion`
        class_names: all emotions that the model can predict, and `no answer` if clips are unanswered; empty
            for a dimension
        pairs: truth and predictions
        coded: the same as class codes: a dimension is cut into `BINS`
        groups: groups with at least one of these clips
        large_groups: groups that enter max − min, equalised odds and permutations
        losses: Brier loss of each clip, shape (n,), 2 if it is unanswered; None for a dimension, or if scores
            are no probabilities
    """

    column: str
    target: str
    class_names: tuple[str, ...]
    pairs: Pairs
    coded: Pairs
    groups: Groups
    large_groups: Groups
    losses: NDArray[np.float64] | None

    @property
    def classes(self) -> int:
        """Number of class codes; 0 for a dimension."""
        return len(self.class_names)

    @property
    def bin_names(self) -> tuple[str, ...]:
        """Names of the class codes: emotions, or bins of the dimension."""
        return self.class_names or BINS

    @property
    def min_clips_in_bin(self) -> int:
        """Fewest clips of an emotion, or of a bin of a dimension, for its recall and precision."""
        return 1 if self.classes else MIN_CLIPS_IN_BIN

    @property
    def statistic(self) -> Statistic:
        """UAR of emotion, CCC of a dimension."""
        return uar_statistic(self.classes) if self.classes else CCC

    @property
    def reason_one_group(self) -> str:
        """Why there is nothing to compare, if there are fewer than two groups."""
        only = f": all are {self.groups.names[0]}" if len(self.groups) == 1 else ""
        return f"the clips with {self.target} have fewer than two groups of {self.column}{only}"

    def in_large_groups(self) -> Pairs:
        """The clips of the groups that are large enough for statistics over all groups."""
        return self.pairs.take(self.large_groups.code >= 0)

    @property
    def of_answered(self) -> "GroupedPairs":
        """The same clips without those that the model did not answer."""
        answered = self.pairs.answered
        if answered is None:
            return self
        return replace(
            self,
            pairs=self.pairs.of_answered,
            coded=self.coded.of_answered,
            groups=replace(self.groups, code=self.groups.code[answered]),
            large_groups=replace(self.large_groups, code=self.large_groups.code[answered]),
            losses=None if self.losses is None else self.losses[answered],
        )

    def members(self, code: int) -> Group:
        """Truth, prediction and unit codes of one group."""
        inside = self.groups.code == code
        return self.pairs.truth[inside], self.pairs.prediction[inside], self.pairs.unit[inside]


def grouped_pairs(
    tables: Tables, column: str, target: str, groups: Groups, *, match: str, rng: np.random.Generator
) -> GroupedPairs:
    """Truth, prediction and groups of one target; matched on the truth if requested.

    Args:
        tables: clips and clean predictions
        column: the column that defines the groups
        target: a dimension, or `emotion`
        groups: the groups of all clips
        match: `truth` to leave clips out until all groups have the same distribution of the truth
        rng: for the choice of clips to leave out
    """
    pair = pairs(tables, target)
    code = groups.code[tables.clips.index.get_indexer(pair.clips)]
    coded = pair if target == "emotion" else binned(pair)
    if match == "truth":
        rows = matched(coded.truth, present_groups(groups, code), list(pair.clips), rng=rng)
        pair, coded, code = pair.take(rows), coded.take(rows), code[rows]
    present = present_groups(groups, code)
    return GroupedPairs(
        column=column,
        target=target,
        class_names=tuple(class_names(pair, tables)) if target == "emotion" else (),
        pairs=pair,
        coded=coded,
        groups=present,
        large_groups=large_enough(pair, present),
        losses=_losses(tables, pair) if target == "emotion" else None,
    )


def _losses(tables: Tables, pair: Pairs) -> NDArray[np.float64] | None:
    """The Brier loss of each clip, 2 if it is unanswered; None if the scores are no probabilities."""
    scores = tables.predictions[CLEAN].loc[pair.clips, list(tables.model_classes)].to_numpy(dtype=float)
    answered = np.ones(pair.n, dtype=np.bool_) if pair.answered is None else pair.answered
    if tables.in_words or probabilities_problem(scores[answered]):
        return None
    losses = np.full(pair.n, WORST_BRIER)
    losses[answered] = brier_losses(pair.truth[answered], scores[answered])
    return losses


def present_groups(groups: Groups, code: NDArray[np.integer]) -> Groups:
    """The groups that have at least one of the clips with these group codes."""
    return replace(groups, code=code).only(np.unique(code[code >= 0]))
