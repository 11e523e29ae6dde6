"""ShEMO: 3000 clips of Persian radio plays in 6 emotions by 87 speakers, labelled by 12 raters.

`male/M01A01.wav`: sex and number of the speaker, emotion (A anger, F fear, H happiness, N neutral, S sadness,
W surprise), number of the clip. `shemo.json`, where it is there, has the transcript.

Traps: fear has 38 clips; papers leave it out, or keep 2838 or 2737 clips, in several ways.
"""

import json
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "Sharif Emotional Speech Database (ShEMO)"
LICENCE = "free for research; no licence text was found"
RECORDINGS = "their licence is not known"
CITATION = (
    "Mohamad Nezami et al., ShEMO: a large-scale validated database for Persian speech emotion detection, "
    "Language Resources and Evaluation 53(1), 2019"
)
LANGUAGE = "fas"
NAMES = {"shemo": None}
NOTES = ("fear has 38 clips, too few to judge a model on; most papers leave it out",)
EXPECTED = {
    "clips": 3000, "speakers": 87, "female": 31, "male": 56,
    "anger": 1059, "neutral": 1028, "sadness": 449, "surprise": 225, "happiness": 201, "fear": 38,
}  # fmt: skip
FORM = r"(?P<sex>[FM])(?P<number>\d\d)(?P<emotion>[AFHNSW])(?P<utterance>\d\d)"
EMOTIONS = {
    "A": "anger", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "W": "surprise",
}  # fmt: skip


def recognises(root: Path) -> bool:
    """Are the audio files named as in ShEMO?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip, the transcript from `shemo.json` if that is there."""
    clips = coded_names.scan(root, FORM)
    clips["speaker"] = clips["sex"] + clips["number"]
    clips["emotion"] = clips["emotion"].map(EMOTIONS)
    words = _words(root / "shemo.json")
    if words:
        clips["transcript"] = [words.get(Path(file).stem) for file in clips["file"]]
    return clips.drop(columns=["number", "utterance"])


def _words(path: Path) -> dict[str, str]:
    """Name of the clip → transcript; empty if there is no such file, or none that can be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: str(facts["transcript"]) for name, facts in told.items()
            if isinstance(facts, dict) and facts.get("transcript")}  # fmt: skip
