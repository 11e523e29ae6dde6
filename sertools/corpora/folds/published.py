"""EMO-SUPERB's folds: read from its label files where the user has them, known by speaker where not.

The released files decide. Where they are not here, the folds of CREMA-D, IEMOCAP and MSP-IMPROV follow from
what is known of them (the paper's Table 2 differs, and its row 5 has one dyad in training and test), and
those of MSP-Podcast and BIIC-Podcast are the corpora's own splits with all test sets as one.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.folds.folds import Folds
from sertools.corpora.layouts.published.emo_superb_labels import label_files, read_sides
from sertools.corpora.values import some
from sertools.errors import CorpusError

NAME = "emo-superb"

FOLDS = {"crema-d": 5, "iemocap": 5, "msp-improv": 6, "biic-nnime": 5, "msp-podcast": 1, "biic-podcast": 1}
"""Corpus → number of folds; further label files are other versions of the labels."""

FOLDERS = {
    "crema-d": "CREMA-D", "iemocap": "IEMOCAP", "msp-improv": "IMPROV", "biic-nnime": "NNIME",
    "msp-podcast": "PODCAST", "biic-podcast": "BIIC_PODCAST",
}  # fmt: skip
"""Corpus → its folder in EMO-SUPERB's repository."""

SIZES = {
    "crema-d": (4509, 1470, 1463), "iemocap": (5766, 2170, 2103), "msp-improv": (5512, 1765, 1108),
    "biic-nnime": (2802, 1098, 1128), "msp-podcast": (84030, 19815, 45462),
    "biic-podcast": (48815, 10845, 10340),
}  # fmt: skip
"""Corpus → clips in train, dev and test of fold 1."""

ACTORS = (1001, 1019, 1037, 1055, 1073, 1092)
"""CREMA-D: the first actor of each of five groups, and the one after the last."""


def sizes_of(corpus: Corpus, name: str) -> dict[str, tuple[int, int, int]]:
    """Fold → published numbers of clips in train, dev and test, of folds with this name, where known."""
    return {"1": SIZES[corpus.name]} if name == NAME and corpus.name in SIZES else {}


def emo_superb(corpus: Corpus, labels: Path | None = None) -> Folds:
    """The folds of EMO-SUPERB.

    Args:
        corpus: one of its six corpora
        labels: folder of its label files; None for those beside the corpus, or what is known of the folds

    Raises:
        CorpusError: another corpus, or one whose folds are only in label files that are not here
    """
    home = corpus.name
    if home not in FOLDS:
        raise CorpusError(f"EMO-SUPERB has no folds of {home}", hint=f"it has those of {', '.join(FOLDS)}")
    files = label_files(labels or corpus.root)
    if files:
        return _read(corpus, {number: path for number, path in files.items() if number <= FOLDS[home]})
    if labels is not None:
        raise CorpusError(f"{labels} has no label files of EMO-SUPERB, such as labels_consensus_1.csv")
    if home not in KNOWN:
        raise CorpusError(
            f"the folds of {home} in EMO-SUPERB are only in its label files",
            hint=f"name their folder: {home}@FOLDER:1:test, for instance …/data/{FOLDERS[home]}/Secondary",
        )
    sides = KNOWN[home](corpus.clips)
    notes = ("folds as far as they are known without EMO-SUPERB's label files, which decide",)
    return Folds(name=NAME, sides=sides, sizes=sizes_of(corpus, NAME), notes=notes)


def _read(corpus: Corpus, files: dict[int, Path]) -> Folds:
    """The folds in the label files of a corpus."""
    stems = corpus.clips["file"].map(lambda file: Path(file).stem)
    columns, unknown = {}, set[str]()
    for number, path in files.items():
        sides = read_sides(path)
        if sides.index.duplicated().any():
            twice = sides.index[sides.index.duplicated()][0]
            raise CorpusError(f"{path.name} lists {twice!r} twice")
        unknown |= set(sides.index) - set(stems)
        columns[str(number)] = stems.map(sides).astype(object)
    notes = [f"folds from {next(iter(files.values())).parent}"]
    if unknown:
        notes.append(
            f"{len(unknown)} clips of the label files are not in the corpus: {some(sorted(unknown))}"
        )
    table = pd.DataFrame(columns, index=corpus.clips.index)
    if table.isna().all(axis=None):
        raise CorpusError(
            f"no clip of {corpus.name} is in the label files {notes[0].removeprefix('folds from ')}"
        )
    return Folds(
        name=NAME, sides=table.where(table.notna(), None), sizes=sizes_of(corpus, NAME), notes=tuple(notes)
    )


def _cremad(clips: pd.DataFrame) -> pd.DataFrame:
    """Five groups of actors in the order of their numbers; group k tests in fold k, the next one is dev."""
    actor = clips["speaker"].astype(int)
    group = pd.Series(0, index=clips.index)
    for first in ACTORS[1:-1]:
        group += actor >= first
    return _sides(group, {k: (k % 5, k - 1) for k in range(1, 6)})


def _iemocap(clips: pd.DataFrame) -> pd.DataFrame:
    """Session 4 tests in fold 1, 3 in fold 2, …; the session after it is dev."""
    return _sides(clips["session"].astype(int), {k: (6 - k, (4 - k) % 5 + 1) for k in range(1, 6)})


def _improv(clips: pd.DataFrame) -> pd.DataFrame:
    """Session 4 tests in fold 1, 3 in fold 2, …; the session before it is dev."""
    return _sides(clips["session"].astype(int), {k: ((3 - k) % 6 + 1, (4 - k) % 6 + 1) for k in range(1, 7)})


def _podcast(clips: pd.DataFrame) -> pd.DataFrame:
    """The corpus' own splits, test 1 and test 2 as one."""
    sides = {"train": "train", "dev": "dev", "test": "test", "test1": "test", "test2": "test"}
    return pd.DataFrame({"1": clips["split"].map(sides).astype(object)})


def _sides(group: pd.Series, folds: dict[int, tuple[int, int]]) -> pd.DataFrame:
    """Sides by the group of each clip; fold → its dev and its test group."""
    columns = {}
    for number, (dev, test) in folds.items():
        sides = pd.Series("train", index=group.index, dtype=object)
        sides[group == dev], sides[group == test] = "dev", "test"
        columns[str(number)] = sides
    return pd.DataFrame(columns)


KNOWN: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "crema-d": _cremad, "iemocap": _iemocap, "msp-improv": _improv, "msp-podcast": _podcast,
    "biic-podcast": _podcast,
}  # fmt: skip
