"""The conditions that slices are made of: a value of a column, a range of a measure, or a word."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError, nearest
from sertools.labels import DIMENSIONS
from sertools.metrics.groups import sex_from_pitch
from sertools.metrics.words import words_of
from sertools.tables.columns import SAME_CLIP
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS
from sertools.tables.votes import is_of_raters

PITCH = "pitch_hz"

NOT_SEARCHED = frozenset(
    {
        *("file", "start", "end", "clip", "speaker", "split", "transcript", "emotion", *DIMENSIONS),
        *("audio_hash", "audio_print", "channel", SAME_CLIP, *FUNCTIONAL_COLUMNS),
    }
)
"""Columns with labels, names of things, or too many measures; those that a user names are searched."""

PREDICTED_SEX = "predicted_sex"
"""Sex predicted from the mean pitch of a speaker, where the corpus does not tell it."""

SHARES = (0.1, 0.2, 1 / 3)
"""Shares of the clips with the lowest, and with the highest, values of a measure."""

MAX_VALUES = 40
"""A column of text with more values holds names or sentences, and is not searched."""

FEW_NUMBERS = 8
"""In a column of numbers with at most this many values, each value is a condition."""

MAX_WORDS = 40
"""Most words that are conditions: the most frequent ones."""

WORD = "word"


@dataclass(frozen=True, order=True)
class Condition:
    """A condition on one column of the clips.

    Attributes:
        column: the column, or `word` for a word of the transcript
        sign: `=`, `<` or `>=`
        value: the value, as text or as a number with three digits
    """

    column: str
    sign: str
    value: str

    def holds(self, columns: "Columns") -> NDArray[np.bool_]:
        """For which clips it holds, shape (n,); for none without a value."""
        if self.column == WORD:
            return np.array([self.value in words for words in columns.words], dtype=np.bool_)
        if self.sign == "=":
            return np.asarray(columns.text[self.column] == self.value, dtype=np.bool_)
        numbers, bound = columns.numbers[self.column], float(self.value)
        with np.errstate(invalid="ignore"):
            return numbers < bound if self.sign == "<" else numbers >= bound

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.value}"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns that are searched.

    Attributes:
        numbers: column → values, nan where unknown, shape (n,)
        text: column → values as text, empty where unknown, shape (n,)
        words: the words of each clip; empty if no words are searched
    """

    numbers: dict[str, NDArray[np.float64]]
    text: dict[str, NDArray[np.object_]]
    words: list[frozenset[str]]

    def __len__(self) -> int:
        return len(self.numbers) + len(self.text) + bool(self.words)


def searched(clips: pd.DataFrame, named: Sequence[str]) -> Columns:
    """The columns of the clips that are searched: those named, or all that vary between clips.

    Args:
        clips: one row per clip
        named: columns; `word` for the words of the transcript

    Raises:
        AuditError: there is no such column
    """
    clips = with_predicted_sex(clips)
    has_words = "transcript" in clips and clips["transcript"].notna().any()
    known = [*clips.columns, *([WORD] if has_words else [])]
    for name in named:
        if name not in known:
            raise AuditError(f"there is no column {name!r} to search", hint=nearest(name, known))
    numbers: dict[str, NDArray[np.float64]] = {}
    text: dict[str, NDArray[np.object_]] = {}
    every = [c for c in clips.columns if c not in NOT_SEARCHED and not is_of_raters(str(c))]
    for name in named or every:
        if name == WORD or clips[name].isna().all():
            continue
        values, as_text = _values(clips[name])
        if values is not None:
            numbers[name] = values
        elif 1 < len(set(as_text) - {""}) <= MAX_VALUES:
            text[name] = as_text
    spoken: list[object] = list(clips["transcript"]) if has_words and (not named or WORD in named) else []
    words = [frozenset(words_of(said) if isinstance(said, str) else ()) for said in spoken]
    return Columns(numbers=numbers, text=text, words=words)


def with_predicted_sex(clips: pd.DataFrame) -> pd.DataFrame:
    """The clips with a sex predicted from pitch, if the corpus has none and the pitch is known."""
    if ("sex" in clips and clips["sex"].notna().any()) or PITCH not in clips or clips[PITCH].isna().all():
        return clips
    return clips.assign(**{PREDICTED_SEX: sex_from_pitch(clips)})


def conditions(columns: Columns, among: NDArray[np.bool_]) -> list[Condition]:
    """All conditions on the columns, with the bounds of measures taken from some of the clips.

    Args:
        columns: the columns
        among: the clips that tell the bounds, shape (n,)
    """
    found: list[Condition] = []
    for name, values in columns.numbers.items():
        known = values[among & np.isfinite(values)]
        if not len(known):
            continue
        ends = np.quantile(known, [*SHARES, *(1 - share for share in reversed(SHARES))])
        # bounds have three digits, so that a slice is what its name says
        found += [Condition(name, "<", _rounded(bound)) for bound in ends[: len(SHARES)]]
        found += [Condition(name, ">=", _rounded(bound)) for bound in ends[len(SHARES) :]]
    for name, texts in columns.text.items():
        found += [Condition(name, "=", value) for value in sorted(set(texts[among]) - {""})]
    counts = Counter(word for words, use in zip(columns.words, among, strict=False) if use for word in words)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_WORDS]
    return sorted(dict.fromkeys([*found, *(Condition(WORD, "=", word) for word in frequent)]))


def _rounded(bound: float) -> str:
    """A number with three digits, without an exponent.

    >>> _rounded(8012.3), _rounded(-0.12345)
    ('8010', '-0.123')
    """
    return f"{float(f'{bound:.3g}'):.10g}"


def _values(column: pd.Series) -> tuple[NDArray[np.float64] | None, NDArray[np.object_]]:
    """A column as numbers, unless it has text or few values, and as text."""
    if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        if len(np.unique(values[np.isfinite(values)])) > FEW_NUMBERS:
            return values, np.array([], dtype=object)
        return None, np.array([f"{v:g}" if np.isfinite(v) else "" for v in values], dtype=object)
    return None, np.array(["" if _unknown(v) else str(v) for v in column], dtype=object)


def _unknown(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
