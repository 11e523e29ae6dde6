"""EmoDB 2: all 816 takes of the Berlin Database of Emotional Speech, also those of low agreement.

`db.yaml` with tables (audformat) and `wav/03a01Wa.wav`, named as in the first release. The table `emotion`
has the confidence of the labels where the listeners were asked.

Traps: 535 of the takes are `emodb`: a model that was trained on one knows the other. The tables' own splits
were not seen; the split here is that of `emodb`.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.audformat_folder import read_audformat
from sertools.corpora.layouts.published import coded_names
from sertools.corpora.registered import emodb

TITLE = "Berlin Database of Emotional Speech (EmoDB), release 2"
LICENCE = "CC0 1.0, as published by audEERING"
CITATION = emodb.CITATION
LANGUAGE = "deu"
NAMES = {"emodb-2": None}
NOTES = ("emotion is what the actor was asked to express, also in takes that few listeners recognised",)
EXPECTED = {"clips": 816, "speakers": 10, "female": 5, "male": 5}
CONFIDENCE = "emotion.confidence"


def recognises(root: Path) -> bool:
    """Does the folder have tables of audformat, and more files named as in EmoDB than release 1 has?"""
    if not (root / "db.yaml").is_file() or not coded_names.recognised(root / "wav", emodb.FORM):
        return False
    return len(coded_names.scan(root / "wav", emodb.FORM)) > emodb.EXPECTED["clips"]


def scan(root: Path) -> pd.DataFrame:
    """One row per take: the labels in its name, and the confidence that the tables state."""
    clips = emodb.scan(root)
    table = read_audformat(root).table
    if CONFIDENCE in table:
        told = table.drop_duplicates("file").set_index("file")[CONFIDENCE]
        clips["recognition_rate"] = clips["file"].map(told)
    return clips
