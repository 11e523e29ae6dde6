"""Reads the label files that EMO-SUPERB publishes: soft labels of raters, and the side of each clip in a
fold.

`labels_consensus_1.csv` … lie in `Primary/` or `Secondary/`, with `FileName` (in those of BIIC-NNIME and
BIIC-Podcast this column has no name), one column for each emotion, some of `EmoAct`, `EmoVal`, `EmoDom`,
`SpkrID` and `Gender`, and `Split_Set` (Train, Development, Test). Files beyond the number of folds hold other
versions of the labels in the same folds: the first fold of CREMA-D is also in files 6 and 11.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError

FILE = re.compile(r"labels_consensus_(\d+)\.csv")
FOLDERS = ("", "Primary", "Secondary")
SMOOTHING = 0.05
"""Share of each vote that the published labels give to the other emotions."""

UNNAMED = ""
"""Name of the column with the file names in some of the label files."""

OTHERS = ("FileName", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
SIDES = {"train": "train", "development": "dev", "test": "test", "test1": "test", "test2": "test"}


def label_files(root: Path) -> dict[int, Path]:
    """Number → label file, of the first folder that has any: `root`, `Primary`, `Secondary`."""
    for folder in FOLDERS:
        found = {
            int(match[1]): path
            for path in sorted((root / folder).glob("labels_consensus_*.csv"))
            if (match := FILE.fullmatch(path.name))
        }
        if found:
            return dict(sorted(found.items()))
    return {}


def is_label_file(path: str) -> bool:
    """Is a file named as the label files of EMO-SUPERB?"""
    return FILE.fullmatch(Path(path).name) is not None


def read_sides(path: Path) -> pd.Series:
    """The side (train, dev or test) of each clip, by the name of its file without folder and suffix.

    Raises:
        CorpusError: a column is missing, or a side is of another name
    """
    table = _table(path)
    sides = table["Split_Set"].str.strip().str.lower()
    unknown = sides[~sides.isin(SIDES)]
    if len(unknown):
        raise CorpusError(f"{path.name}: the Split_Set of {unknown.index[0]!r} is {unknown.iloc[0]!r}")
    return sides.map(SIDES)


def soft_labels(root: Path) -> pd.DataFrame | None:
    """Shares of the emotions (rows sum to 1), and the other columns, by file name; None without a label file.

    The published smoothing is undone: q = (1 − ε) p + ε (1 − p) / (C − 1) with ε = .05 and C emotions.
    """
    files = label_files(root)
    if not files:
        return None
    table = _table(next(iter(files.values())))
    names = emotions(table)
    others = SMOOTHING / (len(names) - 1)
    shares = (table[names].astype(float) - others) / (1 - SMOOTHING - others)
    # what is left of a vote after rounding to six digits is no vote
    shares = shares.where(shares > 1e-3, 0.0)
    table[names] = shares.div(shares.sum(axis="columns"), axis="index")
    return table


def emotions(table: pd.DataFrame) -> list[str]:
    """The columns of a label file that are emotions."""
    return [name for name in map(str, table.columns) if name not in OTHERS]


def consensus(table: pd.DataFrame) -> pd.Series:
    """The emotion with the largest share of each clip; `no agreement` where several have it."""
    names = emotions(table)
    shares = table[names].to_numpy(dtype=float)
    most = np.isclose(shares, shares.max(axis=1, keepdims=True))
    chosen = np.array(names, dtype=object)[shares.argmax(axis=1)]
    return pd.Series(np.where(most.sum(axis=1) == 1, chosen, "no agreement"), index=table.index)


def _table(path: Path) -> pd.DataFrame:
    table = read_table(path)
    if "FileName" not in table:
        table = table.rename(columns={UNNAMED: "FileName"})
    absent = [name for name in ("FileName", "Split_Set") if name not in table]
    if absent or len(emotions(table)) < 2:
        missing = absent[0] if absent else "of emotions"
        raise CorpusError(f"{path.name} has no column {missing!r}; it has {', '.join(table.columns)}")
    return table.set_index(table["FileName"].map(lambda name: Path(name).stem))
