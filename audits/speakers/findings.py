"""Findings on the worst and best speaker, the spread over speakers, and speaker average and ranking."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.findings import finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.speakers import anova, mostly_tied, rank_correlation, standard_errors, unit_means
from sertools.results.result import Finding
from sertools.statistics.beyond_chance import distance_beyond_chance, spread_beyond_chance
from sertools.statistics.jackknife import MIN_UNITS, Estimate
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

from .means import has_enough_clips, values_to_average
from .scores import MIN_CLIPS_FOR_SPREAD, Speaker, compared_in_spread, worst_first

NO_ORDER = "so their order is not meaningful"
LEAST_RELIABILITY = 0.5
"""Least share of the variance of the speakers' true means that the choice of their clips does not explain."""


def reason_withheld(pair: Pairs) -> str:
    """Why no limit on the speakers is passed: the model is not shown to beat a constant; empty if it is."""
    # with fewer speakers there is no interval, so the gate is inconclusive anyway
    return not_better_than_constant(pair, pair.classes) if pair.units >= MIN_UNITS else ""


def extreme_findings(speakers: list[Speaker], target: str, useless: str) -> list[Finding]:
    """Worst and best speaker, with intervals that account for their selection.

    Args:
        speakers: the speakers that are compared
        target: what was scored
        useless: see `reason_withheld`
    """
    scored = worst_first(speakers)
    if not scored:
        clips = sum(speaker.score.n for speaker in speakers)
        none = replace(speakers[0].simultaneous, n=clips, units=len(speakers))
        return [finding("worst_speaker", none, target=target, by_speaker=True, withheld=none.reason)]
    worst, best = scored[0], scored[-1]
    chosen = [("worst_speaker", worst, 0.0), ("best_speaker", best, 0.0)]
    if target == "emotion":
        chosen.append(("worst_above_chance", worst, worst.chance))
    found = []
    for name, speaker, less in chosen:
        score = speaker.simultaneous
        if len(speakers) < MIN_UNITS:
            score = replace(score, low=np.nan, high=np.nan, reason=f"fewer than {MIN_UNITS} speakers")
        score = score.minus(less)
        where = f"speaker={speaker.name}"
        found.append(finding(name, score, target=target, slice=where, by_speaker=True, withheld=useless))
    return found


def spread_finding(speakers: list[Speaker], target: str) -> Finding:
    """Standard deviation of the speakers' scores, without what the limited number of clips contributes.

    For a dimension, only speakers with enough clips for the standard error of a CCC are compared.
    """
    compared = compared_in_spread(speakers, target)
    n = sum(speaker.score.n for speaker in compared)
    if len(compared) < 2:
        reason = "only one speaker has a score" if worst_first(speakers) else "no speaker has a score"
        if len(worst_first(speakers)) > 1:
            reason = f"fewer than two speakers have {MIN_CLIPS_FOR_SPREAD} clips, which a CCC needs"
        given = sum(speaker.score.n for speaker in speakers)
        none = Estimate(value=np.nan, low=np.nan, high=np.nan, n=given, units=len(speakers), reason=reason)
        return finding("spread", none, target=target, by_speaker=True, withheld=reason)
    scores, errors = ([each.score.value for each in compared], [each.error for each in compared])
    return finding("spread", spread_beyond_chance(scores, errors, n), target=target, by_speaker=True)


def mean_findings(pair: Pairs, tables: Tables, target: str, useless: str) -> list[Finding]:
    """Speaker average and speaker ranking of a dimension, or of the share of each class.

    Args:
        pair: truth and prediction
        tables: clips and predictions
        target: what was scored
        useless: see `reason_withheld`
    """
    enough = has_enough_clips(pair)
    included = enough[pair.unit]
    n = int(included.sum())
    found = []
    for name, truth, prediction in values_to_average(pair, tables, target):
        t, p = (unit_means(x, pair.unit, pair.units)[enough] for x in (truth, prediction))
        difference = prediction.astype(np.float64) - truth
        errors = standard_errors(difference, pair.unit, pair.units)[enough]
        average = distance_beyond_chance(p - t, errors, n)
        ranking = rank_correlation(t, p, n)
        if np.isnan(ranking.value):
            equal = f"all {len(t)} speakers have the same mean truth or prediction"
            ranking = replace(ranking, reason=equal if len(t) > 1 else "fewer than two speakers")
        found.append(finding("speaker_average", average, target=name, by_speaker=True, withheld=useless))
        withheld = useless
        if not (useless or ranking.reason):
            withheld = without_order(truth[included], pair.unit[included], t)
        found.append(finding("speaker_ranking", ranking, target=name, by_speaker=True, withheld=withheld))
    return found


def without_order(truth: NDArray[Any], unit: NDArray[np.integer], means: NDArray[np.float64]) -> str:
    """Why the speakers cannot be ranked: their true means hardly differ. Empty if they can.

    Not even a ranking that is reversed beyond chance is a fault then: it reverses an order that is not there.
    """
    if mostly_tied(means):
        return f"more than half of the speakers have the same true mean, {NO_ORDER}"
    f, p_value = anova(truth, unit)
    if p_value >= 0.05:
        return f"the speakers' true means do not differ significantly, {NO_ORDER}"
    if 1 - 1 / f < LEAST_RELIABILITY:
        return f"the speakers' true means differ mostly by their choice of clips, {NO_ORDER}"
    return ""
