"""Reads the labels of several raters for each clip: columns of votes, distributions, lists of ratings."""

import itertools
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from sertools.corpora.columns import is_emotion
from sertools.corpora.values import MISSING, Scale, counted, numbers, some, texts, unit_scale
from sertools.errors import CorpusError
from sertools.labels import is_unknown
from sertools.tables.columns import LABELS
from sertools.tables.votes import RATERS, RATINGS, VOTES, majority, packed, unpacked

NUMBER = "n"
"""`votes_n`: the number of raters of a clip, which the votes are checked against."""

TOLERANCE = 0.02
"""Rounding that is allowed in the sum of a distribution, as in .33, .33, .33."""

Naming = Callable[[str], str]
"""A label as written → its canonical name."""


class How(Protocol):
    """How labels are read: prefix of the columns of votes, names, scales, and labels without an emotion."""

    @property
    def votes(self) -> str:
        """The prefix of the columns with votes, as `votes` of `votes_anger`."""

    @property
    def excluded(self) -> Collection[str]:
        """Canonical names that do not denote an emotion."""

    @property
    def published(self) -> bool:
        """Whether ratings outside the scale were published so, and are set to the nearer end."""

    def name_of(self, emotion: str) -> str:
        """The canonical name of an emotion as written."""

    def scale_of(self, dimension: str) -> Scale:
        """Lowest and highest rating of a dimension."""


def with_raters(
    clips: pd.DataFrame,
    table: pd.DataFrame,
    source: str,
    how: How,
) -> tuple[pd.DataFrame, list[str], set[str]]:
    """The clips with the labels of their raters, and labels derived from them where there are none.

    A corpus without `emotion` gets the one that most raters chose; a tie is no agreement, and missing. A
    dimension without ratings of its own is the mean of the raters.

    Args:
        clips: labels and attributes so far
        table: the table that they are read from, with the same index
        source: name of the table in messages
        how: names and scales of the labels

    Returns:
        the clips, sentences on what was made of the columns, and the columns of the table that were read

    Raises:
        CorpusError: votes that are negative or do not sum to the number of raters, or ratings that cannot be
            read
    """
    clips, notes, read = _with_ratings(clips.copy(), table, source, how)
    columns = list(map(str, table.columns))
    given = vote_columns(columns, how.votes)
    prefixes = vote_prefixes(columns)
    if not given and f"{how.votes}_" != VOTES:
        raise CorpusError(
            f"--raters {how.votes}: {source} has no columns {how.votes}_anger, {how.votes}_fear or similar",
            hint=f"it has such columns for {', '.join(prefixes)}" if prefixes else "",
        )
    if given:
        read |= set(given)
        counts, told = _votes(table, given, clips["file"], source)
        counts, left_out = _by_name(counts, how.name_of)
        notes += [*told, *left_out]
    elif f"{RATINGS}emotion" in clips:
        counts = _counted(clips[f"{RATINGS}emotion"])
    else:
        return clips, [*notes, *_look_alikes(prefixes)], read
    for name in counts.columns:
        clips[f"{VOTES}{name}"] = counts[name]
    if "emotion" not in clips:
        clips["emotion"], told = _most_chosen(counts, how.excluded)
        notes += told
    return clips, notes, read


def _look_alikes(prefixes: Sequence[str]) -> list[str]:
    """A sentence on columns that seem to be votes, with the option that reads them."""
    if not prefixes:
        return []
    columns = some([f"{prefix}_…" for prefix in prefixes])
    return [f"the columns {columns} seem to be votes of raters; if they are, add --raters {prefixes[0]}"]


def _with_ratings(
    clips: pd.DataFrame, table: pd.DataFrame, source: str, how: How
) -> tuple[pd.DataFrame, list[str], set[str]]:
    """The clips with what each rater said, the mean ratings where there are none, and the columns read."""
    notes = []
    ratings = [label for label in LABELS if f"{RATINGS}{label}" in table]
    for label in ratings:
        column = table[f"{RATINGS}{label}"]
        if label == "emotion":
            clips[column.name] = packed(_named(column, how.name_of), clips.index)
            continue
        clips[column.name] = _scaled(column, clips["file"], source, how)
        if label not in clips:
            known = [[value for value in row if value is not None] for row in unpacked(clips[column.name])]
            clips[label] = [float(np.mean(row)) if row else np.nan for row in known]
            notes.append(f"{label} is the mean of the raters' ratings")
    read = {f"{RATINGS}{label}" for label in ratings}
    if RATERS in table and ratings:
        read.add(RATERS)
        clips[RATERS] = packed(_lists(table[RATERS]), clips.index)
        _check_lengths(clips, ratings, source)
    return clips, notes, read


def vote_columns(columns: Sequence[str], votes: str) -> dict[str, str]:
    """Column of votes → the label as written there; the number of raters has the label `n`.

    Columns that begin alike and name no emotion, as `voice_agreement`, are no votes; those of the prefix
    `votes` always are.

    >>> vote_columns(["voice_anger", "voice_fear", "voice_agreement", "voice_n"], "voice")
    {'voice_anger': 'anger', 'voice_fear': 'fear', 'voice_n': 'n'}
    """
    start = f"{votes}_"
    named = {name: name.removeprefix(start) for name in columns if name.startswith(start)}
    chosen = {
        column: label
        for column, label in named.items()
        if start == VOTES or label == NUMBER or is_emotion(label)
    }
    return chosen if set(chosen.values()) - {NUMBER} else {}


def vote_prefixes(columns: Sequence[str]) -> list[str]:
    """Prefixes of columns that look like votes: at least two emotions and a number of raters.

    >>> vote_prefixes(["voice_anger", "voice_fear", "voice_n", "p_anger", "p_fear"])
    ['voice']
    """
    found: dict[str, int] = {}
    for column in columns:
        head, _, tail = column.rpartition("_")
        if head and is_emotion(tail):
            found[head] = found.get(head, 0) + 1
    return [head for head, n in found.items() if n > 1 and f"{head}_{NUMBER}" in columns]


def _votes(
    table: pd.DataFrame, given: Mapping[str, str], files: pd.Series, source: str
) -> tuple[pd.DataFrame, list[str]]:
    """Votes by label as written, one row per clip, nan without votes; and sentences on how they were read."""
    columns, notes = {}, list[str]()
    for column in given:
        values, told = numbers(table[column], files, name=column, source=source)
        notes += told
        if (values < 0).any():
            at = int((values < 0).to_numpy().argmax())
            raise CorpusError(f"{source}: {column} of {files.iloc[at]!r} is {values.iloc[at]:g}, below 0")
        columns[column] = values.to_numpy()
    number = next((column for column, label in given.items() if label == NUMBER), "")
    raters = columns.pop(number) if number else None
    every = np.column_stack(list(columns.values()))
    rated = np.isfinite(every).any(axis=1)
    every = np.where(rated[:, None], np.nan_to_num(every), np.nan)
    every[rated & (np.nan_to_num(every).sum(axis=1) == 0)] = np.nan
    checked = (
        _shares(every, files, source) if raters is None else _counts(every, raters, number, files, source)
    )
    return pd.DataFrame(checked, index=table.index, columns=[given[name] for name in columns]), notes


def _by_name(votes: pd.DataFrame, name_of: Naming) -> tuple[pd.DataFrame, list[str]]:
    """Votes by canonical emotion; those for no emotion are left out, with a sentence."""
    unknown = [label for label in votes if is_unknown(str(label))]
    known = votes.drop(columns=unknown)
    joined = known.T.groupby([name_of(str(label)) for label in known], sort=False).sum(min_count=1).T
    notes = [f"votes for {some(list(map(str, unknown)))} name no emotion and are left out"] if unknown else []
    return joined, notes


def _counts(every: Any, raters: Any, number: str, files: pd.Series, source: str) -> Any:
    """Numbers of votes, checked against the number of raters; shares become numbers of votes."""
    sums = every.sum(axis=1)
    rated = np.isfinite(sums)
    shares = rated & (np.abs(sums - 1) <= TOLERANCE) & (raters > 1)
    votes = np.where(shares[:, None], every * np.nan_to_num(raters)[:, None], every)
    whole = np.round(votes)
    near = np.abs(votes - whole) <= TOLERANCE * np.maximum(np.nan_to_num(raters), 1)[:, None]
    votes = np.where(shares[:, None] & near, whole, votes)
    wrong = rated & ~(np.abs(votes.sum(axis=1) - raters) <= TOLERANCE * np.maximum(raters, 1))
    if wrong.any():
        at = int(wrong.argmax())
        raise CorpusError(
            f"{source}: the votes of {files.iloc[at]!r} sum to {sums[at]:g}, but {number} is {raters[at]:g}"
            + _more(wrong),
            hint=f"each rater has one vote; correct the columns, or remove {number}",
        )
    return votes


def _shares(every: Any, files: pd.Series, source: str) -> Any:
    """Whole numbers of votes as they are, or shares that sum to 1 exactly."""
    sums = every.sum(axis=1)
    rated = np.isfinite(sums)
    if (every[rated] == np.round(every[rated])).all():
        return every
    wrong = rated & (np.abs(sums - 1) > TOLERANCE)
    if wrong.any():
        at = int(wrong.argmax())
        raise CorpusError(
            f"{source}: the votes of {files.iloc[at]!r} sum to {sums[at]:g}{_more(wrong)}",
            hint="votes are whole numbers of raters, or shares that sum to 1",
        )
    return every / sums[:, None]


def _more(wrong: Any) -> str:
    return f" ({counted(int(wrong.sum()), 'clip')} in all)" if wrong.sum() > 1 else ""


def _most_chosen(counts: pd.DataFrame, no_emotion: Collection[str]) -> tuple[pd.Series, list[str]]:
    codes = majority(np.nan_to_num(counts.to_numpy()))
    names = np.array([*map(str, counts.columns), ""], dtype=object)[codes]
    chosen = ["" if name in no_emotion else name for name in names]
    emotion = texts(pd.Series(chosen, index=counts.index, name="emotion", dtype=object), missing={""})
    notes = ["emotion is the one that most raters chose"]
    rated = counts.notna().any(axis=1)
    ties = int((rated & (codes < 0)).sum())
    if ties:
        notes.append(
            f"{counted(ties, 'clip')} of {int(rated.sum())} without agreement: no emotion has most votes"
        )
    return emotion, notes


def _counted(column: pd.Series) -> pd.DataFrame:
    """Votes from the label that each rater gave."""
    rows = [[name for name in row if name is not None] for row in unpacked(column)]
    names = sorted({name for row in rows for name in row})
    counts = np.array([[row.count(name) for name in names] for row in rows], dtype=float)
    counts = counts.reshape(len(rows), len(names))
    counts[[not row for row in rows]] = np.nan
    return pd.DataFrame(counts, index=column.index, columns=names)


def _named(column: pd.Series, name_of: Naming) -> list[list[str | None]]:
    """What each rater chose, by canonical names; None where a rater named no emotion."""
    return [
        [None if value is None or is_unknown(str(value)) else name_of(str(value)) for value in row]
        for row in _lists(column)
    ]


def _scaled(column: pd.Series, files: pd.Series, source: str, how: How) -> pd.Series:
    """The ratings of each rater in [0, 1]; empty ones stay empty."""
    label = str(column.name).removeprefix(RATINGS)
    rows = _lists(column)
    sizes = [len(row) for row in rows]
    flat = pd.Series([value for row in rows for value in row], name=label, dtype=object)
    clips = pd.Series(np.repeat(files.to_numpy(), sizes), dtype=object)
    values, _ = numbers(flat, clips, name=label, source=source)
    scale = how.scale_of(label)
    values = values.clip(*scale) if how.published else values
    scaled = unit_scale(values, clips, scale, source=source, fixed=False).tolist()
    ends = np.cumsum([0, *sizes])
    return packed(
        [
            [None if np.isnan(value) else value for value in scaled[start:end]]
            for start, end in itertools.pairwise(ends)
        ],
        column.index,
    )


def _lists(column: pd.Series) -> list[list[Any]]:
    """The list of each clip: a JSON list, a list of Parquet, or values between semicolons."""
    return [_list(value, str(column.name)) for value in column.tolist()]


def _list(value: Any, name: str) -> list[Any]:
    if isinstance(value, list | tuple | np.ndarray):
        return [None if each is None or each != each else each for each in value]
    text = texts(pd.Series([value]), missing=MISSING).iloc[0]
    if text is None:
        return []
    if text.startswith("["):
        try:
            return list(json.loads(text))
        except ValueError as problem:
            raise CorpusError(f"{name}: {text[:60]!r} is not a list with one label per rater") from problem
    return [part.strip() or None for part in re.split(r"[;|]", text)]


def _check_lengths(clips: pd.DataFrame, ratings: Sequence[str], source: str) -> None:
    raters = [len(row) for row in unpacked(clips[RATERS])]
    for label in ratings:
        given = [len(row) for row in unpacked(clips[f"{RATINGS}{label}"])]
        wrong = [i for i, (n, m) in enumerate(zip(given, raters, strict=True)) if n and n != m]
        if wrong:
            raise CorpusError(
                f"{source}: clip {clips.index[wrong[0]]!r} has {counted(raters[wrong[0]], 'rater')} and "
                f"{counted(given[wrong[0]], 'rating')} of {label}",
                hint=f"the lists in {RATERS} and {RATINGS}{label} need the same order and length",
            )
