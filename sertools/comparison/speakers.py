"""Compares scores by speaker: which speakers do models serve worst, and do the models agree on them?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

from sertools.metrics.speakers import rank_correlation
from sertools.results.result import Figure, Finding, Result, Series, Table, Verdict
from sertools.statistics.jackknife import MIN_UNITS

SHOWN = 20
"""Number of speakers shown at either end of a figure that would be too long with all speakers."""

Row = list[str | int | float | bool | None]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One speaker's score in one run, with its interval."""

    value: float
    low: float | None
    high: float | None
    clips: int


Scores = Mapping[str, Score]
"""Speaker → score."""


def by_speaker(
    names: Sequence[str], results: Sequence[Result]
) -> tuple[list[Table], list[Finding], list[Figure]]:
    """Scores by speaker of all runs side by side, and the agreement of runs on them, for each target.

    Args:
        names: names of the runs
        results: their results of the audit `speakers`, all on the same corpus

    Returns:
        Tables `speakers` and `agreement`, the agreements of all pairs as findings, and for each target a dot
        plot and a heat map.
    """
    rows: list[Row] = []
    matrix: list[Row] = []
    found: list[Finding] = []
    drawn = []
    every = range(len(names))
    for target in dict.fromkeys(str(row["target"]) for result in results for row in _rows(result)):
        judged = [_scores(result, target, protocol=True) for result in results]
        protocol = all(len(scores) >= MIN_UNITS for scores in judged)
        scores = judged if protocol else [_scores(result, target, protocol=False) for result in results]
        order = _ordered(scores)
        rows += [[target, s, *(each[s].value if s in each else None for each in scores)] for s in order]
        # a run agrees with itself wherever its speakers can be ranked at all
        agreed = {
            (i, j): _agreement(names, scores, (i, j), target)
            for i, j in combinations_with_replacement(every, 2)
        }
        found += [finding for (i, j), finding in agreed.items() if i < j]
        rho = [[agreed[min(i, j), max(i, j)].value for j in every] for i in every]
        matrix += [[target, name, *line] for name, line in zip(names, rho, strict=True)]
        drawn += [_dots(names, scores, order, target, protocol), _heat(names, rho, target)]
    speakers = Table(
        name="speakers", title="Score of each speaker", columns=["target", "speaker", *names], rows=rows
    )
    agreement = Table(
        name="agreement",
        title="Agreement on the ranking of speakers (Spearman)",
        columns=["target", "run", *names],
        rows=matrix,
    )
    return [speakers, agreement], found, drawn


def _rows(result: Result) -> list[dict[str, Any]]:
    table = next((t for t in result.tables if t.name == "speakers"), None)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows] if table else []


def _scores(result: Result, target: str, *, protocol: bool) -> dict[str, Score]:
    """Scores by speaker: the mean of the protocol's draws, or the score over all clips."""
    drawn = ("mean of draws", "2.5 % of draws", "97.5 % of draws")
    value, low, high = drawn if protocol else ("score", "low", "high")
    return {
        row["speaker"]: Score(value=row[value], low=row[low], high=row[high], clips=row["clips"])
        for row in _rows(result)
        if row["target"] == target and row[value] is not None
    }


def _ordered(scores: Sequence[Scores]) -> list[str]:
    """Speakers ordered by their score in the first run, worst first; then speakers of later runs only."""
    order: dict[str, None] = {}
    for each in scores:
        order |= dict.fromkeys(sorted(each, key=lambda speaker: each[speaker].value))
    return list(order)


def _agreement(names: Sequence[str], scores: Sequence[Scores], pair: tuple[int, int], target: str) -> Finding:
    """Do two runs rank their common speakers in the same order?"""
    one, other = (scores[i] for i in pair)
    common = [speaker for speaker in one if speaker in other]
    n = sum(min(one[speaker].clips, other[speaker].clips) for speaker in common)
    value, low, high, reason = None, None, None, f"fewer than {MIN_UNITS} speakers in common"
    if len(common) >= MIN_UNITS:
        x, y = ([each[speaker].value for speaker in common] for each in (one, other))
        rho = rank_correlation(x, y, n)
        tied = "all common speakers have the same score in one of the two runs"
        value, low, high = (None if math.isnan(v) else v for v in (rho.value, rho.low, rho.high))
        reason = tied if value is None else rho.reason
    return Finding(
        name="speakers.agreement",
        target=target,
        slice=" and ".join(names[i] for i in pair),
        value=value,
        low=low,
        high=high,
        n=n,
        speakers=len(common),
        verdict=Verdict.SKIPPED if value is None else Verdict.NONE,
        reason=reason,
    )


def _dots(
    names: Sequence[str],
    scores: Sequence[Scores],
    order: Sequence[str],
    target: str,
    protocol: bool,
) -> Figure:
    """A dot plot of speakers in the order of the first run, one series of dots for each run."""
    many = len(order) > 2 * SHOWN
    shown = [*order[:SHOWN], *order[-SHOWN:]] if many else list(order)
    series = [
        Series(
            name=name,
            x=list(shown),
            y=[each[s].value if s in each else None for s in shown],
            low=[each[s].low if s in each else None for s in shown],
            high=[each[s].high if s in each else None for s in shown],
        )
        for name, each in zip(names, scores, strict=True)
    ]
    metric = f"{'UAR' if target == 'emotion' else 'CCC'} of {target}"
    part = f", the {SHOWN} worst and the {SHOWN} best of {len(order)}" if many else ""
    of = "mean and 95 % range of draws" if protocol else "score over all clips, 95 % interval over clips"
    return Figure(
        name=f"speakers_{target}",
        kind="interval",
        title=f"{metric} by speaker, ordered by {names[0]}{part}",
        alt=f"{metric} of {len(shown)} speakers for {', '.join(names)}: {of}.",
        x_label=metric,
        series=series,
    )


def _heat(names: Sequence[str], rho: Sequence[Sequence[float | None]], target: str) -> Figure:
    return Figure(
        name=f"agreement_{target}",
        kind="heat",
        title=f"Agreement on the ranking of speakers, {target} (Spearman)",
        alt=f"Spearman's correlation of {target} scores by speaker between {', '.join(names)}.",
        series=[Series(name=name, x=list(names), y=list(row)) for name, row in zip(names, rho, strict=True)],
    )
