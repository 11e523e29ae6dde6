"""The output location of new corpora, which overwrites nothing, and their rows."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sertools.corpora.corpus import Corpus
from sertools.errors import CorpusError

Advance = Callable[[int], None]
"""Called with the number of finished clips."""


def check_new_folder(folder: Path) -> None:
    """Checks that a folder does not exist, or is empty.

    Raises:
        CorpusError: there is something in it, or a file of this name
    """
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        what = "is not empty" if folder.is_dir() else "is a file"
        raise CorpusError(f"{folder} {what}, and nothing is overwritten", hint="name a new folder with --out")


def check_new_file(path: Path) -> None:
    """Checks that a file does not exist.

    Raises:
        CorpusError: it does
    """
    if os.path.lexists(path):
        raise CorpusError(f"{path} exists, and nothing is overwritten", hint="name a new file with --out")


def file_name(number: int, clip: str, suffix: str) -> str:
    """A file name for a clip: its number and the readable part of its id.

    >>> file_name(7, "wav/03a01Wa.wav#0-1.5", ".wav")
    '00007-03a01Wa_wav_0-1_5.wav'
    """
    last = clip.replace("\\\\", "/").rpartition("/")[2]
    readable = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "_" for c in last)
    return f"{number:05d}-{readable[:60].strip('_')}{suffix}"


def rows_of(corpus: Corpus) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each clip of a corpus with its columns."""
    for clip, row in zip(corpus.clips.index, corpus.clips.to_dict("records"), strict=True):
        yield str(clip), {str(column): value for column, value in row.items()}
