"""Finds files of a corpus in one of several places, or with one of several suffixes."""

from collections.abc import Sequence
from pathlib import Path

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".mp4")
"""Suffixes in the order in which they are preferred: videos last, since not every machine decodes them."""


def first_of(root: Path, places: Sequence[str]) -> Path | None:
    """The first of several files below a folder that exists; None if there is none."""
    return next((root / place for place in places if (root / place).is_file()), None)


def first_folder(root: Path, places: Sequence[str]) -> str:
    """The first of several folders below a folder that exists; the first name if there is none."""
    return next((place for place in places if (root / place).is_dir()), places[0])


def sound(root: Path, name: str, default: str = ".mp4") -> str:
    """A path below `root` with the first audio suffix that exists; with `default` if there is none."""
    return f"{name}{next((s for s in SOUNDS if (root / f'{name}{s}').is_file()), default)}"
