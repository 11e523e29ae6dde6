"""Values of a corpus' columns: texts, numbers, ratings on a scale."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sertools.errors import CorpusError
from sertools.labels import is_unknown

MISSING = {"", "nan", "na", "n/a", "none", "null", "<na>"}


USUAL_SCALES = (
    (0, 1), (1, 5), (1, 7), (1, 9), (-1, 1), (-2, 2), (-3, 3), (0, 5), (0, 10), (0, 100), (-100, 100)
)  # fmt: skip
"""Scales of ratings that are suggested if none is declared, the first that contains all ratings."""

Scale = tuple[float, float]
"""Lowest and highest rating."""


def unit_scale(ratings: pd.Series, clips: pd.Series, scale: Scale, *, source: str, fixed: bool) -> pd.Series:
    """Ratings mapped linearly from [low, high] to [0, 1]; nan stays nan.

    Args:
        ratings: shape (n,)
        clips: names of the clips for messages, shape (n,)
        scale: lowest and highest rating
        source: name of the table in messages
        fixed: whether the scale cannot be declared otherwise

    Raises:
        CorpusError: a rating outside the scale (with its clip and value), or an empty scale
    """
    low, high = scale
    name = str(ratings.name)
    if not low < high:
        raise CorpusError(f"--scale {name}={low:g}:{high:g}: the lower limit must come first")
    outside = ((ratings < low) | (ratings > high)).to_numpy()
    if outside.any():
        at = int(outside.argmax())
        raise CorpusError(
            f"{source}: {name} of {clips.iloc[at]!r} is {ratings.iloc[at]:g}, outside {low:g} … {high:g}",
            hint="" if fixed else _scale_hint(ratings),
        )
    return (ratings - low) / (high - low)


def _scale_hint(ratings: pd.Series) -> str:
    """How to declare a scale that contains these ratings."""
    lowest, highest = float(ratings.min()), float(ratings.max())
    fits = [f"{low}:{high}" for low, high in USUAL_SCALES if low <= lowest and highest <= high]
    example = f"for instance --scale {ratings.name}={fits[0]}" if fits else f"--scale {ratings.name}=LOW:HIGH"
    return f"the ratings lie between {lowest:g} and {highest:g}; declare their scale, {example}"


def clipped(ratings: pd.Series, clips: pd.Series, scale: Scale) -> tuple[pd.Series, list[str]]:
    """Published ratings limited to their scale, with a sentence on those that were outside.

    >>> clipped(pd.Series([5.5, 3.0], name="valence"), pd.Series(["a", "b"]), (1, 5))[1]
    ['valence of 1 clip was published outside its scale 1 … 5 and is set to the nearer end: a (5.5)']
    """
    low, high = scale
    outside = ((ratings < low) | (ratings > high)).to_numpy()
    if not outside.any():
        return ratings, []
    values = [f"{clip} ({rating:g})" for clip, rating in zip(clips[outside], ratings[outside], strict=True)]
    n = len(values)
    sentence = (
        f"{ratings.name} of {n} clip{'s' * (n > 1)} was published outside its scale {low:g} … {high:g} "
        f"and is set to the nearer end: {some(values, 10)}"
    )
    return ratings.clip(low, high), [sentence]


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are.

    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def texts(column: pd.Series, missing: set[str]) -> pd.Series:
    """The values as text without surrounding blanks; 3.0 becomes `3` (Parquet stores 3 so next to a gap)."""

    def text(value: Any) -> str | None:
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        stripped = str(value).strip()
        return None if stripped.lower() in missing else stripped

    return pd.Series([text(value) for value in column.tolist()], index=column.index, name=column.name)


def _number(value: str) -> float:
    """The number in a text, in seconds for a time in pandas' format; nan if the text is not a number."""
    try:
        return math.nan if "_" in value else float(value)
    except ValueError:
        pass
    try:
        return pd.Timedelta(value).total_seconds() if "days" in value else math.nan
    except ValueError:
        return math.nan


def numbers(column: pd.Series, files: pd.Series, *, name: str, source: str) -> pd.Series:
    """The values as numbers, times in seconds; missing values are nan.

    Args:
        column: numbers, texts or times, shape (n,)
        files: names of the clips for messages, shape (n,)
        name: name of the result
        source: name of the table in messages

    Raises:
        CorpusError: a value that is not a finite number
    """
    if pd.api.types.is_timedelta64_dtype(column):
        column = column.dt.total_seconds()
    written = texts(column, missing={*MISSING, "nat"})
    values = np.array([math.nan if pd.isna(text) else _number(text) for text in written], dtype=float)
    wrong = ~np.isfinite(values) & written.notna().to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        raise CorpusError(f"{source}: {name} of {files.iloc[at]!r} is {written.iloc[at]!r}, not a number")
    return pd.Series(values, index=column.index, name=name)


def known(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """The values as text, those that stand for an unknown value as missing, and a sentence on these.

    Empty values and those that tables write for missing ones are not mentioned.

    >>> known(pd.Series(["03", "Unknown", "-1", ""], name="speaker"))[1]
    ["speaker of 2 clips is unknown: 'Unknown' (1), '-1' (1)"]
    """
    written = texts(column, missing=MISSING)
    unknown = written.map(is_unknown, na_action="ignore").fillna(False).astype(bool)
    return written.mask(unknown, None), unknown_sentence(written[unknown], str(column.name))


def unknown_sentence(words: pd.Series, name: str) -> list[str]:
    """A sentence on clips whose value of a column is unknown, with the words; none without such clips.

    Args:
        words: what these clips have instead of a value
        name: name of the column
    """
    if words.empty:
        return []
    counts = ", ".join(f"{word!r} ({n})" for word, n in words.value_counts(sort=True).items())
    n = len(words)
    return [f"{name} of {n} clip{'s' * (n > 1)} is unknown: {counts}"]


def attribute(column: pd.Series) -> pd.Series:
    """Numbers if every value is a number (`03` is an id, not a number), otherwise the values unchanged."""
    if not (pd.api.types.is_string_dtype(column) or column.dtype == object):
        return column
    values = column.tolist()  # Parquet returns lists as arrays, for which isna() is not a single value
    if not all(isinstance(v, str) or (pd.api.types.is_scalar(v) and pd.isna(v)) for v in values):
        return column
    written = texts(column, missing={""})
    known = [text for text in written.tolist() if not pd.isna(text)]
    padded = any(len(text) > 1 and text[0] == "0" and text[1].isdigit() for text in known)
    if padded or not known or not all(math.isfinite(_number(text)) and "days" not in text for text in known):
        return written
    return pd.Series([math.nan if pd.isna(text) else _number(text) for text in written], index=column.index)
