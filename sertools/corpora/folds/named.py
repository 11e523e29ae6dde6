"""Finds the folds that a name or a path refers to, and stores folds in a table."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.folds import kinds, published
from sertools.corpora.folds.folds import SIDES, Folds, with_fold
from sertools.corpora.layouts.manifest import MANIFESTS, read_table
from sertools.corpora.layouts.published.emo_superb_labels import label_files
from sertools.corpora.values import some
from sertools.errors import CorpusError, nearest
from sertools.files import write_bytes

FOLDER = "folds"
"""Folder below a corpus in which its stored folds lie, a table for each name."""

COLUMN = "fold_"
"""What the columns of a table of folds begin with, as in `fold_1`."""

USUAL = {"training": "train", "validation": "dev", "valid": "dev", "val": "dev", "development": "dev"}


def named(corpus: Corpus, name: str, beside: Path | None = None) -> Folds:
    """The folds of a corpus.

    Args:
        corpus: the whole corpus
        name: of stored folds, `emo-superb`, a kind that can be made (see `kinds.made`), a table with columns
            `fold_1` …, or a folder with label files of EMO-SUPERB
        beside: folder in which stored folds may lie, as `folds/loso.csv`

    Raises:
        CorpusError: there are no such folds
    """
    stored = (beside or corpus.root) / FOLDER / f"{name}.csv"
    if "/" not in name and stored.is_file():
        return replace(read_folds(corpus, stored, name), sizes=published.sizes_of(corpus, name))
    if name == published.NAME:
        return published.emo_superb(corpus)
    made = kinds.made(corpus, name)
    if made is not None:
        return made
    path = Path(name).expanduser()
    if path.is_dir() and label_files(path):
        return published.emo_superb(corpus, path)
    if path.is_file():
        return read_folds(corpus, path, path.stem)
    known = [*kinds.KINDS, published.NAME]
    if path.suffix in MANIFESTS or "/" in name:
        raise CorpusError(f"no such file or folder: {name}")
    raise CorpusError(f"unknown folds {name!r}", hint=nearest(name, known))


def is_name(text: str) -> bool:
    """Does a text name folds, and not a file that may be missing?"""
    return not ("/" in text or Path(text).suffix in MANIFESTS)


def read_folds(corpus: Corpus, path: Path, name: str) -> Folds:
    """The folds in a table with a column `clip` (or `file`) and columns `fold_1` … of train, dev and test.

    Raises:
        CorpusError: a column is missing, a clip is listed twice or unknown, or a side has another name
    """
    table = read_table(path)
    columns = [column for column in table if str(column).startswith(COLUMN)]
    key = next((column for column in ("clip", "file") if column in table), "")
    if not columns or not key:
        missing = "clip" if not key else f"{COLUMN}1"
        raise CorpusError(f"{path.name} has no column {missing!r}; it has {', '.join(table.columns)}")
    if table[key].duplicated().any():
        raise CorpusError(f"{path.name} lists {table[key][table[key].duplicated()].iloc[0]!r} twice")
    table = table.set_index(key)
    ids = pd.Series(corpus.clips.index, corpus.clips.index) if key == "clip" else corpus.clips["file"]
    unknown = sorted(set(table.index) - set(ids))
    if len(unknown) == len(table):
        raise CorpusError(f"{path.name} names no clip of {corpus.name}; its first is {table.index[0]!r}")
    notes = [f"folds from {path.name}"]
    if unknown:
        notes.append(f"{len(unknown)} clips of {path.name} are not in {corpus.name}: {some(unknown)}")
    sides = {}
    for column in columns:
        written = table[column].fillna("").astype(str).str.strip().str.lower()
        plain = written.map(lambda side: USUAL.get(side, side))
        wrong = plain[~plain.isin([*SIDES, ""])]
        if len(wrong):
            raise CorpusError(
                f"{path.name}: {column} of {wrong.index[0]!r} is {wrong.iloc[0]!r}",
                hint=f"a side is {', '.join(SIDES)}, or empty for a clip that is left out",
            )
        of_clip = ids.map(plain.where(plain != "", None)).astype(object)
        sides[str(column).removeprefix(COLUMN)] = of_clip.where(of_clip.notna(), None).to_numpy()
    return Folds(name=name, sides=pd.DataFrame(sides, index=corpus.clips.index), notes=tuple(notes))


def fold_lines(corpus: Corpus, folds: Folds) -> list[str]:
    """A sentence on each fold: the clips of its sides, and what both sides share."""
    lines = list(folds.notes)
    for number in map(str, folds.sides.columns):
        fold = with_fold(corpus, folds, number)
        counts = fold.clips["split"].value_counts()
        sizes = ", ".join(f"{side} {counts.get(side, 0)}" for side in SIDES)
        told = [note for note in fold.notes if note not in (*corpus.notes, *folds.notes)]
        lines.append(". ".join([f"fold {number}: {sizes} clips", *told]))
    return lines


def write_folds(corpus: Corpus, folds: Folds, folder: Path) -> Path:
    """Write the folds below the folder of a corpus, for `named`; returns the path of the table.

    Raises:
        CorpusError: the table cannot be written
    """
    table = folds.sides.add_prefix(COLUMN)
    for column in ("speaker", "file"):
        if column in corpus.clips:
            table.insert(0, column, corpus.clips[column])
    path = folder / FOLDER / f"{Path(folds.name).name}.csv"
    write_bytes(path, table.to_csv(index_label="clip").encode(), error=CorpusError)
    return path
