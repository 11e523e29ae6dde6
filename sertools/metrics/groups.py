"""Which clip belongs to which group? By column, binned numbers, pitch or crossed columns; matched samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError

AGES = (30.0, 50.0)
"""Edges of the age groups: below 30, 30 to 50, and above 50 years."""

PITCHES_HZ = (145.0, 190.0)
"""Edges of the pitch groups, by the mean F0 of a speaker: low ≤ 145 < medium ≤ 190 < high (ser-tests)."""

PITCH_CLIPS = 25
"""Speakers with fewer clips with a known F0 have no pitch group (ser-tests)."""

F0, PITCH_GROUP = "f0_hz", "pitch_group"
"""The column with the mean F0 of a clip, and the group that is derived from it."""

MAX_VALUES_NOT_BINNED = 8
"""In a column of numbers with at most this many values, each value is a group; with more, they are binned."""

MAX_GROUPS = 40
"""Maximum number of groups: a column with more values holds ids or sentences."""


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Clips by group.

    Attributes:
        names: names of the groups, in order
        code: index into the names for each clip, −1 for a clip in no group, shape (n,)
    """

    names: tuple[str, ...]
    code: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.names)

    def only(self, codes: Sequence[int] | NDArray[np.float64]) -> "Groups":
        """Only these groups, renumbered in the given order; clips of other groups belong to none."""
        renumbered = np.full(len(self) + 1, -1)  # the last entry is for code −1
        renumbered[np.asarray(codes, dtype=np.int64)] = np.arange(len(codes))
        return Groups(names=tuple(self.names[k] for k in codes), code=renumbered[self.code])


def groups_of(clips: pd.DataFrame, name: str) -> Groups:
    """Which group of a column, or of two crossed columns (`sex+language`), does each clip belong to?

    Each value of a text column is a group. Numbers are binned: `age` into <30, 30-50, >50, any other column
    with more than 8 different values at its terciles over clips. If the corpus has no column `pitch_group`,
    it is derived from the mean F0 of clips. Clips without a value belong to no group; empty groups are
    dropped.

    Args:
        clips: one row per clip
        name: a column, or two columns joined by `+`

    Raises:
        AuditError: no such column, more than two columns, or more than 40 groups

    >>> groups = groups_of(pd.DataFrame({"sex": ["male", "female", None], "age": [61, 20, 30]}), "sex")
    >>> groups.names, groups.code.tolist()
    (('female', 'male'), [1, 0, -1])
    """
    columns = name.split("+")
    if len(columns) > 2:
        raise AuditError(f"{name!r} crosses {len(columns)} columns", hint="cross at most two")
    parts = [_labels(clips, column) for column in columns]
    labels, names = parts[0]
    for others, more in parts[1:]:
        labels = np.array(
            [f"{a}+{b}" if a and b else "" for a, b in zip(labels, others, strict=True)], dtype=object
        )
        names = [f"{a}+{b}" for a in names for b in more]
    occurring = set(labels)
    used = [label for label in names if label in occurring]
    if len(used) > MAX_GROUPS:
        raise AuditError(f"{name!r} gives {len(used)} groups", hint="choose a column with fewer values")
    code_of = {label: code for code, label in enumerate(used)}
    code = np.array([code_of.get(label, -1) for label in labels], dtype=np.int64)
    return Groups(names=tuple(used), code=code)


def pitch_groups(f0_hz: NDArray[np.float64], speaker: pd.Series) -> NDArray[np.object_]:
    """Is the voice of a clip's speaker low, medium or high? Labels, shape (n,); empty where unknown.

    Speakers are grouped by the average of the mean F0 of their clips: low ≤ 145 Hz < medium ≤ 190 Hz < high.
    Speakers with fewer than 25 clips with a known F0, and clips without a speaker, have no group (ser-tests).

    Args:
        f0_hz: mean F0 of each clip, nan where undefined, shape (n,)
        speaker: speaker of each clip, missing where unknown, length n

    >>> speaker = pd.Series(["a"] * 25 + ["b"] * 24)
    >>> found = pitch_groups(np.full(49, 150.0), speaker)
    >>> found[0], found[-1]
    ('medium', '')
    """
    f0 = pd.Series(np.asarray(f0_hz, dtype=np.float64))
    by_speaker = f0.groupby(speaker.to_numpy(dtype=object))
    mean, known = by_speaker.transform("mean"), by_speaker.transform("count")
    band = np.array(["low", "medium", "high"], dtype=object)[np.searchsorted(PITCHES_HZ, mean.fillna(0.0))]
    return np.where((known >= PITCH_CLIPS) & mean.notna(), band, "")


SEX_HZ = 165.0
"""Pitch from which a voice is taken for a woman's: halfway between the usual means of men (120 Hz) and women
(210 Hz; Titze 1989)."""


def sex_from_pitch(clips: pd.DataFrame, column: str = "pitch_hz") -> "pd.Series[Any]":
    """Sex that the mean pitch of a clip's speaker suggests: female at 165 Hz or more, else male.

    Clips without a speaker are judged by their own pitch; missing where the pitch is unknown.

    Args:
        clips: one row per clip
        column: pitch of each clip in Hz

    >>> sex_from_pitch(pd.DataFrame({"pitch_hz": [100.0, 220.0], "speaker": ["a", "b"]})).tolist()
    ['male', 'female']
    """
    pitch = pd.to_numeric(clips[column], errors="coerce")
    if "speaker" in clips:
        named = clips["speaker"].notna()
        pitch = pitch.where(~named, pitch.groupby(clips["speaker"]).transform("mean"))
    sex = pd.Series("male", index=clips.index, dtype=object)
    return sex.mask(pitch >= SEX_HZ, "female").mask(pitch.isna(), None)


def matched(
    truth: NDArray[Any], groups: Groups, clips: Sequence[str], *, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which clips to keep so that all groups have the same size and distribution of the truth?

    In every class (or bin) of the truth, each group keeps as many clips as the smallest group has there,
    drawn without replacement. Whole clips are kept, so truth, prediction and speaker stay together.

    Args:
        truth: class or bin codes of the truth, shape (n,)
        groups: groups of the same clips
        clips: ids of the clips; the draw depends on the ids, not on their order
        rng: random generator

    Returns:
        booleans, shape (n,)

    >>> groups = Groups(names=("a", "b"), code=np.array([0, 0, 0, 1, 1]))
    >>> kept = matched(np.array([0, 0, 1, 0, 1]), groups, list("vwxyz"), rng=np.random.default_rng(0))
    >>> int(kept[:2].sum()), kept[2:].tolist()
    (1, [True, True, True])
    """
    taken = np.zeros(len(truth), dtype=bool)
    order = np.argsort(np.asarray(clips, dtype=str), kind="stable")
    lot = np.empty(len(truth))
    lot[order] = rng.random(len(truth))
    for value in np.unique(truth):
        members = [np.flatnonzero((truth == value) & (groups.code == code)) for code in range(len(groups))]
        size = min(len(rows) for rows in members)
        for rows in members:
            taken[rows[np.argsort(lot[rows])[:size]]] = True
    return taken


def _labels(clips: pd.DataFrame, column: str) -> tuple[NDArray[np.object_], list[str]]:
    """The group of each clip as text, empty for none, and the names of the groups in order."""
    if column == PITCH_GROUP and column not in clips and {F0, "speaker"} <= set(clips):
        return pitch_groups(clips[F0].to_numpy(dtype=float), clips["speaker"]), ["low", "medium", "high"]
    if column not in clips:
        known = [str(c) for c in clips if 2 <= clips[c].nunique() <= MAX_GROUPS]
        raise AuditError(
            f"the corpus has no column {column!r} to group by",
            hint=f"available columns: {', '.join(known) or 'none'}",
        )
    values = clips[column]
    # codes like 03 are names, though they look like numbers: only numeric columns are binned
    if pd.api.types.is_numeric_dtype(values) or column == "age":
        numbers = pd.to_numeric(values, errors="coerce")
        many = column == "age" or numbers.nunique() > MAX_VALUES_NOT_BINNED
        if many and (numbers.notna() == values.notna()).all():
            return _bands(numbers.to_numpy(dtype=float), column)
    labels = values.map(str).where(values.notna(), "").to_numpy(dtype=object)
    return labels, sorted({label for label in labels if label})


def _bands(numbers: NDArray[np.float64], column: str) -> tuple[NDArray[np.object_], list[str]]:
    """The bin label of each number, and all bin labels from low to high."""
    if column == "age":
        low, high = AGES
        inside = [numbers < low, numbers <= high, numbers > high]
        names = [f"<{low:g}", f"{low:g}-{high:g}", f">{high:g}"]
    else:
        low, high = np.nanquantile(numbers, [1 / 3, 2 / 3])
        inside = [numbers <= low, numbers <= high, numbers > high]
        names = [f"≤{low:.4g}", f"{low:.4g}-{high:.4g}", f">{high:.4g}"]
    return np.select(inside, names, default="").astype(object), names
