"""Matches the rows of another table to the clips of a corpus: by id, by path, or by file name."""

from pathlib import PurePosixPath

import pandas as pd

from sertools.corpora.values import texts
from sertools.errors import CorpusError

KEYS = ("clip", "file")
"""Columns by which a table names clips."""


def matched_clips(table: pd.DataFrame, clips: pd.DataFrame, source: str) -> pd.Series:
    """The matching clip of the corpus for each row, shape (n,), missing where the corpus has none.

    A row names a clip by its id or by its path, or by the name of the file, without folder and suffix, if
    that is unique.

    Args:
        table: with a column `clip` or `file`
        clips: index `clip`, column `file`
        source: name of the table in messages

    Raises:
        CorpusError: the table has neither column, or a row has no value in it
    """
    key = next((name for name in KEYS if name in table), None)
    if key is None:
        raise CorpusError(
            f"{source} has no column 'clip' or 'file', so its rows belong to no clip; it has "
            f"{', '.join(map(str, table.columns))}",
            hint="name the column, as in --map THEIRS=clip",
        )
    named = texts(table[key], missing={""})
    if named.isna().any():
        raise CorpusError(f"{source}: row {int(named.isna().to_numpy().argmax()) + 1} has no {key}")
    files = pd.Series(clips.index, index=clips["file"].astype(str))
    stems = pd.Series(clips.index, index=[_stem(file) for file in files.index])
    found = named.where(named.isin(clips.index), None)
    for names, known in ((named, files), (named.map(_stem), stems)):
        unique = known[~known.index.duplicated(keep=False)]
        found = found.where(found.notna(), names.map(unique))
    return found


def _stem(file: str) -> str:
    """The name of a file without folder and suffix; a name with a dot that is no suffix stays.

    >>> _stem("wav/1001_DFA_ANG_XX.wav"), _stem("Ses01.impro01")
    ('1001_DFA_ANG_XX', 'Ses01.impro01')
    """
    path = PurePosixPath(file.replace("\\", "/"))
    suffix = path.suffix[1:]
    return (
        path.stem if suffix and len(suffix) <= 4 and not suffix.isdigit() and suffix.isalnum() else path.name
    )
