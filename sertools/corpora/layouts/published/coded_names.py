"""Reads a corpus whose file names, or the folders above them, encode the labels.

The folders may be nested in any way, as archives unpack them, or all files lie in one folder. A copy of a
clip that lies deeper is left out: some downloads contain every file twice.
"""

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.class_folders import SUFFIXES
from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError, foreign

DEEPEST = 6
"""Number of folders inside each other that are searched."""

LOOKED_AT = 3000
"""Number of entries that are looked at to recognise a corpus: a folder may be as large as a home
directory."""

SAMPLE = 200
"""Number of audio files that suffice to recognise a corpus."""

ENOUGH = 0.95
"""Share of the audio files that must have names of the corpus."""


def recognised(root: Path, form: str) -> bool:
    """Are the audio files of a folder, or those that its `metadata.csv` lists, named in this form?

    Args:
        root: the folder
        form: regular expression for the end of a path below `root`, without its suffix
    """
    files = listed_files(root)
    if files is None:
        files = list(islice(_some_sounds(root), SAMPLE))
    met = sum(told is not None for told in codes(files, form))
    return met > 0 and met >= ENOUGH * len(files)


def scan(root: Path, form: str) -> pd.DataFrame:
    """One row per clip: `file`, the groups of the form as columns, and the columns of a `metadata.csv`.

    Args:
        root: the folder
        form: as for `recognised`; clips with equal groups are one clip

    Raises:
        CorpusError: the folder cannot be read, or has no such file
    """
    table = listed(root)
    found = table is None
    if table is None:
        with foreign(f"cannot read {root}", CorpusError):
            files = sorted(_sounds(root), key=lambda file: (file.count("/"), file))
        table = pd.DataFrame({"file": files})
    told = codes(table["file"].tolist(), form)
    table = table[[each is not None for each in told]].reset_index(drop=True)
    if table.empty:
        raise CorpusError(f"{root} has no audio file with a name of this corpus")
    groups = pd.DataFrame([each for each in told if each is not None])
    table[groups.columns] = groups
    if found:
        table = table[~groups.duplicated().to_numpy()].sort_values("file").reset_index(drop=True)
    return table


def codes(files: list[str], form: str) -> list[dict[str, str | None] | None]:
    """The groups of the form in each path; None for a path of another form."""
    whole = re.compile(rf"(?:.*/)?{form}")
    matches = [whole.fullmatch(os.path.splitext(file)[0]) for file in files]
    return [match and match.groupdict() for match in matches]


def listed(root: Path) -> pd.DataFrame | None:
    """The table `metadata.csv` of a folder, unchanged; None if it is missing or lists no files."""
    try:
        table = read_table(root / "metadata.csv")
    except CorpusError:
        return None
    return table if "file" in table else None


def listed_files(root: Path) -> list[str] | None:
    """The files that a folder's `metadata.csv` lists; None if there is no such table."""
    table = listed(root)
    return None if table is None else table["file"].astype(str).tolist()


def _sounds(root: Path) -> Iterator[str]:
    """Audio files below a folder, relative to it."""
    for place, folders, files in os.walk(root):
        inside = Path(place).relative_to(root)
        if len(inside.parts) >= DEEPEST:
            folders.clear()
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from ((inside / name).as_posix() for name in files if _is_sound(name))


def _some_sounds(root: Path) -> Iterator[str]:
    """Audio files among the first entries of a folder and of those below it; nothing is read completely."""
    waiting, left = [Path()], LOOKED_AT
    while waiting and left > 0:
        inside = waiting.pop(0)
        try:
            with os.scandir(root / inside) as entries:
                for entry in islice(entries, left):
                    left -= 1
                    if entry.is_dir() and not entry.name.startswith(".") and len(inside.parts) < DEEPEST:
                        waiting.append(inside / entry.name)
                    elif _is_sound(entry.name):
                        yield (inside / entry.name).as_posix()
        except OSError:  # a folder that cannot be read is none of the corpus
            continue


def _is_sound(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
