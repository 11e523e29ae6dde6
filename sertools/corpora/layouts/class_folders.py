"""Reads a folder with one folder of audio files per emotion: `anger/a.wav`, or `test/anger/a.wav`."""

import os
from pathlib import Path

import pandas as pd

from sertools.corpora.columns import is_emotion
from sertools.errors import CorpusError, foreign

SUFFIXES = {
    ".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".au", ".m4a", ".aac", ".mp4", ".webm", ".amr",
    ".wma",
}  # fmt: skip

SPLITS = {
    "train": "train", "training": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
    "test": "test",
}  # fmt: skip

DEEPEST = 4
"""Number of folders inside each other that are searched."""

NOTES = (
    "emotion is the name of the folder that the file is in",
    "the folders name no speakers; a table with a column speaker gives correct confidence intervals",
)


def read_class_folders(root: Path) -> pd.DataFrame | None:
    """One row per audio file, its emotion the folder; None unless two folders are named like emotions.

    Raises:
        CorpusError: a folder cannot be read
    """
    with foreign(f"cannot read {root}", CorpusError):
        splits = _folders(root)
        if not splits or not all(split.name.lower() in SPLITS for split in splits):
            splits = [root]
        folders = [folder for split in splits for folder in _folders(split)]
        # other folders are not searched, since they may be as large as a home directory
        if sum(map(is_emotion, {folder.name for folder in folders})) < 2:
            return None
        rows = []
        for folder in folders:
            split = {} if splits == [root] else {"split": SPLITS[folder.parent.name.lower()]}
            rows += [
                {"file": path.relative_to(root).as_posix(), "emotion": folder.name, **split}
                for path in _sounds(folder)
            ]
        return pd.DataFrame(rows) if rows else None


def _folders(root: Path) -> list[Path]:
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _sounds(folder: Path) -> list[Path]:
    """Audio files in a folder and in the folders inside of it."""
    found = []
    for place, folders, files in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= DEEPEST:
            folders.clear()
        folders.sort()
        found += [Path(place) / name for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES]
    return found
