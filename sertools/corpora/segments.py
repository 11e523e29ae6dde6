"""File, segment and id of each clip of a table."""

import math
import os

import numpy as np
import pandas as pd

from sertools.corpora.columns import suggestions
from sertools.corpora.identity import NUMBERS_FOR_SEX, sex_options
from sertools.corpora.values import MISSING, counted, numbers, texts
from sertools.errors import CorpusError


def segments(table: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[str]]:
    """File, start and end of each clip, and sentences on values that were changed.

    Args:
        table: one row per clip, at least a column `file`
        source: name of the table in messages

    Raises:
        CorpusError: no column `file`, a clip without a file, or a segment that ends before it starts
    """
    if "file" not in table:
        raise _no_file(table, source)
    files = texts(table["file"], missing={""})
    if files.isna().any():
        raise CorpusError(f"{source}: clip number {int(files.isna().to_numpy().argmax()) + 1} has no file")
    files, notes = _paths(files)
    clips = pd.DataFrame({"file": files})
    for name in ("start", "end"):
        thousandths = name not in table and f"{name}_ms" in table
        column = f"{name}_ms" if thousandths else name
        given = table[column] if column in table else pd.Series(np.nan, index=table.index)
        values, changed = numbers(given, files, name=column, source=source, times=not thousandths)
        clips[name] = values / 1000 if thousandths else values
        notes += changed
    _check_segments(clips, source)
    return clips, notes


def clip_ids(
    table: pd.DataFrame, clips: pd.DataFrame, source: str, *, repeated: bool = False
) -> tuple[pd.Index, pd.Series | None]:
    """The ids of clips: the column `clip`, or else made from file, segment and channel.

    A clip that is listed in several splits has an id for each of them, such as `a.wav#train`.

    Args:
        table: one row per clip
        clips: from `segments`
        source: name of the table in messages
        repeated: whether a clip may also be listed several times in one split

    Returns:
        the ids, and for clips that are listed several times their common id; None if there are none

    Raises:
        CorpusError: a clip without an id, or one that is listed twice where it must not be
    """
    if "clip" in table:
        ids = texts(table["clip"], missing={""})
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
        if "channel" in table and ids.duplicated().any():
            channel = texts(table["channel"].reset_index(drop=True), missing={""})
            ids = ids.where(channel.isna(), ids + "#channel" + channel.fillna(""))
    splits = texts(table["split"], missing={""}) if "split" in table else pd.Series(None, index=table.index)
    twice = ids.duplicated(keep=False)
    wrong = ids[pd.DataFrame({"id": ids, "split": splits.to_numpy()}).duplicated()]
    if len(wrong) and not repeated:
        name = wrong.iloc[0]
        raise CorpusError(
            f"{source}: clip {name!r} appears {int((ids == name).sum())} times",
            hint="one row per clip; several clips of one file need start and end",
        )
    if not twice.any():
        return pd.Index(ids.tolist(), name="clip"), None
    ending = "#" + splits.astype(object).fillna("").to_numpy()
    new = ids.where(splits.isna().to_numpy() | ~twice, ids + ending)
    count = new.groupby(new).cumcount()
    new = new.where(count == 0, new + "#" + (count + 1).astype(str))
    return pd.Index(new.tolist(), name="clip"), ids.where(twice).set_axis(new.tolist())


def _no_file(table: pd.DataFrame, source: str) -> CorpusError:
    """The error for a table without the column `file`, with the options that name its columns."""
    names = [str(name) for name in table.columns]
    seem = suggestions(names)
    if "file" not in seem.values():
        hint = "map the column that contains the paths: --map THEIRS=file"
    else:
        hint = "if this is what they mean, add: " + " ".join(f"--map {t}={o}" for t, o in seem.items())
    sex = next((theirs for theirs, ours in seem.items() if ours == "sex"), None)
    codes = sorted(texts(table[sex], missing=MISSING).dropna().str.lower().unique()) if sex else []
    if codes and set(codes) <= NUMBERS_FOR_SEX:
        hint += f"; the table does not say which {sex} {' and '.join(codes)} are: also {sex_options(codes)}"
    return CorpusError(f"{source} has no column 'file'; its columns are {', '.join(names)}", hint=hint)


def _paths(files: pd.Series) -> tuple[pd.Series, list[str]]:
    """Paths with `/` where they are written with a backslash, as on Windows, and sentences on these."""
    windows = files.str.contains("\\", regex=False) & ~files.str.contains("/", regex=False)
    if os.sep == "\\" or not windows.any():
        return files, []
    notes = [f"{counted(int(windows.sum()), 'path')} with backslashes, which are read as /"]
    if files.str.match(r"[A-Za-z]:\\").any():
        notes.append(
            "paths that begin with a drive, as C:\\, exist on Windows only; make them relative to a "
            "folder, and name the folder with --data-root"
        )
    return files.where(~windows, files.str.replace("\\", "/")), notes


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


def _seconds(value: float) -> str:
    """Seconds without trailing zeros; empty for nan.

    >>> _seconds(1.50), _seconds(12.0), _seconds(float("nan"))
    ('1.5', '12', '')
    """
    return "" if math.isnan(value) else f"{value:.6f}".rstrip("0").rstrip(".")
