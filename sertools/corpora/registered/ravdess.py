"""RAVDESS speech: 2 English sentences in 8 emotions and 2 intensities, 24 Canadian actors.

File names encode all labels: `03-01-06-01-02-01-12` = audio only, speech, fearful, normal intensity, second
statement, first repetition, actor 12; even-numbered actors are women. Song and video files are ignored. Three
layouts: folders `Actor_01` … `Actor_24`, at any depth, all files in one folder, and a folder with a
`metadata.csv`.

Traps: some downloads contain every actor twice; neutral has one intensity, and so half as many clips; one
recording has two names (see the notes); calm is an emotion of its own, which other corpora do not have.
"""

import re
from itertools import islice
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names
from sertools.corpora.registry import stems_listed

TITLE = "Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), speech"
LICENCE = "CC BY-NC-SA 4.0: non-commercial, share alike"
CITATION = (
    "Livingstone & Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 2018"
)
LANGUAGE = "eng"
TRIED = "real release, as FLAC with a table"
NAMES = {"ravdess": None}
NOTES = (
    "emotion is what the actor was asked to express",
    "the split is audEERING's, not the authors': actors 16, 17, 19, 20 are dev, 21 to 24 test",
    "03-01-03-01-02-01-07 and 03-01-03-01-02-02-07 are the same recording under two names",
)
EXPECTED = {
    "clips": 1440, "speakers": 24, "female": 12, "male": 12,
    "neutral": 96, "calm": 192, "happiness": 192, "sadness": 192, "anger": 192, "fear": 192,
    "disgust": 192, "surprise": 192,
}  # fmt: skip

CODE = re.compile(
    r"03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<sentence>0[12])-(?P<repetition>0[12])"
    r"-(?P<speaker>[01]\d|2[0-4])"
)
FORM = CODE.pattern
EMOTIONS = {
    "01": "neutral", "02": "calm", "03": "happiness", "04": "sadness", "05": "anger", "06": "fear",
    "07": "disgust", "08": "surprise",
}  # fmt: skip
WAV = "*.[wW][aA][vV]"
SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
SPLITS = {**dict.fromkeys(("16", "17", "19", "20"), "dev"), **dict.fromkeys(("21", "22", "23", "24"), "test")}


def recognises(root: Path) -> bool:
    """Are the listed files, or the audio files in the folder or in folders `Actor_*`, named as in RAVDESS?"""
    stems = stems_listed(root)
    if stems:
        return all(CODE.fullmatch(stem) for stem in stems)
    # A few files suffice: a folder as large as a home directory must not be searched completely.
    files = (path for pattern in ("", "Actor_*/", "*/Actor_*/") for path in root.glob(f"{pattern}{WAV}"))
    return any(CODE.fullmatch(path.stem) for path in islice(files, 200)) or coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip of speech. Some downloads contain every actor twice; each clip is then read once."""
    return decoded(coded_names.scan(root, FORM))


def decoded(clips: pd.DataFrame) -> pd.DataFrame:
    """The clips with the labels that their names encode, of speech or song."""
    clips = clips.copy()
    clips["sex"] = ["male" if int(speaker) % 2 else "female" for speaker in clips["speaker"]]
    clips["language"] = LANGUAGE
    clips["transcript"] = clips["sentence"].map(SENTENCES)
    clips["emotion"] = clips["emotion"].map(EMOTIONS)
    clips["intensity"] = clips["intensity"].map({"01": "normal", "02": "strong"})
    clips["repetition"] = clips["repetition"].astype(int)
    clips["split"] = [SPLITS.get(speaker, "train") for speaker in clips["speaker"]]
    return clips
