"""Tables and sentences on which gaps between groups could be due to chance alone."""

from collections.abc import Sequence

import numpy as np

from sertools.metrics.group_gaps import large_enough, too_few
from sertools.metrics.groups import Groups
from sertools.results.result import Table
from sertools.statistics.permutation import NullGap, holm
from sertools.tables.pairs import Pairs

Row = list[str | int | float | bool | None]

SCORE = "largest minus smallest score over groups"
ODDS = "largest difference between groups in the true-positive or false-positive rate of a class"


def row(column: str, target: str, chance: NullGap, pairs: Pairs) -> Row:
    """A row of the table: a gap between groups, its p-value, the smallest detectable gap, clips, speakers."""
    found = [chance.observed, chance.p_value, chance.smallest_detectable]
    return [column, target, *found, pairs.n, pairs.speakers]


def table(name: str, what: str, gap: str, rows: Sequence[Row]) -> Table:
    """A table of gaps with their p-values, also adjusted for the number of gaps."""
    clips = "clips, because there are no speaker labels: p-values are too small if speakers repeat"
    unit = clips if any(one[-1] is None for one in rows) else "speakers"
    columns = ["group", "target", "gap", "p-value", "p-value (Holm)", "smallest detectable gap"]
    return Table(
        name=name,
        title=f"Permutation test of {what}",
        columns=[*columns, "clips", "speakers"],
        rows=[[*one[:4], p, *one[4:]] for one, p in zip(rows, adjusted(rows), strict=True)],
        note=f"gap: {gap}; group labels are permuted over {unit}; Holm: adjusted for {len(rows)} gaps",
    )


def adjusted(rows: Sequence[Row]) -> list[float]:
    """The p-values of rows, adjusted for their number (Holm 1979)."""
    p_values = np.array([one[3] for one in rows], dtype=np.float64)
    return [float(p) for p in holm(p_values)]


def beyond(rows: Sequence[Row]) -> str:
    """A sentence on how many gaps are significant; empty where that cannot be tested.

    It cannot be tested without speaker labels: with permutations over clips, too many gaps are significant.
    """
    p_values = [p for p in adjusted(rows) if np.isfinite(p)]
    if not p_values or any(one[-1] is None for one in rows):
        return ""
    shown = sum(p < 0.05 for p in p_values)
    return f" Significant gaps: {shown} of {len(p_values)} (p < .05, Holm)."


def too_small(
    column: str, target: str, chance: NullGap, pairs: Pairs, groups: Groups, limit: float
) -> list[str]:
    """Notes on what this corpus cannot show about a gap because it is too small, or for other reasons.

    Args:
        column: the column that defines the groups
        target: the target that was scored
        chance: permutation test of the gap between the groups that are large enough
        pairs: truth and predictions of the target
        groups: all groups, also the small ones
        limit: the limit for a gap
    """
    notes = []
    small = too_few(pairs, groups)
    compared = large_enough(pairs, groups)
    unit = "speakers" if pairs.by_speaker else "clips"
    if small:
        left_out = "" if len(compared) == len(groups) else "; left out of max − min and equalised odds"
        notes.append(
            f"{target} by {column}: no interval for {', '.join(small)} (fewer than 5 {unit}){left_out}."
        )
    if chance.reason:
        notes.append(f"{target} by {column}: there is no permutation test: {chance.reason}.")
    elif chance.smallest_detectable > limit:
        units = pairs.take(compared.code >= 0).units
        notes.append(
            f"{target} by {column}: with {units} {unit}, chance alone gives gaps of up to "
            f"{chance.smallest_detectable:.3f}, so this corpus is too small to verify a limit of {limit:g}."
        )
    return notes
