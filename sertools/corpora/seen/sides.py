"""The sides of a split, such as training and test set, from one table or several, as one corpus.

Nothing but a path is needed of a clip, and clips may be listed several times: what is wrong with a split is
what the audit `leakage` is to find.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sertools.corpora.corpus import Corpus
from sertools.corpora.folds.folds import with_fold
from sertools.corpora.folds.named import COLUMN, is_name, named
from sertools.corpora.layouts.manifest import MANIFESTS, read_table
from sertools.corpora.layouts.published.emo_superb_labels import UNNAMED, is_label_file, label_files
from sertools.corpora.load import load_clips
from sertools.corpora.seen.names import from_names
from sertools.errors import CorpusError
from sertools.tables.columns import WRITTEN

SIDE = re.compile(r"(?<![a-z])(train(?:ing)?|dev|valid(?:ation)?|val|test|eval)(?![a-z])", re.IGNORECASE)
"""The side in the name of a table, such as `iemocap_train_fold_1.jsonl`."""

USUAL = {
    "train": "train",
    "test": "test",
    "training": "train",
    "validation": "dev",
    "valid": "dev",
    "val": "dev",
    "development": "dev",
}


def load_sides(
    train: Sequence[str],
    test: Sequence[str],
    folds: Sequence[str] = (),
    *,
    data: Sequence[str] = (),
    data_root: Path | None = None,
    column_map: Mapping[str, str] | None = None,
) -> Corpus:
    """The sides of a split as one corpus with the column `split`.

    Args:
        train: training data, as for `load_corpus`
        test: test data, as for `load_corpus`
        folds: tables or folders of a published split; the sides are in a column `split`, or in the names of
            the tables; each subfolder with tables is a fold of its own, as is each label file of
            EMO-SUPERB; or folds of `data`: their names, or a table with columns `clip`, `fold_1`, …
        data: the corpora whose folds have these names
        data_root: as for `load_corpus`
        column_map: column name in the tables → sertools' name

    Raises:
        CorpusError: only one side is given, or a table cannot be read
    """
    if folds and (train or test):
        raise CorpusError("--folds names the sides of a split itself", hint="leave out --train and --test")
    if not folds and not (train and test):
        raise CorpusError("a split has two sides", hint="give both --train and --test, or --folds")
    parts = [("train", spec) for spec in train] + [("test", spec) for spec in test]
    names = [spec for spec in folds if _is_of_data(Path(spec).expanduser(), spec) and data]
    parts += [part for spec in folds if spec not in names for part in _tables(spec)]
    read = []
    for side, spec in parts:
        own = {UNNAMED: "file"} if is_label_file(spec) else {}
        read.append((side, load_clips(spec, data_root=data_root, column_map={**own, **(column_map or {})})))
    for spec in data if names else ():
        corpus = load_clips(spec, data_root=data_root, column_map=column_map)
        read += [part for name in names for part in _rounds(corpus, name)]
    return _joined(read, named=not folds)


def _is_of_data(path: Path, spec: str) -> bool:
    """Whether these are folds of the given corpora: a name, or a table of clips and their sides."""
    if path.is_file() and path.suffix.lower() in MANIFESTS:
        return any(str(column).startswith(COLUMN) for column in read_table(path))
    return not path.exists() and is_name(spec)


def _rounds(corpus: Corpus, name: str) -> list[tuple[str, Corpus]]:
    """Each fold of a corpus, with its sides as splits."""
    found = named(corpus, name)
    numbers = [str(number) for number in found.sides.columns]
    return [(f"{name}:{number}", with_fold(corpus, found, number)) for number in numbers]


def _tables(spec: str) -> list[tuple[str, str]]:
    """Fold and path of each table that `spec` names."""
    path = Path(spec).expanduser()
    if not path.is_dir():
        return [("", spec)]
    if label_files(path):  # of EMO-SUPERB: each file is a fold with all its sides
        return [(f"fold {number}", str(file)) for number, file in label_files(path).items()]
    found = [
        (file.parent.relative_to(path).as_posix().removeprefix("."), str(file))
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in MANIFESTS
    ]
    if not found:
        raise CorpusError(f"{path} holds no table ({', '.join(MANIFESTS)})")
    return found


def _joined(parts: Sequence[tuple[str, Corpus]], *, named: bool) -> Corpus:
    """One corpus of all parts.

    Args:
        parts: side (or fold) and clips
        named: whether the first of each part is its side, and not its fold
    """
    tables, notes = [], []
    for label, part in parts:
        clips = part.clips.copy()
        clips[WRITTEN] = clips["file"]
        clips["file"] = [str(part.path(str(clip)).absolute()) for clip in clips.index]
        told, sentences = from_names(clips)
        clips = clips.join(told)
        clips["split"] = label if named else _sides_of(part, label)
        notes += [f"{part.name}: {note}" for note in (*part.notes, *sentences)]
        tables.append(clips)
    joined = pd.concat(tables)
    joined = joined[joined["split"].notna()]
    ids = joined["split"].astype(str) + ": " + joined.index.astype(str)
    count = ids.groupby(ids).cumcount()
    joined.index = pd.Index(ids.where(count == 0, ids + "#" + (count + 1).astype(str)), name="clip")
    if joined["split"].nunique() < 2:
        raise CorpusError(
            "there is only one side to compare",
            hint="the tables need a column split, or names with train, test",
        )
    name = " and ".join(dict.fromkeys(part.name for _, part in parts))
    return replace(parts[0][1], name=name, clips=joined, root=Path("/"), notes=tuple(dict.fromkeys(notes)))


def _sides_of(part: Corpus, fold: str) -> pd.Series | str:
    """The side of each clip: from the column `split`, or else from the name of the table."""
    clips, prefix = part.clips, f"{fold}/" if fold else ""
    if "split" in clips and clips["split"].notna().any():
        sides = clips["split"].map(lambda side: USUAL.get(str(side).lower(), side), na_action="ignore")
        return sides.map(lambda side: f"{prefix}{side}", na_action="ignore")
    match = SIDE.search(part.name)
    side = match[1].lower() if match else part.name
    return f"{prefix}{USUAL.get(side, side)}"
