"""MEAD: English sentences in 8 emotions and 3 intensities by actors in front of several cameras.

`M003/audio/angry/level_1/001.m4a`: actor (M man, W woman), emotion, intensity, number. Neutral has level 1
only. The videos beside them, `M003/video/front/angry/level_1/001.mp4`, are not read. The sound is AAC
(sertools needs PyAV for it), 48 kHz or 44.1 kHz.

Traps: the paper has 60 actors, the public part 48; emotion2vec counts 31,792 clips, EmoBox 31,729. A number
is another sentence in each emotion, so it is no id of a sentence; the names tell nothing without the folders.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "Multi-view Emotional Audio-visual Dataset (MEAD)"
LICENCE = "research, non-commercial, on request; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = (
    "Wang et al., MEAD: a large-scale audio-visual dataset for emotional talking-face generation, ECCV 2020"
)
LANGUAGE = "eng"
NAMES = {"mead": None}
NOTES = ("emotion is what the actor was asked to express",)
FORM = (
    r"(?P<speaker>[MW]\d\d\d)(?:/audio)?/"
    r"(?P<emotion>angry|contempt|disgusted|fear|happy|neutral|sad|surprised)/level_(?P<level>[123])/"
    r"(?P<number>\d+)"
)
VIDEO = r"[MW]\d\d\d/video/\w+/(?:angry|contempt|disgusted|fear|happy|neutral|sad|surprised)/level_[123]/\d+"
CLIPS = (31792, 31729)
SPEAKERS = 48


def recognises(root: Path) -> bool:
    """Are the folders of the audio files and videos named as in MEAD?"""
    return coded_names.recognised(root, f"(?:{FORM}|{VIDEO})")


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    clips = coded_names.scan(root, FORM)
    clips["sex"] = clips["speaker"].str[0]
    clips["level"] = clips["level"].astype(int)
    return clips.drop(columns="number")


def expected(clips: pd.DataFrame) -> list[str]:
    """Do the numbers of clips and speakers match those that papers name?"""
    found, speakers = len(clips), clips["speaker"].nunique()
    known = " or ".join(map(str, CLIPS))
    notes = [f"{found} clips, as in a paper" if found in CLIPS else f"expected {known} clips, found {found}"]
    return notes if speakers == SPEAKERS else [*notes, f"expected {SPEAKERS} speakers, found {speakers}"]
