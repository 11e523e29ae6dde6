"""Claims about a recipe: scores, gaps between groups, errors and biases of each checkpoint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.metrics.classification import recall_statistic, uar_statistic
from sertools.metrics.groups import Groups, groups_of
from sertools.metrics.regression import BIAS, CCC, MAE
from sertools.statistics.jackknife import MIN_UNITS, Estimate, estimate, gap, jackknife_variance
from sertools.statistics.statistic import Statistic, without_each
from sertools.tables.pairs import Pairs, pairs, scored_targets
from sertools.tables.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One number of all checkpoints, measured on the same clips.

    Attributes:
        name: the field's term, e.g. `uar`
        target: a dimension, `emotion`, or an emotion
        slice: the clips, `all`, or the groups that are compared
        reference: the value that the number is compared with: chance for scores, 0 for gaps and biases
        estimates: the number of each checkpoint, with its interval over speakers
        mean: the mean over checkpoints
        error: its standard error over speakers; nan if it has none
        bounds: range of the number
    """

    name: str
    target: str
    slice: str
    reference: float
    estimates: tuple[Estimate, ...]
    mean: float
    error: float
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @property
    def values(self) -> NDArray[np.float64]:
        """The number of each checkpoint, shape (checkpoints,)."""
        return np.array([each.value for each in self.estimates])

    @property
    def signs(self) -> list[int]:
        """Whether the interval of each checkpoint is above (1) or below (−1) the reference, or holds it."""
        return [
            1 if each.low > self.reference else -1 if each.high < self.reference else 0
            for each in self.estimates
        ]

    @property
    def survives(self) -> bool:
        """Whether all checkpoints show it, on the same side of the reference."""
        return len(set(self.signs)) == 1 and self.signs[0] != 0


def claims(checkpoints: Sequence[Tables], group: str) -> list[Claim]:
    """All claims about the targets that every checkpoint predicts.

    Args:
        checkpoints: tables of each checkpoint, on the same clips
        group: a column whose groups are compared; nothing is compared if the corpus does not have it
    """
    shared = [t for t in scored_targets(checkpoints[0]) if all(t in scored_targets(c) for c in checkpoints)]
    found = []
    for target in shared:
        pairs_of = in_common([pairs(each, target) for each in checkpoints])
        groups = None
        clips = checkpoints[0].clips
        if group in clips and clips[group].notna().any():
            groups = groups_of(clips, group)
        found += list(_of_target(pairs_of, checkpoints[0], target, groups, group))
    return found


def in_common(pairs_of: list[Pairs]) -> list[Pairs]:
    """The pairs of the clips that every checkpoint was asked, so that all are compared on the same ones."""
    shared = pairs_of[0].clips
    for each in pairs_of[1:]:
        shared = shared[shared.isin(each.clips)]
    return [each.take(each.clips.isin(shared)) for each in pairs_of]


def _of_target(
    pairs_of: list[Pairs], tables: Tables, target: str, groups: Groups | None, column: str
) -> Iterator[Claim]:
    classes = max(each.classes for each in pairs_of)
    score = uar_statistic(classes) if classes else CCC
    present = len(np.unique(pairs_of[0].truth))
    yield _claim(score, pairs_of, target, reference=1 / max(present, 1) if classes else 0.0)
    if classes:
        for code in np.unique(pairs_of[0].truth):
            name = tables.model_classes[int(code)]
            yield _claim(recall_statistic(int(code)), pairs_of, name, reference=1 / present)
    else:
        yield _claim(MAE, pairs_of, target, reference=float(_spread(pairs_of[0])))
        yield _claim(BIAS, pairs_of, target)
    if groups is not None and len(groups) == 2:
        yield _gap(score, pairs_of, tables, target, groups, column)


def _spread(pair: Pairs) -> np.floating:
    """The absolute error of a constant at the median of the truth."""
    spread: np.floating = np.abs(pair.truth - np.median(pair.truth)).mean()
    return spread


def _claim(statistic: Statistic, pairs_of: list[Pairs], target: str, reference: float = 0.0) -> Claim:
    estimates = tuple(
        estimate(statistic, each.truth, each.prediction, each.unit, each.units) for each in pairs_of
    )
    left_out = [_left_out(statistic, each) for each in pairs_of]
    return Claim(
        name=statistic.name,
        target=target,
        slice="all",
        reference=reference,
        estimates=estimates,
        mean=float(np.mean([each.value for each in estimates])),
        error=_error(left_out),
        bounds=statistic.bounds,
    )


def _gap(
    statistic: Statistic,
    pairs_of: list[Pairs],
    tables: Tables,
    target: str,
    groups: Groups,
    column: str,
) -> Claim:
    """The score of one of two groups minus that of the other."""
    estimates, variances = [], []
    inside = [groups.code[tables.clips.index.get_indexer(each.clips)] for each in pairs_of]
    for each, code in zip(pairs_of, inside, strict=True):
        parts = [(each.truth[code == k], each.prediction[code == k], each.unit[code == k]) for k in (0, 1)]
        estimates.append(gap(statistic, parts[0], parts[1]))
    for k in (0, 1):
        of_group = [each.take(code == k) for each, code in zip(pairs_of, inside, strict=True)]
        left_out = [_left_out(statistic, each) for each in of_group]
        variances.append(_error(left_out) ** 2)
    return Claim(
        name="gap",
        target=target,
        slice=f"{column}={groups.names[0]} minus {groups.names[1]}",
        reference=0.0,
        estimates=tuple(estimates),
        mean=float(np.mean([each.value for each in estimates])),
        error=float(np.sqrt(sum(variances))),
    )


def _left_out(statistic: Statistic, pair: Pairs) -> NDArray[np.float64]:
    """The statistic without each speaker, shape (speakers,)."""
    sums = statistic.sums(pair.truth, pair.prediction, pair.unit, pair.units)
    return without_each(statistic.value, sums)


def _error(left_out: list[NDArray[np.float64]]) -> float:
    """Standard error over speakers of the mean over checkpoints: each speaker is left out of all of them."""
    sizes = {len(each) for each in left_out}
    if len(sizes) > 1 or min(sizes, default=0) < MIN_UNITS:
        return float("nan")
    return float(np.sqrt(jackknife_variance(np.mean(left_out, axis=0))))
