"""Reads a folder of recordings that has neither a table nor labels."""

from pathlib import Path

import pandas as pd

from sertools.corpora.layouts.class_folders import SUFFIXES
from sertools.corpora.layouts.manifest import MANIFESTS
from sertools.errors import CorpusError, foreign

NOTES = ("the folder has recordings and no labels, so only audits that need none can measure something",)


def read_recordings(root: Path) -> pd.DataFrame | None:
    """One row per audio file in the folder itself; None if there is none, or a table that may name labels.

    Raises:
        CorpusError: the folder cannot be read
    """
    with foreign(f"cannot read {root}", CorpusError):
        paths = [path for path in root.iterdir() if path.is_file()]
    if any(path.suffix.lower() in MANIFESTS for path in paths):
        return None
    sounds = [path for path in paths if path.suffix.lower() in SUFFIXES]
    return pd.DataFrame({"file": sorted(path.name for path in sounds)}) if sounds else None
