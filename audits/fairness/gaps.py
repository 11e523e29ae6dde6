"""Scores of groups, and the gaps between them."""

import itertools
from functools import partial

import numpy as np

from sertools.auditing.findings import detail, finding
from sertools.metrics.better_than_chance import NOT_BETTER, not_better_than_constant
from sertools.metrics.group_gaps import class_gaps, equalised_odds, equalised_odds_by_chance
from sertools.metrics.regression import BIAS
from sertools.results.result import Finding, Limit, Verdict
from sertools.results.verdicts.gate import judge
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.group_range import max_minus_min
from sertools.statistics.jackknife import Estimate, Group, estimate, gap, group_minus_all
from sertools.statistics.permutation import NullGap, permutation
from sertools.statistics.shares import gap_of_recall

from .error_gaps import error_findings
from .grouped import GroupedPairs

OF_ANSWERED_CLIPS = ("bias", "mean_shift", "precision_gap")
"""Ends of the names of findings that use only the clips that the model answered."""

UNDERPOWERED = (
    "this corpus is too small for the limit: it detects gaps from {:.3f} on, "
    "and verifies limits from {:.3f} on"
)


def gap_findings(
    part: GroupedPairs, limit: float, resamples: int, odds_chance: NullGap, rng: np.random.Generator
) -> tuple[list[Finding], NullGap]:
    """Scores of all groups and the gaps between them, with the permutation test of the largest gap.

    Args:
        part: the clips of one target, with their groups
        limit: limit of the sex score, to tell whether this corpus can verify it
        resamples: number of permutations
        odds_chance: the permutation test of equalised odds
        rng: for permutations
    """
    pair, large = part.pairs, part.large_groups
    withheld = _reason_withheld(part)
    by_unit = GroupedClips(pair.truth, pair.prediction, pair.unit, pair.units, large.code, len(large))
    by_chance = permutation(part.statistic, by_unit, draws=resamples, rng=rng)
    found = _scores(part)
    if part.column == "sex" and {"female", "male"} <= set(part.groups.names):
        found += _sex_findings(part, by_chance, limit, withheld)
    found += _differences_from_all(part, withheld)
    found += _pairwise_differences(part, withheld)
    every = f"{part.column}=*"
    extent = max_minus_min(part.statistic, by_unit, pair_gap=partial(_gap, part))
    found.append(_finding(part, "max_minus_min", extent, every))
    odds = equalised_odds(
        part.coded,
        large,
        len(part.bin_names),
        fewest=part.min_clips_in_bin,
        rng=rng,
        by_chance=odds_chance,
    )
    found.append(_finding(part, "equalised_odds", odds, every))
    return found + _class_findings(part, withheld), by_chance


def odds_by_chance(part: GroupedPairs, resamples: int, rng: np.random.Generator) -> NullGap:
    """The permutation test of equalised odds."""
    return equalised_odds_by_chance(
        part.coded,
        part.large_groups,
        len(part.bin_names),
        fewest=part.min_clips_in_bin,
        draws=resamples,
        rng=rng,
    )


def tested(findings: list[Finding], gap: NullGap, odds: NullGap) -> list[Finding]:
    """The findings as details where they have a permutation test: max − min and equalised odds.

    Between the two sexes, max − min is the sex score without its sign, and stays as it is.
    """
    p_values = {"equalised_odds": odds.p_value}
    if not any(each.name == "sex_score" for each in findings):
        p_values["max_minus_min"] = gap.p_value
    return [detail(each, p_values[each.name]) if each.name in p_values else each for each in findings]


def _finding(
    part: GroupedPairs, name: str, value: Estimate, where: str, withheld: str = "", target: str = ""
) -> Finding:
    """A finding on the clips of a target; biases and precisions are of the answered clips alone."""
    return finding(
        name,
        value,
        target=target or part.target,
        slice=where,
        by_speaker=part.pairs.by_speaker,
        withheld=withheld,
        coverage=part.pairs.coverage if name.endswith(OF_ANSWERED_CLIPS) else 1.0,
    )


def _reason_withheld(part: GroupedPairs) -> str:
    """Why no gap passes: the model is in no group shown to be better than a constant."""
    groups = [part.pairs.take(part.groups.code == code) for code in range(len(part.groups))]
    reasons = [not_better_than_constant(each, part.classes) for each in groups]
    if not all(reasons):
        return ""
    return not_better_than_constant(part.pairs, part.classes) or f"{NOT_BETTER} in any group"


def _gap(part: GroupedPairs, a: Group, b: Group, level: float = 0.95) -> Estimate:
    """The score of one group minus that of another; that of emotions never has an interval of width 0."""
    shared = np.intersect1d(a[2], b[2]).size > 0
    if part.classes and not shared:
        return gap_of_recall(a, b, level=level)
    return gap(part.statistic, a, b, level=level)


def _slices(part: GroupedPairs) -> list[str]:
    return [f"{part.column}={name}" for name in part.groups.names]


def _scores(part: GroupedPairs) -> list[Finding]:
    """The score of each group."""
    found = []
    for code, where in enumerate(_slices(part)):
        inside = part.pairs.take(part.groups.code == code)
        score = estimate(part.statistic, inside.truth, inside.prediction, inside.unit, inside.units)
        found.append(_finding(part, part.statistic.name, score, where))
    return found


def with_power(score: Finding, by_chance: NullGap, limit: float) -> Finding:
    """A sex score; if it is undecided because the corpus is too small for the limit, it says so.

    Args:
        score: the finding, without a verdict
        by_chance: the permutation test of the gap
        limit: the largest gap that is accepted, either way
    """
    judged = judge(score, Limit(name=score.name, above=-limit, below=limit))
    if score.reason or by_chance.smallest_verifiable <= limit or judged.verdict is not Verdict.INCONCLUSIVE:
        return score
    power = by_chance.smallest_detectable, by_chance.smallest_verifiable
    return score.model_copy(update={"reason": UNDERPOWERED.format(*power)})


def _sex_findings(part: GroupedPairs, by_chance: NullGap, limit: float, withheld: str) -> list[Finding]:
    """Sex fairness score and, for a dimension, sex fairness bias."""
    female, male = (part.members(part.groups.names.index(sex)) for sex in ("female", "male"))
    where = "female-male"
    score = _finding(part, "sex_score", _gap(part, female, male), where, withheld)
    if not withheld:
        score = with_power(score, by_chance, limit)
    scores = error_findings(part, score)
    if part.classes:
        return scores
    female, male = (part.of_answered.members(part.groups.names.index(sex)) for sex in ("female", "male"))
    return [*scores, _finding(part, "sex_bias", gap(BIAS, female, male), where, withheld)]


def _differences_from_all(part: GroupedPairs, withheld: str) -> list[Finding]:
    """The score of each group minus that of all clips; for a dimension also the shift of the mean error."""
    measures = [("group_minus_all", part.statistic, part)]
    if not part.classes:
        measures.append(("mean_shift", BIAS, part.of_answered))
    return [
        _finding(part, name, difference, where, withheld)
        for name, statistic, used in measures
        for difference, where in zip(
            group_minus_all(
                statistic,
                used.pairs.truth,
                used.pairs.prediction,
                used.pairs.unit,
                used.groups.code,
                len(used.groups),
            ),
            _slices(part),
            strict=True,
        )
    ]


def _pairwise_differences(part: GroupedPairs, withheld: str) -> list[Finding]:
    """Each group minus each later group; none for the two sexes, where the sex score is this difference."""
    names = part.groups.names
    if part.column == "sex" and set(names) == {"female", "male"}:
        return []
    return [
        _finding(
            part,
            "group_difference",
            _gap(part, part.members(a), part.members(b)),
            f"{part.column}={names[a]} - {names[b]}",
            withheld,
        )
        for a, b in itertools.combinations(range(len(names)), 2)
    ]


def _class_findings(part: GroupedPairs, withheld: str) -> list[Finding]:
    """Recall and precision of every emotion, or bin of a dimension: each group minus all clips."""
    found = []
    for code, name in enumerate(part.bin_names):
        clips = int((part.coded.truth == code).sum())
        if clips < part.min_clips_in_bin:
            continue
        for metric, used in (("recall", part), ("precision", part.of_answered)):
            differences = class_gaps(used.coded, used.groups, code, metric)
            for difference, where in zip(differences, _slices(part), strict=True):
                if not difference.n:
                    continue  # this class was never predicted: recall shows it
                measure, target = f"{metric}_gap", name
                if not part.classes:
                    measure, target = f"bin_{measure}", f"{part.target} {name}"
                found.append(_finding(part, measure, difference, where, withheld, target))
    return found
