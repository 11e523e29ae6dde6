"""TESS: 200 words after "Say the word" in 7 emotions by 2 Canadian women, 26 and 64 years old.

`OAF_angry/OAF_back_angry.wav`: speaker (OAF the older, YAF the younger), word, emotion (`ps` pleasant
surprise). One file of the release is named `OA_bite_neutral.wav`.

Traps: two speakers only, and age goes with the speaker; a test without the speakers of the training has one
speaker, and no interval over speakers can be told.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "Toronto Emotional Speech Set (TESS)"
LICENCE = "CC BY-NC-ND 4.0: non-commercial, no derivatives"
RECORDINGS = "changed recordings must not be passed on"
CITATION = "Pichora-Fuller & Dupuis, Toronto emotional speech set (TESS), University of Toronto, 2020"
LANGUAGE = "eng"
NAMES = {"tess": None}
NOTES = (
    "emotion is what the actress was asked to express",
    "there are only two speakers, aged 26 and 64: results do not generalise to other speakers",
)
EXPECTED = {
    "clips": 2800, "speakers": 2, "female": 2, "male": 0,
    "anger": 400, "disgust": 400, "fear": 400, "happiness": 400, "neutral": 400, "sadness": 400,
    "surprise": 400,
}  # fmt: skip
FORM = r"(?P<speaker>OAF?|YAF)_(?P<word>[A-Za-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)"
AGES = {"OAF": 64, "YAF": 26}


def recognises(root: Path) -> bool:
    """Are the audio files named as in TESS?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip; the sentence is its word."""
    clips = coded_names.scan(root, FORM)
    clips["speaker"] = clips["speaker"].str[:2] + "F"
    clips["sex"] = "female"
    clips["age"] = clips["speaker"].map(AGES)
    clips["transcript"] = "Say the word " + clips["word"]
    return clips.rename(columns={"word": "sentence"})
