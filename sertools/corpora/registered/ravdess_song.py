"""RAVDESS song: 2 sung English sentences in 6 emotions and 2 intensities, 23 Canadian actors.

File names as in RAVDESS speech with 02 in the second place: `03-02-06-01-02-01-12`. Actor 18 did not sing.
Where speech and song lie in one folder, `ravdess` reads the speech and this the song.

Traps: the same actors as in `ravdess`, so a model that was trained on the speech knows these voices;
emotion2vec's five folds (`random-5`) share speakers.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names
from sertools.corpora.registered import ravdess

TITLE = "Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), song"
LICENCE = ravdess.LICENCE
CITATION = ravdess.CITATION
LANGUAGE = "eng"
NAMES = {"ravdess-song": None}
NOTES = (
    "emotion is what the actor was asked to express, in song",
    "the actors are those of ravdess, without actor 18",
)
EXPECTED = {
    "clips": 1012, "speakers": 23, "female": 11, "male": 12,
    "neutral": 92, "calm": 184, "happiness": 184, "sadness": 184, "anger": 184, "fear": 184,
}  # fmt: skip
FORM = ravdess.CODE.pattern.replace("03-01-", "0[13]-02-", 1)


def recognises(root: Path) -> bool:
    """Are the audio files named as those of the song? False where the folder also has speech."""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip of song; further files in the folder are left out."""
    return ravdess.decoded(coded_names.scan(root, FORM)).drop(columns="split")
