"""nEMO: Polish sentences in 6 emotions by 9 actors.

`samples/SK7_anger_12.wav` (speaker, emotion, sentence) and `data.tsv` with transcript, sex and age. The exact
form of the ids is not in the public description; any speaker id of letters and digits is taken.

Traps: nine actors are few for intervals over speakers; 90 sentences by nine actors in six emotions would be
4860 clips, so that some combinations are missing.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.manifest import read_table
from sertools.corpora.layouts.published import coded_names
from sertools.errors import CorpusError

TITLE = "nEMO, emotional speech in Polish"
LICENCE = "CC BY-NC-SA 4.0: non-commercial, share alike"
CITATION = "Christop, nEMO: dataset of emotional speech in Polish, LREC-COLING 2024"
LANGUAGE = "pol"
NAMES = {"nemo": None}
NOTES = ("emotion is what the actor was asked to express",)
EXPECTED = {"clips": 4481, "speakers": 9}
FORM = (
    r"(?P<speaker>[A-Z]+\d+)_(?P<emotion>anger|fear|happiness|neutral|sadness|surprised?)_(?P<sentence>\w+)"
)
COLUMNS = {"raw_text": "transcript", "gender": "sex", "age": "age"}


def recognises(root: Path) -> bool:
    """Are the audio files named as in nEMO?"""
    return coded_names.recognised(root, FORM)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip; transcript, sex and age from `data.tsv`, if that is there."""
    clips = coded_names.scan(root, FORM)
    try:
        table = read_table(root / "data.tsv")
    except CorpusError:
        return clips
    if "file_id" not in table:
        raise CorpusError(f"data.tsv has no column 'file_id'; it has {', '.join(table.columns)}")
    table = table.set_index(table["file_id"].map(lambda name: Path(name).stem))
    table = table[~table.index.duplicated()]
    names = clips["file"].map(lambda file: Path(file).stem)
    for theirs, ours in COLUMNS.items():
        if theirs in table:
            clips[ours] = names.map(table[theirs])
    return clips
