"""CaFE: 6 Canadian French sentences in 6 emotions and 2 intensities, and neutral, by 12 actors.

`Colère/Faible/01-C-1-1.wav`: actor (odd numbers are men), emotion (C anger, D disgust, J happiness, N
neutral, P fear, S surprise, T sadness), intensity (1 mild, 2 strong), sentence.

Traps: neutral has one intensity and so half as many clips.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "Canadian French Emotional speech dataset (CaFE)"
LICENCE = "CC BY-NC-SA 4.0: non-commercial, share alike"
CITATION = "Gournay et al., A Canadian French emotional speech dataset, ACM MMSys 2018"
LANGUAGE = "fra"
NAMES = {"cafe": None}
NOTES = ("emotion is what the actor was asked to express",)
EXPECTED = {
    "clips": 936, "speakers": 12, "female": 6, "male": 6,
    "anger": 144, "disgust": 144, "fear": 144, "happiness": 144, "neutral": 72, "sadness": 144,
    "surprise": 144,
}  # fmt: skip
FORM = r"(?P<speaker>0[1-9]|1[0-2])-(?P<emotion>[CDJNPST])-(?P<intensity>[12])-(?P<sentence>[1-6])"
EMOTIONS = {
    "C": "anger", "D": "disgust", "J": "happiness", "N": "neutral", "P": "fear", "S": "surprise",
    "T": "sadness",
}  # fmt: skip
AGES = {
    "01": 46, "02": 64, "03": 18, "04": 50, "05": 22, "06": 34, "07": 15, "08": 25, "09": 42, "10": 20,
    "11": 35, "12": 37,
}  # fmt: skip


def recognises(root: Path) -> bool:
    """Are the audio files named as in CaFE?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    clips = coded_names.scan(root, FORM)
    clips["emotion"] = clips["emotion"].map(EMOTIONS)
    clips["sex"] = ["male" if int(speaker) % 2 else "female" for speaker in clips["speaker"]]
    clips["age"] = clips["speaker"].map(AGES)
    clips["intensity"] = clips["intensity"].map({"1": "mild", "2": "strong"})
    return clips
