"""Metadata in the file names of well-known corpora: speaker, sentence, session and dialogue."""

import re
from pathlib import PurePosixPath

import pandas as pd

NAMES = {
    "IEMOCAP": re.compile(
        r"(?P<dialog>Ses(?P<session>0[1-5])[FM]_(?:impro|script)\d\d(?:_\d\w*)?)_(?P<sex>[FM])\w{3}"
    ),
    "CREMA-D": re.compile(r"(?P<speaker>1\d{3})_(?P<sentence>[A-Z]{3})_[A-Z]{3}_(?:LO|MD|HI|XX|X)"),
    "RAVDESS": re.compile(r"0[1-3]-0[12]-0\d-0[12]-(?P<sentence>0[12])-0[12]-(?P<speaker>\d\d)"),
    "EmoDB": re.compile(r"(?P<speaker>\d\d)(?P<sentence>[ab]\d\d)[A-Z][a-z]"),
    "MSP-IMPROV": re.compile(
        r"MSP-IMPROV-(?P<sentence>S\d\d[AHNS])-(?P<speaker>[FM](?P<session>\d\d))-[PRST]-[FM][FM]\d\d"
    ),
}
"""Corpus → its file names, without folder and suffix; groups are columns."""

ENOUGH = 0.95
"""Share of the names that must have the form of a corpus."""


def from_names(clips: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Columns that the file names encode and the table lacks, and a sentence on them.

    Args:
        clips: with the column `file`

    Returns:
        the new columns, with the index of `clips`; none if the names have no known form

    >>> clips = pd.DataFrame({"file": ["x/03a01Fa.wav"], "speaker": ["3"]})
    >>> from_names(clips)[0].to_dict("list")
    {'sentence': ['a01']}
    """
    stems = [PurePosixPath(file).stem for file in clips["file"]]
    for corpus, form in NAMES.items():
        found = [form.fullmatch(stem) for stem in stems]
        if sum(match is not None for match in found) < max(ENOUGH * len(stems), 1):
            continue
        told = pd.DataFrame(
            [match.groupdict() if match else {} for match in found], index=clips.index, dtype=object
        )
        if "speaker" not in told:
            told["speaker"] = told["session"] + told["sex"]
        told = told.drop(columns=[c for c in told if c == "sex" or _has(clips, str(c))])
        if told.empty or not len(told.columns):
            break
        columns = ", ".join(map(str, told.columns))
        return told, [f"{columns}: from the file names, which have the form of {corpus}"]
    return pd.DataFrame(index=clips.index), []


def _has(clips: pd.DataFrame, column: str) -> bool:
    """Whether a table tells this, a sentence also by its words."""
    names = ("sentence", "transcript") if column == "sentence" else (column,)
    return any(name in clips and bool(clips[name].notna().any()) for name in names)
