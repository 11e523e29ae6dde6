"""ESD: 350 sentences in 5 emotions by 10 speakers of Mandarin and 10 of English.

`0001/Angry/0001_000351.wav`, with folders `train`, `evaluation`, `test` below the emotion in older copies;
`0001/0001.txt` has id, sentence and emotion. Speakers 0001 to 0010 speak Mandarin, the others English. The
number tells the emotion and the sentence: 350 in a row for each of neutral, angry, happy, sad, surprise.

Traps: the folders `train`, `evaluation`, `test` share all speakers (they are for voice conversion); the texts
are in several encodings; every sentence is said in every emotion, in parallel, in one language each.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names

TITLE = "Emotional Speech Database (ESD)"
LICENCE = "research only, on a signed licence; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = (
    "Zhou et al., Emotional voice conversion: theory, databases and ESD, Speech Communication 137, 2022"
)
NAMES = {"esd": None}
NOTES = (
    "emotion is what the speaker was asked to express",
    "the folders train, evaluation and test of the release share all speakers and are not read as splits",
)
EXPECTED = {
    "clips": 35000, "speakers": 20, "female": 10, "male": 10,
    "neutral": 7000, "anger": 7000, "happiness": 7000, "sadness": 7000, "surprise": 7000,
}  # fmt: skip
FORM = r"(?P<speaker>00(?:0[1-9]|1\d|20))_(?P<number>00[01]\d\d\d)"
EMOTIONS = ("neutral", "anger", "happiness", "sadness", "surprise")
PER_EMOTION = 350
MALE = ("0004", "0005", "0006", "0008", "0010", "0011", "0012", "0013", "0014", "0020")
"""As other readers of the corpus have it; the other ten are women."""
ENCODINGS = ("utf-8-sig", "gb18030", "latin-1")


def recognises(root: Path) -> bool:
    """Are the audio files named as in ESD?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip; emotion and sentence from the number, the transcript from the speaker's text."""
    clips = coded_names.scan(root, FORM)
    order = clips["number"].astype(int) - 1
    clips["emotion"] = [EMOTIONS[at] if at < len(EMOTIONS) else None for at in order // PER_EMOTION]
    clips["language"] = clips["speaker"].le("0010").map({True: "zho", False: "eng"})
    clips["sentence"] = clips["language"] + (order % PER_EMOTION + 1).astype(str)
    clips["sex"] = clips["speaker"].isin(MALE).map({True: "male", False: "female"})
    words: dict[str, str] = {}
    for speaker, file in clips.drop_duplicates("speaker")[["speaker", "file"]].itertuples(index=False):
        words |= _words(root, speaker, (root / file).parents)
    names = clips["speaker"] + "_" + clips["number"]
    clips["transcript"] = names.map(words)
    return clips.drop(columns="number")


def _words(root: Path, speaker: str, parents: Sequence[Path]) -> dict[str, str]:
    """Id → sentence; empty if the text of the speaker is in none of the folders above a clip."""
    inside = [folder for folder in parents if folder.is_relative_to(root)]
    path = next((p for folder in inside if (p := folder / f"{speaker}.txt").is_file()), None)
    if path is None:
        return {}
    content = path.read_bytes()
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ENCODINGS
    for encoding in encodings:
        try:
            lines = content.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
        cells = [line.split("\t") for line in lines]
        return {cell[0].strip(): cell[1].strip() for cell in cells if len(cell) == 3}
    return {}
