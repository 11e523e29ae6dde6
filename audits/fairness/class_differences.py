"""Recall and precision of each class compared between groups, tested by permuting the groups over speakers.

They are many, so they decide nothing; the answer names those that stand out after Holm's correction.
"""

from collections.abc import Callable

import numpy as np

from sertools.auditing.findings import detail, finding
from sertools.metrics.classification import precision_statistic, recall_statistic
from sertools.results.result import Finding
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.group_range import max_minus_min
from sertools.statistics.jackknife import Estimate, Group, gap
from sertools.statistics.permutation import NullGap, permutation
from sertools.statistics.shares import gap_of_recall
from sertools.statistics.statistic import Statistic

from .grouped import GroupedPairs

FINER = 5
"""How many times more permutations a test gets whose p-value is the smallest that they can give."""


def class_differences(part: GroupedPairs, resamples: int, rng: np.random.Generator) -> list[Finding]:
    """Differences between groups in the recall and precision of each emotion, or bin of a dimension.

    Of two groups, the first minus the second (female − male); of more, the largest minus the smallest.

    Args:
        part: the clips of one target, with their groups
        resamples: number of permutations
        rng: for permutations
    """
    found = []
    for code, name in enumerate(part.bin_names):
        if int((part.coded.truth == code).sum()) < part.min_clips_in_bin:
            continue
        target = name if part.classes else f"{part.target} {name}"
        found += [
            _difference(part, code, metric, target, resamples, rng) for metric in ("recall", "precision")
        ]
    return [each for each in found if each is not None]


def finely_tested(test: Callable[[int], NullGap], draws: int) -> NullGap:
    """A permutation test, with more permutations where its p-value is the smallest that they can give.

    Holm's correction multiplies p-values by the number of tests, so that the smallest p-value of few
    permutations would hide every gap among many.

    Args:
        test: number of permutations → the test
        draws: number of permutations
    """
    first = test(draws)
    return test(FINER * draws) if first.p_value * (1 + draws) < 2 else first


def _difference(
    part: GroupedPairs, code: int, metric: str, target: str, resamples: int, rng: np.random.Generator
) -> Finding | None:
    """The difference of recall or precision of one class between the groups; None if a group has no clip."""
    used = part if metric == "recall" else part.of_answered
    pair, groups = used.coded, used.large_groups
    inside = ((pair.truth if metric == "recall" else pair.prediction) == code) & (groups.code >= 0)
    pair, group = pair.take(inside), groups.code[inside]
    if len(groups) < 2 or len(np.unique(group)) < len(groups):
        return None
    statistic = (recall_statistic if metric == "recall" else precision_statistic)(code)
    by_unit = GroupedClips(pair.truth, pair.prediction, pair.unit, pair.units, group, len(groups))
    test = finely_tested(lambda draws: permutation(statistic, by_unit, draws=draws, rng=rng), resamples)
    if len(groups) > 2:
        value = max_minus_min(statistic, by_unit)
        where = f"{part.column}=*"
    else:
        a, b = ((pair.truth[group == g], pair.prediction[group == g], pair.unit[group == g]) for g in (0, 1))
        value = _of_two(statistic, a, b, recall=metric == "recall")
        first, second = groups.names
        sexes = part.column == "sex"
        where = f"{first}-{second}" if sexes else f"{part.column}={first} - {second}"
    made = finding(
        f"{'' if part.classes else 'bin_'}{metric}_difference",
        value,
        target=target,
        slice=where,
        by_speaker=pair.by_speaker,
        coverage=1.0 if metric == "recall" else part.pairs.coverage,
    )
    return detail(made, test.p_value)


def _of_two(statistic: Statistic, a: Group, b: Group, *, recall: bool) -> Estimate:
    """The first group minus the second; the interval of recalls never has width 0."""
    shared = np.intersect1d(a[2], b[2]).size > 0
    return gap_of_recall(a, b) if recall and not shared else gap(statistic, a, b)
