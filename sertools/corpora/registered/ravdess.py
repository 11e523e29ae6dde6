"""RAVDESS speech: 2 English sentences in 8 emotions and 2 intensities, 24 Canadian actors.

File names encode all labels: `03-01-06-01-02-01-12` = audio only, speech, fearful, normal intensity, second
statement, first repetition, actor 12; even-numbered actors are women. Song and video files are ignored. Two
layouts: folders `Actor_01` … `Actor_24`, at any depth, and a folder with a `metadata.csv`.
"""

import re
from itertools import islice
from pathlib import Path

import pandas as pd

from sertools.corpora.registry import listed, stems_listed

TITLE = "Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), speech"
LICENCE = "CC BY-NC-SA 4.0: non-commercial, share alike"
CITATION = (
    "Livingstone & Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 2018"
)
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
EMOTIONS = {
    "01": "neutral", "02": "calm", "03": "happiness", "04": "sadness", "05": "anger", "06": "fear",
    "07": "disgust", "08": "surprise",
}  # fmt: skip
WAV = "*.[wW][aA][vV]"
SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
SPLITS = {**dict.fromkeys(("16", "17", "19", "20"), "dev"), **dict.fromkeys(("21", "22", "23", "24"), "test")}


def recognises(root: Path) -> bool:
    """Are the listed files, or the files in folders `Actor_*`, named as in RAVDESS?"""
    stems = stems_listed(root)
    if stems:
        return all(CODE.fullmatch(stem) for stem in stems)
    # A few files suffice: a folder as large as a home directory must not be searched completely.
    files = (path for pattern in ("", "*/") for path in root.glob(f"{pattern}Actor_*/{WAV}"))
    return any(CODE.fullmatch(path.stem) for path in islice(files, 200))


def scan(root: Path) -> pd.DataFrame:
    """One row per clip of speech. Some downloads contain every actor twice; each clip is then read once."""
    table = listed(root)
    if table is None:
        nearest: dict[str, Path] = {}
        for path in sorted(root.glob(f"**/Actor_*/{WAV}"), key=lambda p: (len(p.parts), p)):
            if CODE.fullmatch(path.stem):
                nearest.setdefault(path.stem, path)
        files = sorted(path.relative_to(root).as_posix() for path in nearest.values())
        table = pd.DataFrame({"file": files})
    codes = [match.groupdict() for file in table["file"] if (match := CODE.fullmatch(Path(file).stem))]
    table["speaker"] = [code["speaker"] for code in codes]
    table["sex"] = ["male" if int(code["speaker"]) % 2 else "female" for code in codes]
    table["language"] = "eng"
    table["transcript"] = [SENTENCES[code["sentence"]] for code in codes]
    table["sentence"] = [code["sentence"] for code in codes]
    table["emotion"] = [EMOTIONS[code["emotion"]] for code in codes]
    table["intensity"] = ["strong" if code["intensity"] == "02" else "normal" for code in codes]
    table["repetition"] = [int(code["repetition"]) for code in codes]
    table["split"] = [SPLITS.get(code["speaker"], "train") for code in codes]
    return table
