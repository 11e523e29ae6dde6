"""BIIC-NNIME: acted dialogues in Mandarin by 43 actors in 22 pairs, rated by observers.

`angry_01_A_002.wav`: the scene's intended emotion, pair, speaker A or B of the pair, number of the turn. The
labels are read from EMO-SUPERB's tables (`Secondary/labels_consensus_1.csv`: one column for each of 11
emotions, valence and arousal on 1 … 5, `Gender`), where they lie beside the sound; the form of the released
labels is in no public text that was found, so without such a table only the names are read.

Traps: the name tells the emotion of the scene, not of the turn: it is given as `scene`, and `emotion` is the
raters' choice (no agreement on ties). The raters chose between happy and joy; both stay as they are (`joy` is
named `joyousness`, since joy means happiness elsewhere). A pair talks to each other and belongs on one side
of a split.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.published import coded_names
from sertools.corpora.layouts.published.emo_superb_labels import consensus, soft_labels

TITLE = "BIIC-NNIME, the NTHU-NTUA Chinese Interactive Multimodal Emotion Corpus"
LICENCE = "academic licence of the National Tsing Hua University; not to be redistributed"
RECORDINGS = "must not be passed on"
CITATION = "Chou et al., NNIME: the NTHU-NTUA Chinese interactive multimodal emotion corpus, ACII 2017"
LANGUAGE = "zho"
NAMES = {"biic-nnime": None}
FOLDERS = ("NNIME",)
NOTES = ("scene is the intended emotion of the whole scene",)
RENAMED = {"joy": "joyousness"}
DIMENSIONS = {"arousal": "EmoAct", "valence": "EmoVal"}
SCALE = dict.fromkeys(DIMENSIONS, (1.0, 5.0))
CLIPS = 5028
"""EMO-SUPERB's tables; the corpus has 5596 turns before those with few or no named emotions are left out."""
FORM = (
    r"(?P<scene>angry|frustration|happy|neutral|sad|surprise)_(?P<session>\d\d)_(?P<letter>[AB])_"
    r"(?P<turn>\d+)"
)


def recognises(root: Path) -> bool:
    """Are the audio files named as in BIIC-NNIME?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per turn, the emotion from EMO-SUPERB's table if one is there."""
    clips = coded_names.scan(root, FORM)
    clips["speaker"] = clips["session"] + clips["letter"]
    clips["dialog"] = clips["scene"] + "_" + clips["session"]
    table = soft_labels(root)
    if table is not None:
        names = clips["file"].map(lambda file: Path(file).stem)
        clips["emotion"] = names.map(consensus(table.rename(columns=RENAMED)))
        sexes = table["Gender"].str.strip() if "Gender" in table else pd.Series(dtype=object)
        clips["sex"] = names.map(sexes)
        for ours, theirs in DIMENSIONS.items():
            if theirs in table:
                clips[ours] = names.map(pd.to_numeric(table[theirs], errors="coerce"))
    return clips.drop(columns=["letter", "turn"])


def expected(clips: pd.DataFrame) -> list[str]:
    """Is the number of rated turns that of EMO-SUPERB's tables?"""
    rated = int(clips["emotion"].notna().sum()) if "emotion" in clips else 0
    return [f"{len(clips)} turns, {rated} with an agreed emotion; EMO-SUPERB's tables have {CLIPS} turns"]
