"""CMU-MOSEI: opinions of about 1000 YouTube speakers, the sentiment of each segment rated −3 … 3.

The common distribution has the form of MOSI's: `label.csv` and `Raw/<video_id>/<clip_id>.*`. It has sentiment
and not the six emotions of the corpus, which are in the authors' own files (`.csd`), not read here.

Traps: releases differ in what they count (22,856 segments in the common table, 23,453 in the paper, 44,977 in
emotion2vec's Table 1); the speaker is the video, as nobody published who speaks.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import sentiment_segments
from sertools.corpora.registered.mosi import MOST_VIDEOS

TITLE = "CMU Multimodal Opinion Sentiment and Emotion Intensity (MOSEI)"
LICENCE = "research; the videos belong to their speakers"
RECORDINGS = "must not be passed on"
CITATION = (
    "Zadeh et al., Multimodal language analysis in the wild: CMU-MOSEI dataset and interpretable dynamic "
    "fusion graph, ACL 2018"
)
LANGUAGE = "eng"
NAMES = {"mosei": None}
NOTES = (
    "valence is the sentiment of the opinion, rated from words, voice and face together",
    "the speaker is the video: people who appear in more than one make intervals too narrow",
)
SCALE = sentiment_segments.SCALE
SIZES = {"train": 16326, "dev": 1871, "test": 4659}


def recognises(root: Path) -> bool:
    """Does the folder contain recordings and a `label.csv` of MOSI's form with many videos?"""
    return len(sentiment_segments.videos(root)) > MOST_VIDEOS


def scan(root: Path) -> pd.DataFrame:
    """One row per segment; sentiment, −3 … 3, is read as valence, split `valid` as dev."""
    return sentiment_segments.scan(root)


def expected(clips: pd.DataFrame) -> list[str]:
    """Do the splits have the sizes of the common distribution?"""
    counts = {split: int((clips["split"] == split).sum()) for split in SIZES}
    if counts == SIZES:
        return ["the splits have the sizes of the common distribution"]
    return [f"expected {n} segments in {s}, found {counts[s]}" for s, n in SIZES.items() if n != counts[s]]
