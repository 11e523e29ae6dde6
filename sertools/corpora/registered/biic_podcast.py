"""BIIC-Podcast: Mandarin (Taiwan) speech from podcasts, rated as in MSP-Podcast.

`Audios/BIIC-PODCAST_1000_0321_0003.wav` and `Labels/labels_consensus.csv` with the columns of MSP-Podcast.
That the tables have these columns follows from the corpus' description as a variant of MSP-Podcast and from
EMO-SUPERB's copy of its labels; no public text shows the released files.

Traps: the published sizes are those of release 1.01 (70,000 clips); as in MSP-Podcast, X is no agreement, O
another emotion, and a speaker may be `Unknown`, which is no speaker.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import msp_labels

TITLE = "BIIC-Podcast"
LICENCE = "academic licence of the National Tsing Hua University; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = (
    "Upadhyay et al., An intelligent infrastructure toward large scale naturalistic affective speech corpora "
    "collection, ACII 2023"
)
LANGUAGE = "zho"
NAMES = {"biic-podcast": None}
NO_EMOTION = ("other",)
SCALE = msp_labels.SCALE
SIZES = {"train": 48815, "dev": 10845, "test": 10340}
"""Of release 1.01, as EMO-SUPERB states."""


def recognises(root: Path) -> bool:
    """Does the folder contain a table of labels in the form of MSP-Podcast, of clips of BIIC-Podcast?"""
    path = msp_labels.labels(root)
    return path is not None and "BIIC" in path.read_text(encoding="utf-8", errors="replace")[:4096]


def scan(root: Path) -> pd.DataFrame:
    """One row per rated clip; ratings on 1 … 7, activation is arousal."""
    return msp_labels.scan(root)


def raters(root: Path) -> pd.DataFrame:
    """One row per clip and rater."""
    return msp_labels.raters(root)


def expected(clips: pd.DataFrame) -> list[str]:
    """Do the splits have the sizes of release 1.01?"""
    counts = {split: int((clips["split"] == split).sum()) for split in SIZES}
    if counts == SIZES:
        return ["the splits have the sizes of release 1.01"]
    return [f"expected {n} clips in {s}, found {counts[s]}" for s, n in SIZES.items() if n != counts[s]]
