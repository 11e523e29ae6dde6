"""CMU-MOSI: opinions in 93 YouTube videos, the sentiment of each segment rated −3 … 3.

The common distribution: `label.csv` with `video_id, clip_id, text, label, …, mode`, and the segments in
`Raw/<video_id>/<clip_id>.*`. Sentiment is read as valence. libsndfile cannot decode MP4: a WAV, FLAC, OGG
or MP3 file of the same name next to the video is used instead, if there is one.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.errors import CorpusError

TITLE = "CMU Multimodal Opinion-level Sentiment Intensity (MOSI)"
LICENCE = "research; the videos belong to their speakers"
RECORDINGS = "must not be passed on"
CITATION = (
    "Zadeh et al., Multimodal sentiment intensity analysis in videos, IEEE Intelligent Systems 31(6), 2016"
)
NAMES = {"mosi": None}
NOTES = (
    "valence is the sentiment of the opinion, rated from words, voice and face together",
    "the speaker is the video: a few people appear in more than one, so intervals may be a little narrow",
)
SPLITS = {"valid": "dev", "validation": "dev"}
SCALE = {"valence": (-3.0, 3.0)}
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
TEST_CLIPS = (685, 686)
"""Papers report 686 test segments; one release has one fewer."""
VIDEOS = 93


def recognises(root: Path) -> bool:
    """Does the folder contain `Raw/` and a `label.csv` with MOSI's columns?"""
    if not (root / "Raw").is_dir() or not (root / "label.csv").is_file():
        return False
    try:
        return {"video_id", "clip_id", "text", "label", "mode"} <= set(read_table(root / "label.csv"))
    except CorpusError:
        return False


def scan(root: Path) -> pd.DataFrame:
    """One row per segment; sentiment, −3 … 3, is read as valence, split `valid` as dev."""
    theirs = read_table(root / "label.csv")
    clips = pd.DataFrame({"clip": theirs["video_id"] + "/" + theirs["clip_id"]})
    clips["file"] = [_sound(root, f"Raw/{clip}") for clip in clips["clip"]]
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


def expected(clips: pd.DataFrame) -> list[str]:
    """Does the test set have the published number of segments?"""
    found = int((clips["split"] == "test").sum())
    speakers = clips["speaker"].nunique()
    if found in TEST_CLIPS:
        notes = [f"{found} test segments, as published"]
    else:
        notes = [f"published: {TEST_CLIPS[0]} or {TEST_CLIPS[1]} test segments, found {found}"]
    if speakers != VIDEOS:
        notes.append(f"published: {VIDEOS} videos, found {speakers}")
    return notes


def _sound(root: Path, name: str) -> str:
    suffix = next((s for s in SUFFIXES if (root / f"{name}{s}").is_file()), ".mp4")
    return f"{name}{suffix}"
