"""CASIA: the public part of the Chinese emotional corpus, 50 sentences in 6 emotions by 4 actors.

`liuchanhg/angry/201.wav`: speaker, emotion, sentence. Flat copies are named `201-angry-liuchanhg.wav`. The
whole corpus has more sentences and is sold; papers use this part.

Traps: the same 50 sentences in every emotion; the names of the folders are spelt as in the circulating copy.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "CASIA Chinese emotional corpus, the public part of 1200 clips"
LICENCE = "Institute of Automation, Chinese Academy of Sciences; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = "Institute of Automation, Chinese Academy of Sciences, CASIA Chinese emotional corpus, 2005"
LANGUAGE = "zho"
NAMES = {"casia": None}
NOTES = ("emotion is what the actor was asked to express",)
EXPECTED = {
    "clips": 1200, "speakers": 4, "female": 2, "male": 2,
    "anger": 200, "fear": 200, "happiness": 200, "neutral": 200, "sadness": 200, "surprise": 200,
}  # fmt: skip
SEXES = {"liuchanhg": "female", "wangzhe": "male", "zhaoquanyin": "female", "zhaozuoxiang": "male"}
_SPEAKER = "(?P<speaker>(?i:liuchanhg|wangzhe|zhaoquanyin|zhaozuoxiang))"
_EMOTION = "(?P<emotion>angry|fear|happy|neutral|sad|surprise)"
FORM = rf"{_SPEAKER}/{_EMOTION}/(?P<sentence>\d+)"
FLAT = rf"(?P<sentence>\d+)-{_EMOTION}-{_SPEAKER}"


def recognises(root: Path) -> bool:
    """Are the folders or the audio files named as in CASIA?"""
    return any(coded_names.recognised(root, form) for form in (FORM, FLAT))


def scan(root: Path) -> pd.DataFrame:
    """One row per clip."""
    clips = coded_names.scan(root, FLAT if coded_names.recognised(root, FLAT) else FORM)
    clips["speaker"] = clips["speaker"].str.lower()
    clips["sex"] = clips["speaker"].map(SEXES)
    clips["sentence"] = clips["sentence"].radd("s")
    return clips
