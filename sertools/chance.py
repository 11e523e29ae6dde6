"""What chance alone makes of gaps between groups, as a table of a report."""

from collections.abc import Sequence

import numpy as np

from sertools.metrics.disparity import large_enough, too_few
from sertools.metrics.groups import Groups
from sertools.metrics.resample import NullGap, holm
from sertools.result import Table
from sertools.tables import Pairs

Row = list[str | int | float | bool | None]

SCORE = "largest minus smallest score over groups"
ODDS = "largest difference over groups of the rates of right and of wrong detections of a class"


def row(column: str, target: str, chance: NullGap, pairs: Pairs) -> Row:
    """A gap between the groups of a column: what it is, what chance makes of it, and of how many clips."""
    found = [chance.observed, chance.p_value, chance.smallest_detectable]
    return [column, target, *found, pairs.n, pairs.speakers]


def table(name: str, what: str, gap: str, rows: Sequence[Row]) -> Table:
    """The gaps with their p-values, also adjusted for all of them."""
    clips = "clips, as there are no speakers: p-values are too small if speakers repeat"
    unit = clips if any(one[-1] is None for one in rows) else "speakers"
    columns = ["group", "target", "gap", "p-value", "p-value (Holm)", "smallest detectable gap"]
    return Table(
        name=name,
        title=f"What chance alone makes of {what}",
        columns=[*columns, "clips", "speakers"],
        rows=[[*one[:4], p, *one[4:]] for one, p in zip(rows, adjusted(rows), strict=True)],
        note=f"gap: {gap}; group labels permuted over {unit}; Holm: adjusted for {len(rows)} gaps",
    )


def adjusted(rows: Sequence[Row]) -> list[float]:
    """The p-values of rows, adjusted for their number (Holm 1979)."""
    p_values = np.array([one[3] for one in rows], dtype=np.float64)
    return [float(p) for p in holm(p_values)]


def beyond(rows: Sequence[Row]) -> str:
    """How many gaps are more than chance makes of so many; empty where that cannot be said.

    It cannot where the corpus names no speakers: permuted over clips, too much would be beyond chance.
    """
    p_values = [p for p in adjusted(rows) if np.isfinite(p)]
    if not p_values or any(one[-1] is None for one in rows):
        return ""
    shown = sum(p < 0.05 for p in p_values)
    return f" Tested all at once, {shown} of {len(p_values)} gaps are beyond chance (p < .05, Holm)."


def too_small(
    column: str, target: str, chance: NullGap, pairs: Pairs, groups: Groups, limit: float
) -> list[str]:
    """Sentences that say what this corpus is too small, or otherwise unable, to show of a gap.

    Args:
        column: that names the groups
        target: that was scored
        chance: of the gap between the groups that are large enough
        pairs: of the target
        groups: all of them
        limit: that a gap is held to
    """
    notes = []
    small = too_few(pairs, groups)
    compared = large_enough(pairs, groups)
    unit = "speakers" if pairs.by_speaker else "clips"
    if small:
        left_out = "" if len(compared) == len(groups) else ", and left out of max − min and equalised odds"
        notes.append(
            f"{target} by {column}: fewer than 5 {unit} in {', '.join(small)}: no interval there{left_out}."
        )
    if chance.reason:
        notes.append(f"{target} by {column}: what chance would do is unknown: {chance.reason}.")
    elif chance.smallest_detectable > limit:
        units = pairs.take(compared.code >= 0).units
        notes.append(
            f"{target} by {column}: with {units} {unit}, chance alone makes gaps of up to "
            f"{chance.smallest_detectable:.3f}, so this corpus is too small to verify a limit of {limit:g}."
        )
    return notes
