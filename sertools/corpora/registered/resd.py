"""RESD: Russian dialogues in 7 emotions, as audio files with two tables.

`train.csv` and `test.csv` with `path`, `emotion` and, in the annotated copy, `text`; sound in `train/` and
`test/`. On the hub it is Parquet with the sound inside: `datasets:Aniemore/resd_annotated`.

Traps: no table names the speakers (papers say about 200), so intervals are too narrow, and nobody can tell
whether a speaker is in both splits. One of the seven emotions is enthusiasm.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.layouts.published.found_files import SOUNDS
from sertools.errors import CorpusError

TITLE = "Russian Emotional Speech Dialogs (RESD)"
LICENCE = "MIT, as stated on the hub"
CITATION = "Lubenets et al., Russian Emotional Speech Dialogs (RESD), 2022"
LANGUAGE = "rus"
NAMES = {"resd": None}
NOTES = ("no table of the release names the speakers",)
SIZES = {"train": 1116, "test": 280}


def recognises(root: Path) -> bool:
    """Does the folder contain `train.csv` and `test.csv` with RESD's columns, and their folders?"""
    try:
        return all(
            {"path", "emotion"} <= set(read_table(root / f"{split}.csv")) and (root / split).is_dir()
            for split in SIZES
        )
    except CorpusError:
        return False


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    parts = []
    for split in SIZES:
        table = read_table(root / f"{split}.csv")
        files = [_file(root, f"{split}/{Path(path).name}") for path in table["path"]]
        part = pd.DataFrame({"file": files, "emotion": table["emotion"], "split": split})
        if "text" in table:
            part["transcript"] = table["text"]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def expected(clips: pd.DataFrame) -> list[str]:
    """Do the splits have the published sizes?"""
    counts = {split: int((clips["split"] == split).sum()) for split in SIZES}
    if counts == SIZES:
        return ["1396 clips, the splits as published"]
    return [f"expected {n} clips in {s}, found {counts[s]}" for s, n in SIZES.items() if n != counts[s]]


def _file(root: Path, file: str) -> str:
    """The file that is there: some copies name a `.wav` that is an `.avi` or `.mp4`, or the reverse."""
    if (root / file).is_file():
        return file
    return next((other for s in SOUNDS if (root / (other := str(Path(file).with_suffix(s)))).is_file()), file)
