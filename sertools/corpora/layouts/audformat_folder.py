"""Reads a folder in audformat, the format of audb's databases, as one table of clips."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.errors import CorpusError, foreign
from sertools.files import read_yaml
from sertools.labels import DIMENSIONS, canonical

COLUMN_NAMES = {"gender": "sex", "transcription": "transcript"}
"""Name of a predefined audformat scheme → sertools' name."""

LABELS = {"emotion", *DIMENSIONS}


@dataclass(frozen=True, kw_only=True)
class Database:
    """Content of an audformat database.

    Attributes:
        table: columns `file`, `start`, `end` (timedelta, may be missing) and one per audformat column
        scale: dimension → lowest and highest rating, if its scheme declares both
    """

    name: str
    table: pd.DataFrame
    scale: dict[str, tuple[float, float]]
    licence: str
    citation: str
    notes: tuple[str, ...]


def read_audformat(folder: Path) -> Database:
    """Read all labels of a database: rows from the tables with labels, attributes from all other tables.

    Labels are the columns `emotion`, `arousal`, `dominance`, `valence` or a synonym. Where tables overlap,
    the first one (a `gold_standard` before others) takes precedence. A table's split becomes the column
    `split`; attributes that a scheme defines for its labels, such as the sex of a speaker, become columns.

    Raises:
        CorpusError: the database is damaged, has no table of files, or has pickled tables (never loaded)
    """
    with foreign(f"{folder.name} is not a readable audformat database", CorpusError):
        return _read(folder)


def from_database(database: Any) -> Database:
    """Same as `read_audformat`, for a database whose tables are loaded.

    Raises:
        CorpusError: it has no table of files
    """
    name = str(database.name)
    with foreign(f"{name} is not a readable audformat database", CorpusError):
        return _joined(database, {n: _columns(database, table) for n, table in database.tables.items()}, name)


def _read(folder: Path) -> Database:
    """What `read_audformat` returns."""
    database, tables = _load(folder)
    return _joined(database, tables, folder.name)


def _joined(database: Any, tables: dict[str, pd.DataFrame], where: str) -> Database:
    """The tables of a database as one."""
    if not tables:
        raise CorpusError(f"{where} has no table of files")
    order = sorted(tables, key=lambda name: "gold_standard" not in name)
    labelled = [name for name in order if LABELS & set(tables[name].columns)] or order[:1]
    # Labels of segments and of whole files do not fit into one table: those of segments are used.
    rows = [name for name in labelled if tables[name].index.nlevels == 3] or labelled
    clips = tables[rows[0]]
    for name in rows[1:]:
        clips = clips.combine_first(tables[name])
    unread = []
    for name in (name for name in order if name not in rows):
        if tables[name].index.nlevels > clips.index.nlevels or name in labelled:
            unread.append(name)
        else:
            clips = _with_attributes(clips, tables[name])
    notes = [f"rows from the tables {', '.join(rows)}"]
    if unread:
        notes.append(f"tables not read, because their labels are for other units: {', '.join(unread)}")
    languages = list(map(str, database.languages or ()))
    if len(languages) == 1 and "language" not in clips:
        clips = clips.assign(language=languages[0])
    return Database(
        name=str(database.name),
        table=clips.reset_index(),
        scale=_scales(database),
        licence=str(database.license or ""),
        citation=str(database.source or ""),
        notes=tuple(notes),
    )


def _load(folder: Path) -> tuple[Any, dict[str, pd.DataFrame]]:
    """The database, and its tables under sertools' column names.

    audformat reads headers with a loader that runs code, and prefers pickled tables. So the header is parsed
    here, and a table is only loaded by audformat after a look at its files.
    """
    import audformat

    header = read_yaml(folder / "db.yaml", error=CorpusError, what="the header of the database")
    if not isinstance(header, dict):
        raise CorpusError(f"{folder.name} is not a readable audformat database: db.yaml has no keys")
    with (
        warnings.catch_warnings(),
        foreign(f"{folder.name} is not a readable audformat database", CorpusError),
    ):
        # audformat's own use of deprecated pandas functions does not concern our users.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        database = audformat.Database.load_header_from_yaml(header)
        names = [*database.misc_tables, *database.tables]
        files = {name: _table_file(folder, name) for name in names}
        for name in names:
            database[name].load(str(files[name].with_suffix("")))
        return database, {name: _columns(database, table) for name, table in database.tables.items()}


def _table_file(folder: Path, name: object) -> Path:
    """The file of a table, CSV or Parquet.

    Raises:
        CorpusError: the name could lead out of the folder, there is no such file, or there is a pickle
    """
    if not isinstance(name, str) or set(name) & {"/", "\\", "\0"}:
        raise CorpusError(
            f"{folder.name} has a table named {name!r}, and the name of a table cannot contain a path"
        )
    pickled = folder / f"db.{name}.pkl"
    if os.path.lexists(pickled):
        raise CorpusError(
            f"{folder.name} contains {pickled.name}, and pickles are never loaded",
            hint="save the database as CSV or Parquet, or delete the cached pickle next to them",
        )
    for path in (folder / f"db.{name}.parquet", folder / f"db.{name}.csv"):
        if path.is_file():
            return path
    raise CorpusError(f"{folder.name} has no file db.{name}.parquet or db.{name}.csv for its table {name!r}")


def _with_attributes(clips: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The clips with those columns of a table that they lack; values of a file go to all of its segments.

    Except the transcript: that of a file is not that of a segment.
    """
    same = table.index.nlevels == clips.index.nlevels
    keys = clips.index if same else clips.index.get_level_values("file")
    new = {column: table[column].reindex(keys).to_numpy() for column in table if column not in clips}
    if not same:
        new.pop("transcript", None)
    return pd.concat([clips, pd.DataFrame(new, index=clips.index)], axis="columns")


def _column_name(column: str) -> str:
    name = canonical(column)
    return name if name in DIMENSIONS else COLUMN_NAMES.get(column, column)


def _columns(database: Any, table: Any) -> pd.DataFrame:
    """A table's columns under sertools' names, its split, and the attributes in schemes of labels."""
    frame: pd.DataFrame = table.get()
    for name, column in table.columns.items():
        labels = database.schemes[column.scheme_id].labels if column.scheme_id else None
        if isinstance(labels, str):
            labels = database[labels].get().to_dict(orient="index")
        if isinstance(labels, dict) and all(isinstance(told, str) for told in labels.values()):
            # a scheme of texts, as emodb's transcription: a01 → the sentence
            frame[name] = frame[name].astype(object).map(labels)
        elif isinstance(labels, dict):
            facts = pd.DataFrame.from_dict(labels, orient="index")
            for fact in facts:
                if fact not in frame:
                    frame[fact] = frame[name].astype(object).map(facts[fact])
    categories = {name: object for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)}
    frame = frame.astype(categories)
    if table.split_id:
        frame["split"] = str(database.splits[table.split_id].type)
    names = [_column_name(str(name)) for name in frame.columns]
    return frame.set_axis(names, axis="columns") if len(set(names)) == len(names) else frame


def _scales(database: Any) -> dict[str, tuple[float, float]]:
    """Dimension → range, if a scheme declares one."""
    schemes = [
        (_column_name(name), database.schemes[column.scheme_id])
        for table in database.tables.values()
        for name, column in table.columns.items()
        if column.scheme_id
    ]
    return {
        name: (float(scheme.minimum), float(scheme.maximum))
        for name, scheme in schemes
        if name in DIMENSIONS and scheme.minimum is not None and scheme.maximum is not None
    }
