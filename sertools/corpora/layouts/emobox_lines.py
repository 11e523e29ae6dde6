"""Reads EmoBox's JSON lines: `key, dataset, wav, type, sample_rate, length, task, emo, channel`.

Paths start with `downloads/`, in the folder of the repository, which is searched for upwards from the file.
Labels are merged as `label_map.json` beside the lines, or in the folder above, says. `channel` is not read:
EmoBox counts channels with it, and joins them.
"""

from pathlib import Path

import pandas as pd

from sertools.corpora.seen.names import from_names
from sertools.errors import CorpusError
from sertools.files import read_json
from sertools.wording import plural

COLUMNS = ("key", "wav", "emo")
NAMES = {"key": "clip", "wav": "file", "emo": "emotion", "start_time": "start", "end_time": "end"}
MAP = "label_map.json"


def is_emobox(table: pd.DataFrame) -> bool:
    """Does a table have the columns of EmoBox?"""
    return set(COLUMNS) <= set(map(str, table.columns)) and "file" not in table


def read_emobox(table: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, Path, list[str]]:
    """The rows with sertools' names, the folder that their paths start from, and notes.

    Raises:
        CorpusError: the map of labels cannot be read, or lacks a label
    """
    told = table.rename(columns={k: v for k, v in NAMES.items() if k in table}).drop(
        columns="channel", errors="ignore"
    )
    notes = ["JSON lines of EmoBox: key is clip, wav is file, emo is emotion"]
    maps = [folder / MAP for folder in (path.parent, path.parent.parent) if (folder / MAP).is_file()]
    if maps:
        labels = read_json(maps[0], error=CorpusError, what="the map of labels")
        unknown = sorted(set(told["emotion"]) - set(labels))
        if unknown:
            raise CorpusError(f"{maps[0]} has no label {unknown[0]!r}, which {path.name} has")
        new = told["emotion"].map(labels)
        merged = int((new != told["emotion"]).sum())
        told["emotion"] = new
        notes += [f"{plural(merged, 'label is', 'labels are')} renamed by {MAP}"] if merged else []
    named, sentences = from_names(told)
    told = told.join(named[[c for c in named if c not in told]])
    notes += sentences
    first = str(told["file"].iloc[0])
    parents = [parent for parent in path.resolve().parents if (parent / first).exists()]
    return told, parents[0] if parents else path.parent, notes
