"""EmoDB's other 281 takes: those that listeners did not recognise or found unnatural.

The same actors and sentences as `emodb`. Fewer than 80 % of 20 listeners recognised the intended emotion,
or fewer than 60 % found the take natural: this shows how a model behaves where people are unsure. Read from
a folder with a `metadata.csv` that has `recognition_rate`.

Traps: `emotion` is what the actor was asked to express, which listeners often did not hear, so a low score is
no fault of a model; the speakers and sentences are those of `emodb`.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.registered import emodb
from sertools.corpora.registry import listed, stems_listed

TITLE = "EmoDB, takes with low agreement"
LICENCE = emodb.LICENCE
CITATION = emodb.CITATION
LANGUAGE = "deu"
TRIED = "real release, as FLAC with a table"
NAMES = {"emodb-low-agreement": None}
NOTES = (
    "emotion is what the actor was asked to express; recognition_rate is the share of listeners who did so",
)
EXPECTED = {"clips": 281, "speakers": 10, "female": 5, "male": 5}


def recognises(root: Path) -> bool:
    """Are the files named as in EmoDB, with takes among them that fewer than 80 % of listeners recognised?"""
    stems = stems_listed(root)
    return bool(stems) and all(map(emodb.CODE.fullmatch, stems)) and not emodb.recognises(root)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: labels in the file name, columns of `metadata.csv`; speakers as in `emodb`."""
    table = listed(root)
    assert table is not None, "recognises() has read it"
    for name, values in emodb.decoded(table["file"].tolist()).items():
        table[name] = values
    return table
