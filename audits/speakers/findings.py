"""Findings on the worst and best speaker, the spread over speakers, and speaker average and ranking."""

from dataclasses import replace

import numpy as np

from sertools.auditing.findings import finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.speakers import SPEAKER_AVERAGE, SPREAD, anova_p_value, rank_correlation, unit_means
from sertools.results.result import Finding
from sertools.statistics.jackknife import MIN_UNITS, Estimate, estimate
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

from .means import has_enough_clips, values_to_average
from .scores import Speaker, worst_first

ORDER_NOT_MEANINGFUL = (
    "the speakers' true means do not differ significantly, so their order is not meaningful"
)


def extreme_findings(speakers: list[Speaker], target: str) -> list[Finding]:
    """Worst and best speaker, with intervals that account for their selection."""
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
        found.append(finding(name, score, target=target, slice=where, by_speaker=True))
    return found


def spread_finding(speakers: list[Speaker], target: str) -> Finding:
    """Standard deviation of the speakers' scores."""
    scored = worst_first(speakers)
    n = sum(speaker.score.n for speaker in scored)
    if len(scored) < 2:
        reason = "only one speaker has a score" if scored else "no speaker has a score"
        none = Estimate(value=np.nan, low=np.nan, high=np.nan, n=n, units=len(scored), reason=reason)
        return finding("spread", none, target=target, by_speaker=True, withheld=reason)
    scores, each = [speaker.score.value for speaker in scored], np.arange(len(scored))
    spread = estimate(SPREAD, np.zeros(len(scored)), scores, each, len(scored))
    return finding("spread", replace(spread, n=n), target=target, by_speaker=True)


def mean_findings(pair: Pairs, tables: Tables, target: str) -> list[Finding]:
    """Speaker average and speaker ranking of a dimension, or of the share of each class."""
    # with fewer speakers there is no interval, so the gate is inconclusive anyway
    useless = not_better_than_constant(pair, pair.classes) if pair.units >= MIN_UNITS else ""
    enough = has_enough_clips(pair)
    included = enough[pair.unit]
    n = int(included.sum())
    found = []
    for name, truth, prediction in values_to_average(pair, tables, target):
        t, p = (unit_means(x, pair.unit, pair.units)[enough] for x in (truth, prediction))
        average = replace(estimate(SPEAKER_AVERAGE, t, p, np.arange(len(t)), len(t)), n=n)
        ranking = rank_correlation(t, p, n)
        if np.isnan(ranking.value):
            equal = f"all {len(t)} speakers have the same mean truth or prediction"
            ranking = replace(ranking, reason=equal if len(t) > 1 else "fewer than two speakers")
        found.append(finding("speaker_average", average, target=name, by_speaker=True, withheld=useless))
        # a ranking that is reversed beyond chance is a fault in any case
        by_chance = anova_p_value(truth[included], pair.unit[included]) >= 0.05 and ranking.high >= 0
        withheld = useless or (ORDER_NOT_MEANINGFUL if by_chance else "")
        found.append(finding("speaker_ranking", ranking, target=name, by_speaker=True, withheld=withheld))
    return found
