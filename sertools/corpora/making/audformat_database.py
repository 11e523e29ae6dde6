"""Writes a corpus as a database in audformat, the format of audb, with its audio."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.making.new import Advance, check_new_folder
from sertools.errors import CorpusError, foreign
from sertools.files import atomic_folder
from sertools.labels import DIMENSIONS

AUDIO, CLIPS = "audio", "clips"
"""Folder of the sound, and name of the table."""

SPEAKER_ATTRIBUTES = ("sex", "age", "language")


def write(corpus: Corpus, folder: Path, advance: Advance) -> None:
    """Writes `db.yaml`, a table of clips, one of speakers, and copies of all files.

    Raises:
        CorpusError: the folder is not empty or cannot be written, or a file is missing
    """
    check_new_folder(folder)
    files = list(dict.fromkeys(map(str, corpus.clips["file"])))
    first = {str(row): str(clip) for clip, row in corpus.clips["file"].items()}
    absent = [file for file in files if not corpus.path(first[file]).is_file()]
    if absent:
        raise CorpusError(
            f"{len(absent)} of {len(files)} files of {corpus.name} are missing, such as {absent[0]}",
            hint="audformat contains the audio; csv and parquet do not need it",
        )
    with atomic_folder(folder, error=CorpusError) as part:
        (part / AUDIO).mkdir()
        copies = {}
        for number, file in enumerate(files):
            source = corpus.path(first[file])
            copies[file] = f"{AUDIO}/{number:05d}-{source.name}"
            shutil.copyfile(source, part / copies[file])
            advance(int((corpus.clips["file"] == file).sum()))
        with foreign(f"{corpus.name} cannot be written in audformat", CorpusError):
            _database(corpus, copies).save(str(part), storage_format="csv")


def _database(corpus: Corpus, copies: dict[str, str]) -> Any:
    import audformat

    clips = corpus.clips
    database = audformat.Database(
        name=corpus.name.replace(":", "-"),
        source=corpus.citation,
        license=corpus.licence or None,
        description=" ".join(f"{note.rstrip('.')}." for note in corpus.notes),
    )
    files = [copies[str(file)] for file in clips["file"]]
    whole = bool(clips["start"].isna().all() and clips["end"].isna().all())
    if whole and len(set(files)) == len(files):
        index = audformat.filewise_index(files)
    else:
        index = audformat.segmented_index(
            files,
            [pd.Timedelta(0 if math.isnan(s) else s, unit="s") for s in clips["start"]],
            [pd.NaT if math.isnan(e) else pd.Timedelta(e, unit="s") for e in clips["end"]],
        )
    table = database[CLIPS] = audformat.Table(index)
    if "speaker" in clips:
        _add_speakers(database, clips)
    for name in ("clip", *map(str, clips.columns)):
        if name in ("file", "start", "end", *(SPEAKER_ATTRIBUTES if "speaker" in clips else ())):
            continue
        column = clips.index.to_series() if name == "clip" else clips[name]
        if name != "speaker":
            database.schemes[name] = _scheme(name, column)
        table[name] = audformat.Column(scheme_id=name)
        table[name].set(_values(column))
    return database


def _add_speakers(database: Any, clips: pd.DataFrame) -> None:
    """The scheme `speaker`, whose labels have the sex, age and language of a speaker."""
    people = clips.dropna(subset="speaker").drop_duplicates("speaker").set_index("speaker")
    known = [name for name in SPEAKER_ATTRIBUTES if name in people]
    labels = {
        str(speaker): {name: _plain(row[name]) for name in known if not pd.isna(row[name])}
        for speaker, row in people.iterrows()
    }
    import audformat

    database.schemes["speaker"] = audformat.Scheme("str", labels=labels)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _scheme(name: str, column: pd.Series) -> Any:
    import audformat

    if name in DIMENSIONS:
        return audformat.Scheme("float", minimum=0.0, maximum=1.0)
    if name == "emotion":
        return audformat.Scheme("str", labels=sorted(map(str, column.dropna().unique())))
    return audformat.Scheme("float" if pd.api.types.is_numeric_dtype(column) else "str")


def _values(column: pd.Series) -> list[Any]:
    if pd.api.types.is_numeric_dtype(column):
        return [None if pd.isna(value) else float(value) for value in column]
    return [None if pd.api.types.is_scalar(value) and pd.isna(value) else str(value) for value in column]
