"""Reads a manifest into a table of clips; checks names, types and scales, and quotes wrong values."""

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.errors import CorpusError, foreign
from sertools.labels import DIMENSIONS, SYNONYMS, canonical, canonical_sex
from sertools.tables.columns import ATTRIBUTES, CORPUS_COLUMNS, LABELS

MANIFESTS = (".csv", ".tsv", ".parquet")

MAX_ROWS = 20_000_000
"""Largest number of rows of a manifest; a table of more could fill the memory."""

_MISSING = {"", "nan", "na", "n/a", "none", "null", "<na>"}


def read_table(path: Path) -> pd.DataFrame:
    """The rows of a CSV or Parquet file, unchanged; CSV values are read as text, so `03` stays `03`.

    A CSV is UTF-8 (a byte order mark is allowed), quoted or not, separated by commas, semicolons or tabs,
    whichever is most frequent in the header.

    Raises:
        CorpusError: missing, unreadable or empty file, a repeated column, or a row of different length
    """
    if not path.is_file():
        raise CorpusError(f"no such file: {path}")
    if path.suffix.lower() not in MANIFESTS:
        raise CorpusError(f"{path.name} is not a manifest", hint=f"manifests end in {', '.join(MANIFESTS)}")
    table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise CorpusError(f"{path.name} has the column {repeated[0]!r} twice")
    if table.empty:
        raise CorpusError(f"{path.name} lists no clips")
    return table


def as_clips(
    table: pd.DataFrame,
    *,
    source: str,
    column_map: Mapping[str, str] | None = None,
    scale: Mapping[str, tuple[float, float]] | None = None,
    label_map: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Convert a table to clips: index `clip`, canonical columns and labels, dimensions in [0, 1].

    Args:
        table: one row per clip, at least a column `file`
        source: name of the table in error messages
        column_map: column name in the table → sertools' name
        scale: dimension, or `*` for all others → lowest and highest rating; [0, 1] if not declared
        label_map: value of `emotion` in the table → sertools' name

    Raises:
        CorpusError: a missing column, or an invalid value, scale or mapping
    """
    scale = scale or {}
    table = _renamed(table, column_map or {}, source).reset_index(drop=True)
    _check_scales(scale, table, source)
    clips = _segments(table, source)
    for name in (*ATTRIBUTES, *LABELS):
        if name not in table:
            continue
        if name in DIMENSIONS:
            ratings = _numbers(table[name], clips["file"], name=name, source=source)
            limits = scale.get(name, scale.get("*", (0.0, 1.0)))
            clips[name] = unit_scale(ratings, clips["file"], limits, source=source)
        elif name == "age":
            clips[name] = _attribute(table[name])
        else:
            clips[name] = text_column(table[name], missing={""} if name == "transcript" else _MISSING)
    if "emotion" in clips:
        clips["emotion"] = clips["emotion"].map(lambda e: _emotion(e, label_map or {}), na_action="ignore")
    if "sex" in clips:
        clips["sex"] = clips["sex"].map(canonical_sex, na_action="ignore")
    if {"corpus", "speaker"} <= set(clips) and clips["corpus"].nunique() > 1:
        clips["speaker"] = prefixed(clips["speaker"], clips["corpus"])
    for name in table.columns:
        if name not in clips and name != "clip":
            clips[name] = _attribute(table[name])
    clips.index = _clip_ids(table, clips, source)
    return clips


def unit_scale(ratings: pd.Series, files: pd.Series, scale: tuple[float, float], *, source: str) -> pd.Series:
    """Ratings mapped linearly from [low, high] to [0, 1]; nan stays nan.

    Raises:
        CorpusError: a rating outside the scale (with its file and value), or an empty scale
    """
    low, high = scale
    name = str(ratings.name)
    if not low < high:
        raise CorpusError(f"--scale {name}={low:g}:{high:g}: the lower limit must come first")
    outside = ((ratings < low) | (ratings > high)).to_numpy()
    if outside.any():
        at = int(outside.argmax())
        raise CorpusError(
            f"{source}: {name} of {files.iloc[at]!r} is {ratings.iloc[at]:g}, outside {low:g} … {high:g}",
            hint=f"declare the scale of the ratings, for instance --scale {name}=1:7",
        )
    return (ratings - low) / (high - low)


def prefixed(ids: pd.Series, corpus: pd.Series | str) -> pd.Series:
    """Ids with their corpus as a prefix, `msp:12`; ids that have the prefix and missing ids stay unchanged.

    >>> prefixed(pd.Series(["12", "msp:13", None]), "msp").tolist()[:2]
    ['msp:12', 'msp:13']
    """
    names = [corpus] * len(ids) if isinstance(corpus, str) else corpus.tolist()
    new = [
        value if pd.isna(value) or pd.isna(name) or value.startswith(f"{name}:") else f"{name}:{value}"
        for name, value in zip(names, ids.tolist(), strict=True)
    ]
    return pd.Series(new, index=ids.index)


def look_alikes(columns: list[str]) -> list[str]:
    """Sentences about columns that seem to be labels under another name, with the option that maps them.

    >>> look_alikes(["file", "activation", "gender"])[0]
    "column 'activation' is kept as an attribute; if it is arousal, use --map activation=arousal"
    """
    known = {"gender": "sex", **{s: d for d in DIMENSIONS for s in SYNONYMS[d]}}
    return [
        f"column {c!r} is kept as an attribute; if it is {known[c.lower()]}, use --map {c}={known[c.lower()]}"
        for c in columns
        if c.lower() in known and known[c.lower()] not in columns
    ]


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path.name} is not UTF-8 text (byte {error.start})", hint="save it as CSV, UTF-8"
        ) from error
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    if "\0" in text:
        raise CorpusError(f"{path.name} is not a text file", hint="save it as CSV, UTF-8")
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not row:
                continue
            if rows and len(row) != len(rows[0]):
                raise CorpusError(
                    f"{path.name}, line {reader.line_num}: {len(row)} values for {len(rows[0])} columns",
                    hint="quote values that contain the separator",
                )
            rows.append(row)
    except csv.Error as error:
        raise CorpusError(f"{path.name}, line {reader.line_num}: {error}") from error
    if not rows:
        raise CorpusError(f"{path.name} is empty")
    return pd.DataFrame(rows[1:], columns=[name.strip() for name in rows[0]])


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet

    with foreign(f"{path.name} is not a readable Parquet file", CorpusError):
        rows = pyarrow.parquet.read_metadata(path).num_rows
        if rows > MAX_ROWS:
            raise CorpusError(f"{path.name} has {rows} rows, but at most {MAX_ROWS} are read")
        table = pd.read_parquet(path)
        table.columns = table.columns.map(str)
    # A table saved with its index, as audformat does, has the clips in the index.
    named = [name for name in table.index.names if name in CORPUS_COLUMNS]
    return table.reset_index(level=named) if named else table


def _renamed(table: pd.DataFrame, column_map: Mapping[str, str], source: str) -> pd.DataFrame:
    have = [str(name) for name in table.columns]
    for theirs, ours in column_map.items():
        if theirs not in have:
            raise CorpusError(
                f"--map {theirs}={ours}: {source} has no column {theirs!r}; it has {', '.join(have)}"
            )
    names = [column_map.get(name, name) for name in have]
    for name in names:
        if names.count(name) > 1:
            both = [h for h, n in zip(have, names, strict=True) if n == name]
            raise CorpusError(
                f"with this --map, {' and '.join(map(repr, both))} of {source} would both be named {name!r}",
                hint="map the other column to a different name",
            )
    return table.set_axis(names, axis="columns")


def _check_scales(scale: Mapping[str, tuple[float, float]], table: pd.DataFrame, source: str) -> None:
    for name in set(scale) - {"*"}:
        if name not in DIMENSIONS:
            raise CorpusError(f"--scale {name}: only {', '.join(DIMENSIONS)} have a scale")
        if name not in table:
            raise CorpusError(f"--scale {name}: {source} has no column {name!r}")


def _segments(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """File, start and end of each clip, checked."""
    if "file" not in table:
        names = ", ".join(map(str, table.columns))
        raise CorpusError(
            f"{source} has no column 'file'; its columns are {names}",
            hint="map the column that contains the paths: --map THEIRS=file",
        )
    files = text_column(table["file"], missing={""})
    if files.isna().any():
        raise CorpusError(f"{source}: clip number {int(files.isna().to_numpy().argmax()) + 1} has no file")
    clips = pd.DataFrame({"file": files})
    for name in ("start", "end"):
        given = table[name] if name in table else pd.Series(np.nan, index=table.index)
        clips[name] = _numbers(given, files, name=name, source=source)
    _check_segments(clips, source)
    return clips


def text_column(column: pd.Series, missing: set[str]) -> pd.Series:
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


def _numbers(column: pd.Series, files: pd.Series, *, name: str, source: str) -> pd.Series:
    if pd.api.types.is_timedelta64_dtype(column):
        column = column.dt.total_seconds()
    written = text_column(column, missing={*_MISSING, "nat"})
    values = np.array([math.nan if pd.isna(text) else _number(text) for text in written], dtype=float)
    wrong = ~np.isfinite(values) & written.notna().to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        raise CorpusError(f"{source}: {name} of {files.iloc[at]!r} is {written.iloc[at]!r}, not a number")
    return pd.Series(values, index=column.index, name=name)


def _attribute(column: pd.Series) -> pd.Series:
    """Numbers if every value is a number (`03` is an id, not a number), otherwise the values unchanged."""
    if not (pd.api.types.is_string_dtype(column) or column.dtype == object):
        return column
    values = column.tolist()  # Parquet returns lists as arrays, for which isna() is not a single value
    if not all(isinstance(v, str) or (pd.api.types.is_scalar(v) and pd.isna(v)) for v in values):
        return column
    written = text_column(column, missing={""})
    known = [text for text in written.tolist() if not pd.isna(text)]
    padded = any(len(text) > 1 and text[0] == "0" and text[1].isdigit() for text in known)
    if padded or not known or not all(math.isfinite(_number(text)) and "days" not in text for text in known):
        return written
    return pd.Series([math.nan if pd.isna(text) else _number(text) for text in written], index=column.index)


def _emotion(written: str, label_map: Mapping[str, str]) -> str:
    """The canonical name of an emotion; keys of the map may be labels as written or canonical names.

    >>> _emotion("exc", {"excitement": "happy"}), _emotion("exc", {"exc": "other"}), _emotion("exc", {})
    ('happiness', 'other', 'excitement')
    """
    if written in label_map or written.lower() in label_map:
        return canonical(written, label_map)
    return canonical(canonical(written), label_map)


def _check_segments(clips: pd.DataFrame, source: str) -> None:
    starts, ends = clips["start"].fillna(0.0), clips["end"].fillna(math.inf)
    wrong = ((starts < 0) | (starts >= ends)).to_numpy()
    if wrong.any():
        row = clips.iloc[int(wrong.argmax())]
        begin = starts.iloc[int(wrong.argmax())]
        raise CorpusError(
            f"{source}: {row['file']!r} starts at {begin:g} s and ends at {row['end']:g} s",
            hint="start and end are seconds, 0 ≤ start < end",
        )


def _clip_ids(table: pd.DataFrame, clips: pd.DataFrame, source: str) -> pd.Index:
    if "clip" in table:
        ids = text_column(table["clip"], missing={""})
        if ids.isna().any():
            at = int(ids.isna().to_numpy().argmax())
            raise CorpusError(f"{source}: {clips['file'].iloc[at]!r} has no id in the column 'clip'")
    else:
        ids = pd.Series(
            [
                file if math.isnan(start) and math.isnan(end) else f"{file}#{_seconds(start)}-{_seconds(end)}"
                for file, start, end in zip(clips["file"], clips["start"], clips["end"], strict=True)
            ]
        )
    repeated = ids[ids.duplicated()]
    if len(repeated):
        name = repeated.iloc[0]
        raise CorpusError(
            f"{source}: clip {name!r} appears {int((ids == name).sum())} times",
            hint="one row per clip; several clips of one file need start and end",
        )
    index: pd.Index = pd.Index(ids.tolist(), name="clip")
    return index


def _seconds(value: float) -> str:
    """Seconds without trailing zeros; empty for nan.

    >>> _seconds(1.50), _seconds(12.0), _seconds(float("nan"))
    ('1.5', '12', '')
    """
    return "" if math.isnan(value) else f"{value:.6f}".rstrip("0").rstrip(".")
