"""Reads `label.csv` of MOSI and MOSEI: opinions in videos, the sentiment of each segment rated −3 … 3.

The common distribution has the columns `video_id, clip_id, text, label, …, mode`, and the segments in
`Raw/<video_id>/<clip_id>.*`, or in `wav/`. A WAV, FLAC, OGG or MP3 file next to a video is read instead of
it.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.layouts.published.found_files import first_folder, sound
from sertools.errors import CorpusError

SCALE = {"valence": (-3.0, 3.0)}
SPLITS = {"valid": "dev", "validation": "dev"}
FOLDERS = ("Raw", "wav", "audio")
COLUMNS = {"video_id", "clip_id", "text", "label", "mode"}


def videos(root: Path) -> set[str]:
    """The ids of the videos that a folder's `label.csv` lists; empty if the folder has none."""
    if not any((root / folder).is_dir() for folder in FOLDERS) or not (root / "label.csv").is_file():
        return set()
    try:
        table = read_table(root / "label.csv")
    except CorpusError:
        return set()
    return set(table["video_id"]) if set(table) >= COLUMNS else set()


def scan(root: Path) -> pd.DataFrame:
    """One row per segment; sentiment, −3 … 3, is read as valence, split `valid` as dev.

    Raises:
        CorpusError: a rating that is not a number
    """
    theirs = read_table(root / "label.csv")
    clips = pd.DataFrame({"clip": theirs["video_id"] + "/" + theirs["clip_id"]})
    folder = first_folder(root, FOLDERS)
    clips["file"] = [sound(root, f"{folder}/{clip}") for clip in clips["clip"]]
    clips["speaker"] = theirs["video_id"]
    clips["language"] = "eng"
    clips["transcript"] = theirs["text"]
    clips["split"] = theirs["mode"].map(lambda mode: SPLITS.get(mode, mode))
    ratings = pd.to_numeric(theirs["label"], errors="coerce").rename("valence")
    if ratings.isna().any():
        at = int(ratings.isna().to_numpy().argmax())
        raise CorpusError(
            f"label.csv: label of {clips['clip'].iloc[at]!r} is {theirs['label'].iloc[at]!r}, not a number"
        )
    clips["valence"] = ratings
    return clips
