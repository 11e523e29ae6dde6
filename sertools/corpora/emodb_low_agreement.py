"""EmoDB's other 281 takes: those that listeners did not recognise or found unnatural.

The same actors and sentences as `emodb`. Fewer than 80 % of 20 listeners heard the emotion that was meant,
or fewer than 60 % found it natural: a check of what a model does where people are unsure. Read from a
folder with a `metadata.csv` that has `recognition_rate`.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora import emodb, listed, stems_listed

TITLE = "EmoDB, takes with low agreement"
LICENCE = emodb.LICENCE
CITATION = emodb.CITATION
NAMES = {"emodb-low-agreement": None}
NOTES = ("emotion is what the actor was asked to express; recognition_rate says how many listeners heard it",)
EXPECTED = {"clips": 281, "speakers": 10, "female": 5, "male": 5}


def recognises(root: Path) -> bool:
    """Are these files named as in EmoDB, with takes among them that fewer than 80 % recognised?"""
    stems = stems_listed(root)
    return bool(stems) and all(map(emodb.CODE.fullmatch, stems)) and not emodb.recognises(root)


def scan(root: Path) -> pd.DataFrame:
    """One row per clip: what the file name says, and what `metadata.csv` adds; speakers as in `emodb`."""
    table = listed(root)
    assert table is not None, "recognises() has read it"
    for name, values in emodb.decoded(table["file"].tolist()).items():
        table[name] = values
    return table
