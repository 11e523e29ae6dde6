"""Tables and sentences on which gaps between groups could be due to chance alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sertools.metrics.group_gaps import too_few
from sertools.results.result import Table
from sertools.statistics.permutation import NullGap, holm
from sertools.wording import plural

from .grouped import GroupedPairs

SCORE = "largest minus smallest score over groups"
ODDS = "largest difference between groups in the true-positive or false-positive rate of a class"


@dataclass(frozen=True, kw_only=True)
class ChanceRow:
    """One gap between groups and its permutation test.

    Attributes:
        column: the column that defines the groups
        target: a dimension, or `emotion`
        test: the gap, its p-value and the smallest detectable gap
        clips: number of clips
        speakers: number of speakers; None if the corpus names none
    """

    column: str
    target: str
    test: NullGap
    clips: int
    speakers: int | None


def row(part: GroupedPairs, test: NullGap) -> ChanceRow:
    """A gap of one target between the groups of one column."""
    compared = part.in_large_groups()
    return ChanceRow(
        column=part.column, target=part.target, test=test, clips=compared.n, speakers=compared.speakers
    )


def tables(gaps: Sequence[ChanceRow], odds: Sequence[ChanceRow]) -> list[Table]:
    """The tables of score gaps and of equalised odds; none if there are no rows."""
    if not gaps:
        return []
    return [
        _table("chance", "the gap", SCORE, gaps),
        _table("odds_by_chance", "equalised odds", ODDS, odds),
    ]


def _table(name: str, what: str, gap: str, rows: Sequence[ChanceRow]) -> Table:
    """A table of gaps with their p-values, also adjusted for the number of gaps."""
    clips = "clips, as the corpus has no speaker labels: p-values are too small if speakers repeat"
    unit = clips if any(each.speakers is None for each in rows) else "speakers"
    columns = ["group", "target", "gap", "p-value", "p-value (Holm)"]
    columns += ["smallest detectable gap", "smallest verifiable limit"]
    return Table(
        name=name,
        title=f"Permutation test of {what}",
        columns=[*columns, "clips", "speakers"],
        rows=[
            [
                *(each.column, each.target, each.test.observed, each.test.p_value, p),
                *(each.test.smallest_detectable, each.test.smallest_verifiable, each.clips, each.speakers),
            ]
            for each, p in zip(rows, adjusted_p_values(rows), strict=True)
        ],
        note=f"gap: {gap}; p-value: of the studentised gap, with group labels permuted over {unit}; "
        f"Holm: adjusted for {plural(len(rows), 'gap')}; detectable and verifiable: in 80 % of such corpora",
    )


def adjusted_p_values(rows: Sequence[ChanceRow]) -> list[float]:
    """The p-values of rows, adjusted for their number (Holm 1979)."""
    p_values = np.array([each.test.p_value for each in rows], dtype=np.float64)
    return [float(p) for p in holm(p_values)]


def is_refuted(rows: Sequence[ChanceRow], column: str, target: str) -> bool:
    """Whether a gap is tested, and is not significant among all gaps (p ≥ .05, Holm)."""
    adjusted = adjusted_p_values(rows)
    return any(
        each.speakers is not None and p >= 0.05
        for each, p in zip(rows, adjusted, strict=True)
        if (each.column, each.target) == (column, target)
    )


def significant_sentence(rows: Sequence[ChanceRow]) -> str:
    """A sentence on how many gaps are significant; empty where that cannot be tested.

    It cannot be tested without speaker labels: with permutations over clips, too many gaps are significant.
    """
    p_values = [p for p in adjusted_p_values(rows) if np.isfinite(p)]
    if not p_values or any(each.speakers is None for each in rows):
        return ""
    significant = sum(p < 0.05 for p in p_values)
    return f" Significant gaps: {significant} of {len(p_values)} (p < .05, Holm)."


def notes(part: GroupedPairs, test: NullGap, limit: float) -> list[str]:
    """Notes on what this corpus cannot show about a gap because it is too small, or for other reasons.

    Args:
        part: the clips of one target, with their groups
        test: permutation test of the gap between the groups that are large enough
        limit: the limit for a gap
    """
    found = []
    what = f"{part.target} by {part.column}"
    small = too_few(part.pairs, part.groups)
    large = part.in_large_groups()
    unit = "speakers" if large.by_speaker else "clips"
    if small:
        all_included = len(part.large_groups) == len(part.groups)
        left_out = "" if all_included else "; left out of max − min and equalised odds"
        found.append(f"{what}: no interval for {', '.join(small)} (fewer than 5 {unit}){left_out}.")
    if test.reason:
        found.append(f"{what}: there is no permutation test: {test.reason}.")
    elif test.smallest_verifiable > limit:
        found.append(
            f"{what}: with {large.speakers or large.n} {unit}, this corpus detects gaps from "
            f"{test.smallest_detectable:.3f} on, and is too small to verify limits below "
            f"{test.smallest_verifiable:.3f}, such as {limit:g}."
        )
    return found
