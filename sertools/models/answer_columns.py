"""Finds the answer columns of a table of predictions, and the clip or segment of each row."""

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.corpora.values import texts
from sertools.errors import ModelError, nearest
from sertools.labels import DIMENSIONS, SYNONYMS, canonical

KEYS = ("clip", "file", "start", "end", "condition")
"""Columns that say what a row is about."""

MAX_LISTED = 5
"""Largest number of columns listed in one message."""

_NUMBERED = re.compile(r"LABEL_\d+")
"""The names that transformers gives to labels without names; --label-map says what they mean."""

_NAMELESS = re.compile(r"|Unnamed: ?\d+|None|nan|\d+|__index_level_\d+__")


def answer_columns(
    table: pd.DataFrame, given: Sequence[str], known: Sequence[str], path: Path
) -> tuple[tuple[str, ...], list[str]]:
    """The columns with answers, and notes on the columns that are left out.

    Answers are the columns that the user names; otherwise those whose name is an emotion, a dimension, or a
    label of the corpus. An index, a duration or an age is no answer, although it is a number.

    Args:
        table: as read
        given: names from `--labels`
        known: names that the corpus and `--label-map` have for labels
        path: of the table, for messages

    Raises:
        ModelError: a named column is absent, no column is an answer, or a column that is left out completes
            the probabilities of the others
    """
    others = [str(column) for column in table.columns if column not in KEYS]
    if given:
        absent = [name for name in given if name not in others]
        if absent:
            raise ModelError(
                f"{path} has no column {absent[0]!r}: its columns are {', '.join(map(str, table.columns))}",
                hint=f"--labels names columns of the table; {nearest(absent[0], others)}",
            )
        return tuple(given), _note([name for name in others if name not in given])
    ours = {*SYNONYMS, *(canonical(name) for name in known), *known}
    found = [
        name
        for name in others
        if not _NAMELESS.fullmatch(name.strip())
        and (
            ours & {canonical(name), name.strip(), name.strip().lower()} or _NUMBERED.fullmatch(name.strip())
        )
    ]
    left = [name for name in others if name not in found]
    numeric = {name: numbers for name in left if (numbers := _shares(table[name])) is not None}
    if not found:
        counted = [name for name in left if pd.to_numeric(table[name], errors="coerce").notna().any()]
        named = [name for name in numeric or counted if not _NAMELESS.fullmatch(name.strip())]
        raise ModelError(
            f"{path} has no score columns: its columns are {', '.join(map(str, table.columns))}, and "
            "none is an emotion, a dimension, or a label of the corpus",
            hint=_how_named(named, table[others]),
        )
    _check_complete(table, found, numeric, path)
    return tuple(found), _note(left)


def _how_named(numeric: Sequence[str], others: pd.DataFrame) -> str:
    """The option that names the columns with numbers, or else the column with the answers in words."""
    if numeric:
        meant = {name: label for name in numeric if (label := _label_within(name))}
        maps = "".join(f" --label-map {name}={label}" for name, label in meant.items())
        return f"name them: --labels {','.join(numeric)}{maps}"
    words = next((name for name in ("emotion", "label") if name in others), "")
    if words:
        return f"if the column {words} holds the model's answers, not the truth, add --output {words}"
    words = next((str(name) for name in others if _mostly_emotions(others[name])), "")
    if words:
        return f"if the column {words} holds the model's answers in words, add --output {words}"
    return "write one column of numbers for each label, such as anger and neutral"


def _mostly_emotions(column: "pd.Series[str]") -> bool:
    """Whether at least half of the cells that are not empty are names of emotions."""
    cells = column.dropna().astype(str)
    return bool(len(cells)) and 2 * sum(canonical(cell) in SYNONYMS for cell in cells) >= len(cells)


def _label_within(name: str) -> str:
    """The emotion or dimension that a column says with a prefix or suffix; empty if it says none.

    >>> _label_within("proba_anger"), _label_within("Happy score"), _label_within("model_2")
    ('anger', 'happiness', '')
    """
    meant = [canonical(part) for part in re.split(r"[\W_]+", name) if canonical(part) in SYNONYMS]
    return meant[0] if len(set(meant)) == 1 else ""


def row_keys(table: pd.DataFrame, key: str, path: Path) -> "pd.Index[str]":
    """The subject of each row: its clip, or its file, with the segment if the row has a start or an end.

    Raises:
        ModelError: a key is empty, or a start or end is not a time
    """
    if key not in table:
        raise ModelError(f"{path} has neither a column 'clip' nor 'file': it has {', '.join(table.columns)}")
    unnamed = (table[key].isna() | (table[key].astype(str).str.strip() == "")).to_numpy()
    if unnamed.any():
        raise ModelError(f"{path} has an empty {key} in row {int(unnamed.argmax()) + 1}")
    names = texts(table[key], missing=set()).astype(str)
    if key == "clip" or not {"start", "end"} & set(table.columns):
        return pd.Index(names)
    times = {
        name: [
            _seconds(value, f"{path}: {name} of {of!r}") for value, of in zip(table[name], names, strict=True)
        ]
        if name in table
        else [math.nan] * len(table)
        for name in ("start", "end")
    }
    return segments(names.tolist(), times["start"], times["end"])


def segments(files: Sequence[str], starts: Sequence[float], ends: Sequence[float]) -> "pd.Index[str]":
    """A name for each segment, exact to 1 ms; of a whole file, its own name.

    >>> list(segments(["a.wav", "b.wav"], [0.0, 1.5], [float("nan"), 2.0]))
    ['a.wav', 'b.wav from 1.500 to 2.000 s']
    """
    found = []
    for file, start, end in zip(files, starts, ends, strict=True):
        begin, until = (0.0 if math.isnan(start) else start), "the end" if math.isnan(end) else f"{end:.3f} s"
        whole = math.isnan(end) and begin == 0
        found.append(str(file) if whole else f"{file} from {begin:.3f} to {until}")
    return pd.Index(found)


def as_written(names: "pd.Index[str]", rows: "pd.Index[str]") -> "pd.Index[str]":
    """Names as rows write them, where the two only differ in how the path is written: `./a` and `a`.

    >>> as_written(pd.Index(["./a.wav", "b/c.wav", "d.wav"]), pd.Index(["a.wav", "./b/c.wav"])).tolist()
    ['a.wav', './b/c.wav', 'd.wav']
    """
    found = names.isin(rows)
    if found.all():
        return names
    of = {_path(row): row for row in reversed(rows.astype(str).tolist())}
    written = [
        name if known else of.get(_path(str(name)), name)
        for name, known in zip(names.tolist(), found.tolist(), strict=True)
    ]
    return pd.Index(written)


def _path(name: str) -> str:
    """The path without the ways in which it may be written; backslashes are read as in a corpus."""
    return os.path.normpath(name if "/" in name else name.replace("\\", "/"))


def _seconds(value: Any, what: str) -> float:
    """A time in s; nan for an empty cell."""
    if value is None or value is pd.NaT or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return math.nan
    text = str(value).strip()
    if text.lower() in {"", "nan", "nat", "none", "null"}:
        return math.nan
    try:
        if isinstance(value, pd.Timedelta) or "day" in text or ":" in text:
            seconds = float(pd.Timedelta(value).total_seconds())
        else:
            seconds = float(text.replace("_", "no number"))
    except ValueError as error:
        raise ModelError(
            f"{what} is {text!r}, which is not a time", hint="write seconds like 1.25"
        ) from error
    if not 0 <= seconds < math.inf:
        raise ModelError(f"{what} is {text!r}, which is not a time", hint="write seconds like 1.25")
    return seconds


def _shares(column: "pd.Series[Any]") -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """A column as numbers, if all of them lie in [0, 1]; otherwise None."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    inside = bool((np.isfinite(values) & (values >= 0) & (values <= 1)).all())
    return values if inside and len(values) else None


def _check_complete(
    table: pd.DataFrame,
    found: Sequence[str],
    left: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]],
    path: Path,
) -> None:
    """Refuses to leave out columns without which the rows of probabilities do not sum to 1."""
    classes = [name for name in found if canonical(name) not in DIMENSIONS]
    shares = [_shares(table[name]) for name in classes]
    known = [values for values in shares if values is not None]
    rest = [name for name in left if not _NAMELESS.fullmatch(name.strip())]
    if not classes or len(known) < len(classes) or not rest:
        return
    total = np.sum(known, axis=0)
    whole = total + np.sum([left[name] for name in rest], axis=0)
    if not np.allclose(total, 1, atol=1e-3) and np.allclose(whole, 1, atol=1e-3):
        raise ModelError(
            f"the rows of {path} sum to 1 only with {_some(rest)}, which the corpus does not name as labels",
            hint=f"name all columns with answers: --labels {','.join([*classes, *rest])}",
        )


def _note(left: Sequence[str]) -> list[str]:
    if not left:
        return []
    named = _some([name or "one without a name" for name in left])
    return [f"Columns of the table that are not read as answers: {named} (--labels names others)."]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
