"""Groups clips into cells that are summed together, and picks a partner clip for each clip."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError
from sertools.tables.frame_sums import FrameSumsNeeded
from sertools.tables.pairs import speaker_codes

MANY = 50
"""Maximum number of values of a categorical column."""


def groups(codes: NDArray[np.integer], most: int) -> NDArray[np.integer]:
    """A group of speakers for each clip, shape (n,): at most `most` groups with about equal numbers of clips.

    Speakers are assigned by decreasing number of clips, each to the group with the fewest clips so far.

    Args:
        codes: speaker of each clip, shape (n,)
        most: maximum number of groups

    >>> groups(np.array([0, 0, 0, 1, 1, 2]), 2).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    speakers, counts = np.unique(codes, return_counts=True)
    held = np.zeros(min(most, len(speakers)), dtype=np.int64)
    of_speaker = {}
    for i in np.lexsort((speakers, -counts)):
        group = int(held.argmin())
        of_speaker[int(speakers[i])] = group
        held[group] += counts[i]
    return np.array([of_speaker[int(code)] for code in codes], dtype=np.int64)


def cells(clips: pd.DataFrame, wanted: FrameSumsNeeded) -> tuple[pd.DataFrame, list[NDArray[np.intp]]]:
    """The cells that an audit needs: groups of speakers, crossed with the values of a column.

    Args:
        clips: clips of the corpus
        wanted: maximum number of groups, and the column; clips without a value have cells of their own

    Returns:
        one row per cell (`group`, `speakers` in that group, `clips`, and the column), and the positions of
        the clips of each cell

    Raises:
        AuditError: the column is not categorical
    """
    codes, _ = speaker_codes(clips)
    group = groups(codes, wanted.groups)
    speakers = pd.Series(codes).groupby(group).nunique()
    values: list[object] = [None]
    column = clips[wanted.by].to_numpy(dtype=object) if wanted.by else np.full(len(clips), None, dtype=object)
    unknown = pd.isna(column)
    if wanted.by:
        values = [*sorted(set(column[~unknown])), *([None] if unknown.any() else [])]
        if len(values) > MANY:
            raise AuditError(
                f"column {wanted.by!r} has {len(values)} values, which is too many for a categorical column",
                hint="use a categorical column, such as emotion or sex",
            )
    rows, members = [], []
    for g in range(int(group.max(initial=-1)) + 1):
        for value in values:
            inside = np.flatnonzero((group == g) & (unknown if value is None else column == value))
            if len(inside):
                cell = {"group": g, "speakers": int(speakers[g]), "clips": len(inside)}
                rows.append(cell | ({wanted.by: value} if wanted.by else {}))
                members.append(inside)
    return pd.DataFrame(rows), members


def partners(codes: NDArray[np.integer], usable: Sequence[bool]) -> list[int | None]:
    """For each usable clip, the next usable clip of another speaker in corpus order; None for other clips.

    If all clips are from one speaker, the partner is the next clip of this speaker.

    Args:
        codes: speaker of each clip, shape (n,)
        usable: whether each clip has any features, shape (n,)
    """
    ring = np.flatnonzero(usable)
    several = len(np.unique(codes[ring])) > 1
    following = [(k + 1) % len(ring) for k in range(len(ring))]
    if several:
        for k in [
            *range(len(ring) - 1, -1, -1)
        ] * 2:  # two rounds, because the last clip's partner is near the beginning
            after = (k + 1) % len(ring)
            following[k] = after if codes[ring[after]] != codes[ring[k]] else following[after]
    found: list[int | None] = [None] * len(codes)
    for k, i in enumerate(ring):
        found[i] = int(ring[following[k]]) if len(ring) > 1 else None
    return found


def union(wanted: Sequence[FrameSumsNeeded]) -> Mapping[tuple[int, str], FrameSumsNeeded]:
    """Merges the needs of several audits: one for each kind of cells, with all levels that audits read."""
    found: dict[tuple[int, str], FrameSumsNeeded] = {}
    for each in wanted:
        known = found.setdefault((each.groups, each.by), each)
        found[each.groups, each.by] = FrameSumsNeeded(
            levels=tuple(dict.fromkeys((*known.levels, *each.levels))),
            groups=each.groups,
            by=each.by,
            between_layers=known.between_layers or each.between_layers,
        )
    return found
