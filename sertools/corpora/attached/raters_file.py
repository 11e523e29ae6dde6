"""A separate file with the labels of raters: one row for each clip and rater, or votes per clip."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sertools.corpora.attached.match import KEYS, matched_clips
from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.raters.columns import NUMBER, vote_columns
from sertools.corpora.raters.one_row_per_rater import RATER, one_row_per_clip
from sertools.corpora.values import counted, some
from sertools.errors import CorpusError
from sertools.tables.votes import is_of_raters


def attached_raters(
    table: pd.DataFrame, clips: pd.DataFrame, path: Path, votes: str, column_map: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """The table of a corpus with the columns of raters from a file, and a sentence on them.

    Args:
        table: of the corpus, index `clip`
        clips: its clips, index `clip`, column `file`
        path: the file with one row for each clip and rater, or one row per clip with columns of votes
        votes: what the columns of votes begin with, without the underscore
        column_map: column of the file → sertools' name

    Raises:
        CorpusError: the file cannot be read, is not a table of raters, or rates clips that the corpus lacks
    """
    said = read_table(path)
    said = said.rename(columns={theirs: ours for theirs, ours in column_map.items() if theirs in said})
    if RATER in said and not said.duplicated([k for k in KEYS if k in said][:1] or [RATER]).any():
        said = said.drop(columns=RATER)
    said, notes = one_row_per_clip(said, path.name)
    columns = [name for name in map(str, said.columns) if is_of_raters(name)]
    columns += [name for name in vote_columns(list(map(str, said.columns)), votes) if name not in columns]
    if not columns:
        raise CorpusError(
            f"{path.name} names no raters: it has no column {RATER!r} with one row for each clip and "
            f"rater, and no columns {votes}_anger, {votes}_{NUMBER} or similar",
            hint=f"it has {', '.join(map(str, said.columns))}; name columns with --map THEIRS={RATER}",
        )
    home = matched_clips(said, clips, path.name)
    unknown = said.loc[home.isna(), next(name for name in KEYS if name in said)].astype(str).tolist()
    if unknown:
        raise CorpusError(
            f"{path.name}: {len(unknown)} of {counted(len(said), 'rated clip')} "
            f"{'is' if len(unknown) == 1 else 'are'} not in the corpus: {some(unknown, 3)}",
            hint="remove these rows, or name the corpus that has these clips",
        )
    if home.duplicated().any():
        twice = home[home.duplicated()].iloc[0]
        raise CorpusError(
            f"{path.name} has several rows of clip {twice!r} and no column {RATER!r}",
            hint=f"name the column with the raters: --map THEIRS={RATER}",
        )
    own = said[columns].set_axis(pd.Index(home.tolist())).reindex(table.index)
    clash = [name for name in columns if name in table]
    if clash:
        raise CorpusError(
            f"both the corpus and {path.name} have a column {clash[0]!r}", hint="remove one of them"
        )
    rated = int(own.notna().any(axis=1).sum())
    notes.append(f"{path.name} has labels of individual raters for {rated} of {counted(len(table), 'clip')}")
    return pd.concat([table, own], axis="columns"), notes
