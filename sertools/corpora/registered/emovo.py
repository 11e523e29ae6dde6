"""EMOVO: 14 Italian sentences in 7 emotions by 6 actors.

`f1/dis-f1-b1.wav`: emotion (dis, gio joy, neu, pau fear, rab anger, sor surprise, tri sadness), actor (f1 to
f3 women, m1 to m3 men), sentence.

Traps: emotion2vec's Table 1 counts 10 speakers, the release has 6; some sentences are nonsense and some fit
one emotion better than others.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "EMOVO, Italian emotional speech"
LICENCE = "free for research; no licence text was found"
RECORDINGS = "their licence is not known"
CITATION = "Costantini et al., EMOVO corpus: an Italian emotional speech database, LREC 2014"
LANGUAGE = "ita"
NAMES = {"emovo": None}
NOTES = ("emotion is what the actor was asked to express",)
EXPECTED = {
    "clips": 588, "speakers": 6, "female": 3, "male": 3,
    "anger": 84, "disgust": 84, "fear": 84, "happiness": 84, "neutral": 84, "sadness": 84, "surprise": 84,
}  # fmt: skip
FORM = r"(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<speaker>[fm][1-3])-(?P<sentence>[a-z]\d)"
EMOTIONS = {
    "dis": "disgust", "gio": "happiness", "neu": "neutral", "pau": "fear", "rab": "anger", "sor": "surprise",
    "tri": "sadness",
}  # fmt: skip


def recognises(root: Path) -> bool:
    """Are the audio files named as in EMOVO?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    clips = coded_names.scan(root, FORM)
    clips["emotion"] = clips["emotion"].map(EMOTIONS)
    clips["sex"] = clips["speaker"].str[0]
    return clips
