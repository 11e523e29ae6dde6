"""SUBESCO: 10 Bangla sentences in 7 emotions, 5 takes each, by 20 actors.

`F_02_MONIKA_S_1_NEUTRAL_5.wav`: sex, number and name of the speaker, sentence, emotion, take. Numbers count
the women and the men each from 01, so the speaker is sex and number.

Traps: the number alone names two people; emotion2vec's holdout (80 to 20) is random and shares speakers.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "SUST Bangla Emotional Speech Corpus (SUBESCO)"
LICENCE = "CC BY 4.0"
CITATION = "Sultana et al., SUST Bangla Emotional Speech Corpus (SUBESCO), PLoS ONE 16(4), 2021"
LANGUAGE = "ben"
NAMES = {"subesco": None}
NOTES = ("emotion is what the actor was asked to express; 50 listeners recognised 71 % of the clips",)
EXPECTED = {
    "clips": 7000, "speakers": 20, "female": 10, "male": 10,
    "anger": 1000, "disgust": 1000, "fear": 1000, "happiness": 1000, "neutral": 1000, "sadness": 1000,
    "surprise": 1000,
}  # fmt: skip
FORM = (
    r"(?P<sex>[FM])_(?P<number>\d\d)_(?P<name>[A-Z]+)_S_(?P<sentence>\d+)_"
    r"(?P<emotion>ANGRY|DISGUST|FEAR|HAPPY|NEUTRAL|SAD|SURPRISE)_(?P<take>\d)"
)


def recognises(root: Path) -> bool:
    """Are the audio files named as in SUBESCO?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    clips = coded_names.scan(root, FORM)
    clips["speaker"] = clips["sex"] + clips["number"]
    return clips.drop(columns=["number", "name"])
