"""SAVEE: 15 English sentences for each of 7 emotions (30 neutral) by 4 British men.

`AudioData/DC/a01.wav`: the folder names the speaker, the letters the emotion (`sa` sadness, `su` surprise,
and a, d, f, h, n), the number the sentence. Flat copies are named `DC_a01.wav`.

Traps: all speakers are men, and of the 15 sentences of an emotion 3 are common to all emotions, 2 also occur
as neutral, and 10 with this emotion only, so most of the words tell the emotion.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "Surrey Audio-Visual Expressed Emotion (SAVEE)"
LICENCE = "research, on registration with the University of Surrey; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = "Jackson & Haq, Surrey Audio-Visual Expressed Emotion (SAVEE) database, University of Surrey, 2014"
LANGUAGE = "eng"
NAMES = {"savee": None}
NOTES = (
    "emotion is what the actor was asked to express",
    "all speakers are men; 10 of the 15 sentences of each emotion occur with this emotion only",
)
EXPECTED = {
    "clips": 480, "speakers": 4, "female": 0, "male": 4,
    "anger": 60, "disgust": 60, "fear": 60, "happiness": 60, "neutral": 120, "sadness": 60, "surprise": 60,
}  # fmt: skip
FORM = r"(?P<speaker>DC|JE|JK|KL)[/_ ]?(?P<emotion>sa|su|[adfhn])(?P<number>\d\d)"
EMOTIONS = {
    "a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "n": "neutral", "sa": "sadness",
    "su": "surprise",
}  # fmt: skip


def recognises(root: Path) -> bool:
    """Are the audio files named as in SAVEE?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip; `number` counts the sentences of an emotion and is not a sentence id."""
    clips = coded_names.scan(root, FORM)
    clips["emotion"] = clips["emotion"].map(EMOTIONS)
    clips["sex"] = "male"
    return clips
