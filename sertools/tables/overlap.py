"""The overlap of two tables of clips: files, rows, names, and conversation partners."""

import math
import posixpath
from pathlib import PurePosixPath

import pandas as pd

from sertools.tables.columns import ROW, SAME_CLIP, WRITTEN

SAME_FILE, SAME_ROW, SAME_PART = "the same file", "the same row", "overlapping parts of one file"
"""Evidence that two clips are the same recording, or share a part of it."""

DIALOGS = ("dialog", "dialogue", "conversation")
SESSIONS = ("session", "dyad")
"""Columns that say who was recorded together."""

MAX_TOGETHER = 4
"""More speakers in a session than this are not taken for partners of a conversation."""


def same_clips(one: pd.DataFrame, other: pd.DataFrame | None = None) -> dict[tuple[str, str], str]:
    """Pairs of clips that are the same by their rows, with the evidence; within one table if `other` is None.

    Two clips are the same if they are the same or overlapping parts of one file, or if their rows are equal
    in every column, the path as it is written included. An equal path in another folder is no evidence.

    Args:
        one: clips with `file`, `start`, `end`, and, where known, `channel` and what `load_sides` adds
        other: the same; None for pairs within `one`
    """
    second = one if other is None else other
    found: dict[tuple[str, str], str] = {}
    if ROW in one and ROW in second:
        rows = [_rows(frame) for frame in (one, second)]
        found |= dict.fromkeys(_equal(rows[0], rows[1]), SAME_ROW)
    if SAME_CLIP in one and SAME_CLIP in second:
        found |= dict.fromkeys(_equal(one[SAME_CLIP], second[SAME_CLIP]), SAME_FILE)
    files = [frame["file"].map(lambda file: posixpath.normpath(str(file))) for frame in (one, second)]
    parts = [_parts(frame) for frame in (one, second)]
    for clip, twin in _equal(*files):
        evidence = _shared(parts[0][clip], parts[1][twin])
        if evidence:
            found[clip, twin] = evidence
    return {pair: told for pair, told in found.items() if other is not None or pair[0] < pair[1]}


def same_names(one: pd.DataFrame, other: pd.DataFrame) -> pd.Index:
    """Clips of the first table whose file name, without its folder and suffix, is in the other too."""
    stems = [frame["file"].map(lambda file: PurePosixPath(str(file)).stem) for frame in (one, other)]
    return one.index[stems[0].isin(set(stems[1]))]


def column_of(names: tuple[str, ...], one: pd.DataFrame, other: pd.DataFrame) -> str:
    """The first of these columns that has values in both tables; empty if there is none."""
    return next(
        (name for name in names if all(name in x and x[name].notna().any() for x in (one, other))), ""
    )


def partners(one: pd.DataFrame, other: pd.DataFrame) -> set[str] | None:
    """Speakers of the first table who talk with a speaker of the other one; None if unknown.

    Who talks with whom is said by a column `partner`, or by speakers of one dialogue or session.
    """
    if not all("speaker" in x and x["speaker"].notna().any() for x in (one, other)):
        return None
    both = pd.concat([one, other])
    pairs = _pairs(both)
    if pairs is None:
        return None
    own, theirs = (set(x["speaker"].dropna().astype(str)) for x in (one, other))
    only_own, only_theirs = own - theirs, theirs - own
    return {a for a, b in pairs if a in only_own and b in only_theirs}


def _pairs(clips: pd.DataFrame) -> set[tuple[str, str]] | None:
    """Ordered pairs of speakers who talk with each other; None if the table does not say."""
    speaker = clips["speaker"]
    if "partner" in clips and clips["partner"].notna().any():
        known = clips[speaker.notna() & clips["partner"].notna()]
        told = set(zip(known["speaker"].astype(str), known["partner"].astype(str), strict=True))
        return told | {(b, a) for a, b in told}
    together = next((c for c in (*DIALOGS, *SESSIONS) if c in clips and clips[c].notna().any()), None)
    if together is None:
        return None
    groups = clips.dropna(subset="speaker").groupby(together)["speaker"].unique()
    return {
        (str(a), str(b))
        for people in groups
        if together in DIALOGS or len(people) <= MAX_TOGETHER
        for a in people
        for b in people
        if a != b
    }


def _equal(first: pd.Series, second: pd.Series) -> list[tuple[str, str]]:
    """Pairs of clips with equal values."""
    by_value = second.dropna().groupby(second.dropna()).groups
    return [
        (str(clip), str(twin))
        for clip, value in first.dropna().items()
        for twin in by_value.get(value, ())
        if clip != twin
    ]


def _rows(clips: pd.DataFrame) -> pd.Series:
    """The path and the labels of each clip as one text; None for a clip whose row holds only its path."""
    told = [
        None if pd.isna(row) else f"{posixpath.normpath(str(path))} {row}"
        for path, row in zip(clips[WRITTEN], clips[ROW], strict=True)
    ]
    return pd.Series(told, index=clips.index, dtype=object)


def _parts(clips: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """First and last second, and channel, of each clip."""
    channel = clips.get("channel")
    if channel is None or not pd.api.types.is_float_dtype(channel):
        channel = pd.Series(math.nan, index=clips.index)
    ends = zip(clips["start"].fillna(0.0), clips["end"].fillna(math.inf), channel, strict=True)
    return dict(zip(clips.index.astype(str), ends, strict=True))


def _shared(one: tuple[float, float, float], other: tuple[float, float, float]) -> str:
    """Evidence that two parts of one file share samples; empty if they do not."""
    if one[2] != other[2] and not math.isnan(one[2]) and not math.isnan(other[2]):
        return ""
    if one[:2] == other[:2]:
        return SAME_FILE
    return SAME_PART if min(one[1], other[1]) > max(one[0], other[0]) else ""
