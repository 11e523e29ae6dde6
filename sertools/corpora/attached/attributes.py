"""A file with attributes, such as sex and age, of the clips or of the speakers of a corpus."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sertools.corpora.attached.match import KEYS, matched_clips
from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.values import MISSING, counted, some, texts
from sertools.errors import CorpusError

SPEAKER = "speaker"


def attached_attributes(
    table: pd.DataFrame, clips: pd.DataFrame, path: Path, column_map: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """The table of a corpus with the columns of a file, and sentences on what they are known for.

    Rows are matched by the column `clip` or `file`, otherwise by `speaker`. A column that the corpus has
    already is completed; the file may not contradict it.

    Args:
        table: of the corpus, index `clip`
        clips: its clips, index `clip`, column `file`
        path: the file, with one row for each clip or speaker
        column_map: column of the file → sertools' name

    Raises:
        CorpusError: the file cannot be read, names neither clips nor speakers, none of those of the corpus,
            or one of them twice, or contradicts the corpus
    """
    given = read_table(path)
    given = given.rename(columns={theirs: ours for theirs, ours in column_map.items() if theirs in given})
    by_clip = any(name in given for name in KEYS)
    if not by_clip and SPEAKER not in given:
        raise CorpusError(
            f"{path.name} has no column 'clip', 'file' or 'speaker', so its rows cannot be matched; it has "
            f"{', '.join(map(str, given.columns))}",
            hint="name the column, as in --map THEIRS=speaker",
        )
    if not by_clip and SPEAKER not in table:
        raise CorpusError(
            f"{path.name} lists speakers, but the corpus names none",
            hint="list the attributes by clip or file",
        )
    what = "clip" if by_clip else SPEAKER
    home = matched_clips(given, clips, path.name) if by_clip else texts(given[SPEAKER], missing=MISSING)
    wanted = pd.Series(table.index, index=table.index) if by_clip else texts(table[SPEAKER], missing=MISSING)
    known = home[home.isin(set(wanted.dropna()))]
    if known.empty:
        names = given[next(name for name in (*KEYS, SPEAKER) if name in given)].astype(str).tolist()
        raise CorpusError(
            f"{path.name} lists no {what} of the corpus: {some(names, 3)}; the corpus has "
            f"{some(list(map(str, wanted.dropna().unique())), 3)}"
        )
    if known.duplicated().any():
        raise CorpusError(f"{path.name} lists {what} {known[known.duplicated()].iloc[0]!r} twice")
    columns = [
        name for name in map(str, given.columns) if name not in (*KEYS, *([] if by_clip else [SPEAKER]))
    ]
    if not columns:
        raise CorpusError(f"{path.name} has no column besides {what!r}, so it adds nothing")
    longer = table.copy()
    rows = given.loc[known.index].set_axis(pd.Index(known.tolist()))
    for name in columns:
        longer[name] = _completed(table, wanted.map(rows[name]), name, path.name)
    return longer, [_told(wanted, known, columns, what, path.name)]


def _completed(table: pd.DataFrame, added: pd.Series, name: str, source: str) -> pd.Series:
    """A column of the corpus with what the file adds to it."""
    if name not in table:
        return added
    own, more = texts(table[name], missing=MISSING), texts(added, missing=MISSING)
    both = own.notna() & more.notna()
    differ = both & (own.str.lower() != more.str.lower())
    if differ.any():
        clip = differ.index[int(differ.to_numpy().argmax())]
        raise CorpusError(
            f"{source}: {name} of clip {clip!r} is {more[clip]!r}, but {own[clip]!r} in the corpus",
            hint="correct one of them, or give the column of the file another name with --map",
        )
    return table[name].where(own.notna(), added)


def _told(wanted: pd.Series, known: pd.Series, columns: list[str], what: str, source: str) -> str:
    there = set(known)
    n = int(wanted.isin(there).sum())
    by = "" if what == "clip" else f", by {len(there)} of {counted(int(wanted.nunique()), what)}"
    return f"{source} adds {some(columns)} for {n} of {counted(len(wanted), 'clip')}{by}"
