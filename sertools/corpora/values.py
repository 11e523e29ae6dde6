"""Values of a corpus' columns: texts, numbers, ratings on a scale."""

import math
import re
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
    return f"the ratings are between {lowest:g} and {highest:g}; declare their scale, {example}"


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
    sentence = (
        f"{ratings.name} of {counted(len(values), 'clip')} was published outside its scale {low:g} … "
        f"{high:g} and is set to the nearer end: {some(values, 10)}"
    )
    return ratings.clip(low, high), [sentence]


def counted(n: int, what: str) -> str:
    """A number with its noun.

    >>> counted(1, "clip"), counted(2, "clip")
    ('1 clip', '2 clips')
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


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


_COMMA = re.compile(r"[+-]?\d+,\d+")
_CLOCK = re.compile(r"(?:(?P<hours>\d+):)?(?P<minutes>\d{1,2}):(?P<seconds>\d{1,2}(?:[.,]\d+)?)")


def _clock(value: str) -> float:
    """Seconds of a time like `1:02:03.5` or `02:03,5`; nan for other texts.

    >>> _clock("1:02:03.5"), _clock("02:03,5")
    (3723.5, 123.5)
    """
    match = _CLOCK.fullmatch(value)
    if not match:
        return math.nan
    hours, minutes = int(match["hours"] or 0), int(match["minutes"])
    return 3600.0 * hours + 60.0 * minutes + float(match["seconds"].replace(",", "."))


def numbers(
    column: pd.Series, files: pd.Series, *, name: str, source: str, times: bool = False
) -> tuple[pd.Series, list[str]]:
    """The values as numbers, times in seconds; missing values are nan.

    Decimal commas are read where no value has a decimal point, and mentioned in a sentence.

    Args:
        column: numbers, texts or times, shape (n,)
        files: names of the clips for messages, shape (n,)
        name: name of the result
        source: name of the table in messages
        times: whether values like `0:01:02.5` are times

    Raises:
        CorpusError: a value that is not a finite number
    """
    if pd.api.types.is_timedelta64_dtype(column):
        column = column.dt.total_seconds()
    written = texts(column, missing={*MISSING, "nat"})
    given = written.dropna()
    commas = given.astype(str).str.fullmatch(_COMMA.pattern).astype(bool)
    notes = []
    if commas.any() and not given.str.contains(".", regex=False).any():
        written = written.where(
            ~commas.reindex(written.index, fill_value=False), written.str.replace(",", ".")
        )
        notes = [f"{name} of {counted(int(commas.sum()), 'clip')} is written with a decimal comma"]
    values = np.array([math.nan if pd.isna(text) else _number(text) for text in written], dtype=float)
    if times:
        clock = np.array([math.nan if pd.isna(text) else _clock(text) for text in written], dtype=float)
        values = np.where(np.isfinite(values), values, clock)
    wrong = ~np.isfinite(values) & written.notna().to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        value = written.iloc[at]
        hint = (
            "decimal commas and decimal points are mixed; use one of them" if _COMMA.fullmatch(value) else ""
        )
        raise CorpusError(f"{source}: {name} of {files.iloc[at]!r} is {value!r}, not a number", hint=hint)
    return pd.Series(values, index=column.index, name=name), notes


def known(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """The values as text, with placeholders for unknown values as missing, and a sentence on these.

    Empty values and those that tables write for missing ones are not mentioned.

    >>> known(pd.Series(["03", "Unknown", "-1", ""], name="speaker"))[1]
    ["speaker of 2 clips is unknown: 'Unknown' (1), '-1' (1)"]
    """
    written = texts(column, missing=MISSING)
    unknown = written.isin([value for value in written.dropna().unique() if is_unknown(value)])
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
    return [f"{name} of {counted(len(words), 'clip')} is unknown: {counts}"]


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
