"""AESDD: about 20 Greek sentences in 5 emotions by 5 actors, later more.

`anger/a01 (1).wav`: emotion (a anger, d disgust, f fear, h happiness, s sadness), number of the sentence,
number of the speaker in brackets, sometimes a letter for a further take.

Traps: one file, `s05 (3)`, cannot be decoded in the copies that others read, so they count 604 clips; the sex
of the speakers is in no public text that was found, so it is not given.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "Acted Emotional Speech Dynamic Database (AESDD)"
LICENCE = "free for research; no licence text was found"
RECORDINGS = "their licence is not known"
CITATION = "Vryzas et al., Speech emotion recognition for performance interaction, JAES 66(6), 2018"
LANGUAGE = "ell"
NAMES = {"aesdd": None}
NOTES = ("emotion is what the actor was asked to express",)
FORM = r"(?P<emotion>[adfhs])(?P<sentence>\d\d) ?\((?P<speaker>\d+)\) ?(?P<take>[a-z]?)"
EMOTIONS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
CLIPS = (604, 605)
"""Papers count 604 clips, with the one that cannot be decoded 605."""


def recognises(root: Path) -> bool:
    """Are the audio files named as in AESDD?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    clips = coded_names.scan(root, FORM)
    clips["emotion"] = clips["emotion"].map(EMOTIONS)
    clips["speaker"] = clips["speaker"].astype(int).astype(str)
    clips["sentence"] = clips["sentence"].radd("s")
    return clips


def expected(clips: pd.DataFrame) -> list[str]:
    """Does the number of clips match the published ones?"""
    found = len(clips)
    return [f"{found} clips, as published" if found in CLIPS else f"expected 604 or 605 clips, found {found}"]
