"""MELD: utterances of the TV series Friends in 7 emotions, in dialogues of several speakers.

`train_sent_emo.csv`, `dev_sent_emo.csv`, `test_sent_emo.csv`, and videos `train_splits/dia0_utt0.mp4`,
`dev_splits_complete/`, `output_repeated_splits_test/` (in some copies below `train/` and `test/`). A sound
file of the same name next to the video is read instead of it. Flat copies are named `train_dia0_utt0.wav`.

Traps: the splits share the main speakers; dia125_utt3 of train cannot be decoded and dia110_utt7 of dev is
missing; apostrophes and dashes of the transcripts are control characters, and are mended here; cut points are
off in places, and the audience laughs. Utterance ids count within a dialogue and dialogues within a split, so
`dia0_utt0` names three clips.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.layouts.published.found_files import first_folder, first_of, sound
from sertools.errors import CorpusError

TITLE = "Multimodal EmotionLines Dataset (MELD)"
LICENCE = "GPL-3.0 for the labels; the recordings belong to the owners of the series"
RECORDINGS = "belong to the owners of a television series"
CITATION = (
    "Poria et al., MELD: a multimodal multi-party dataset for emotion recognition in conversations, ACL 2019"
)
LANGUAGE = "eng"
NAMES = {"meld": None}
NOTES = (
    "labels were given to video, sound and words together",
    "train, dev and test share the main speakers: see sertools leakage",
)
SPLITS = ("train", "dev", "test")
FOLDERS = {
    "train": ("train_splits", "train/train_splits", "train"),
    "dev": ("dev_splits_complete", "dev/dev_splits_complete", "dev"),
    "test": ("output_repeated_splits_test", "test/output_repeated_splits_test", "test"),
}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
PUNCTUATION = {0x85: "…", 0x91: "‘", 0x92: "’", 0x93: "“", 0x94: "”", 0x96: "–", 0x97: "—"}
"""Control characters of the released tables → what they are in Windows' encoding."""
SIZES = {"train": 9989, "dev": 1109, "test": 2610}


def recognises(root: Path) -> bool:
    """Does the folder contain MELD's tables?"""
    return all(_table(root, split) is not None for split in SPLITS)


def scan(root: Path) -> pd.DataFrame:
    """One row per utterance; speakers are the characters of the series."""
    return pd.concat([_split(root, split) for split in SPLITS], ignore_index=True)


def expected(clips: pd.DataFrame) -> list[str]:
    """Do the splits have the published sizes?"""
    counts = {split: int((clips["split"] == split).sum()) for split in SIZES}
    if counts == SIZES:
        return ["13708 utterances, the splits as published"]
    return [f"expected {n} utterances in {s}, found {counts[s]}" for s, n in SIZES.items() if n != counts[s]]


def _table(root: Path, split: str) -> Path | None:
    name = f"{split}_sent_emo.csv"
    return first_of(root, (name, f"{split}/{name}", f"{split}_splits/{name}"))


def _split(root: Path, split: str) -> pd.DataFrame:
    path = _table(root, split)
    assert path is not None, "recognises() has found it"
    theirs = read_table(path)
    absent = [name for name in COLUMNS if name not in theirs]
    if absent:
        raise CorpusError(f"{path.name} has no column {absent[0]!r}; it has {', '.join(theirs.columns)}")
    names = "dia" + theirs["Dialogue_ID"] + "_utt" + theirs["Utterance_ID"]
    folder = first_folder(root, FOLDERS[split])
    flat = not (root / folder).is_dir()
    clips = pd.DataFrame({"clip": f"{split}_" + names})
    clips["file"] = [sound(root, f"{split}_{name}" if flat else f"{folder}/{name}") for name in names]
    clips["speaker"] = theirs["Speaker"].str.strip()
    clips["transcript"] = theirs["Utterance"].str.translate(PUNCTUATION)
    clips["emotion"] = theirs["Emotion"]
    clips["sentiment"] = theirs["Sentiment"]
    clips["dialog"] = f"{split}_" + theirs["Dialogue_ID"]
    clips["split"] = split
    return clips
