"""CMU-MOSI: opinions in 93 YouTube videos, the sentiment of each segment rated −3 … 3.

The common distribution: `label.csv` and `Raw/<video_id>/<clip_id>.*`. Sentiment is read as valence.
libsndfile cannot decode MP4: a WAV, FLAC, OGG or MP3 file of the same name next to the video is used instead.

Traps: the sentiment is that of words, voice and face together, so a model of the voice alone cannot know it
all; releases have 685 or 686 test segments; the speaker is the video, and a few people are in several.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import sentiment_segments

TITLE = "CMU Multimodal Opinion-level Sentiment Intensity (MOSI)"
LICENCE = "research; the videos belong to their speakers"
RECORDINGS = "must not be passed on"
CITATION = (
    "Zadeh et al., Multimodal sentiment intensity analysis in videos, IEEE Intelligent Systems 31(6), 2016"
)
LANGUAGE = "eng"
NAMES = {"mosi": None}
NOTES = (
    "valence is the sentiment of the opinion, rated from words, voice and face together",
    "the speaker is the video: a few people appear in more than one, so intervals may be a little narrow",
)
SCALE = sentiment_segments.SCALE
TEST_CLIPS = (685, 686)
"""Papers report 686 test segments; one release has one fewer."""
VIDEOS = 93
MOST_VIDEOS = 200
"""A folder of the same form with more videos than this is MOSEI."""


def recognises(root: Path) -> bool:
    """Does the folder contain recordings and a `label.csv` with MOSI's columns and a few videos?"""
    return 0 < len(sentiment_segments.videos(root)) <= MOST_VIDEOS


def scan(root: Path) -> pd.DataFrame:
    """One row per segment; sentiment, −3 … 3, is read as valence, split `valid` as dev."""
    return sentiment_segments.scan(root)


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
