"""URDU: 400 clips of Urdu talk shows in 4 emotions, chosen by 4 raters.

`Angry/SM1_F10_A010.wav`: sex and number of the speaker, number of the file, emotion and number.

Traps: the paper names 38 speakers (27 men, 11 women); the file names of the release tell fewer (EmoBox counts
29), so some speakers may share an id. Clips are cut from the same shows; which, the names do not tell.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "URDU, emotional utterances from talk shows"
LICENCE = "no licence is stated; the recordings are from television"
RECORDINGS = "belong to television stations"
CITATION = "Latif et al., Cross lingual speech emotion recognition: Urdu vs. western languages, FIT 2018"
LANGUAGE = "urd"
NAMES = {"urdu": None}
NOTES = ("the paper names 38 speakers, but the file names of the release distinguish fewer",)
EXPECTED = {"clips": 400, "anger": 100, "happiness": 100, "neutral": 100, "sadness": 100}
FORM = r"S(?P<sex>[FM])(?P<number>\d+)_F(?P<recording>\d+)_(?P<emotion>[AHNS])(?P<utterance>\d+)"
EMOTIONS = {"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"}


def recognises(root: Path) -> bool:
    """Are the audio files named as in URDU?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    clips = coded_names.scan(root, FORM)
    clips["speaker"] = "S" + clips["sex"] + clips["number"]
    clips["emotion"] = clips["emotion"].map(EMOTIONS)
    return clips.drop(columns=["number", "utterance"])
