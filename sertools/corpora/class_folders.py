"""Reads a folder with one folder of audio files per emotion: `anger/a.wav`, or `test/anger/a.wav`."""

import os
from pathlib import Path

import pandas as pd

from sertools.corpora.columns import is_emotion

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
    """One row per audio file, its emotion the folder; None unless two folders are named like emotions."""
    names = {entry.name for entry in root.iterdir() if entry.is_dir()}
    splits = {name for name in names if name.lower() in SPLITS}
    places = [root / split for split in sorted(splits)] if splits == names and names else [root]
    rows = []
    for place in places:
        for folder in sorted(entry for entry in place.iterdir() if entry.is_dir()):
            for path in _sounds(folder):
                row = {"file": path.relative_to(root).as_posix(), "emotion": folder.name}
                rows.append(row if place == root else {**row, "split": SPLITS[place.name.lower()]})
    emotions = {row["emotion"] for row in rows}
    if sum(map(is_emotion, emotions)) < 2:
        return None
    return pd.DataFrame(rows)


def _sounds(folder: Path) -> list[Path]:
    """Audio files in a folder and in the folders inside of it."""
    found = []
    for place, folders, files in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= DEEPEST:
            folders.clear()
        folders.sort()
        found += [Path(place) / name for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES]
    return found
