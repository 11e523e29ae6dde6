"""Writes the audio of a corpus at another sampling rate: one mono file for each clip."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sertools.audio.files import write_audio
from sertools.corpora.corpus import Corpus, write_corpus
from sertools.corpora.making.new import Advance, check_new_folder, file_name, rows_of
from sertools.corpora.values import counted, some
from sertools.errors import AudioError, CorpusError
from sertools.files import atomic_folder

AUDIO = "audio"
"""Folder of the new files."""

LOWEST, HIGHEST = 1000, 384_000


def resample(corpus: Corpus, rate: int, folder: Path, advance: Advance = lambda n: None) -> Corpus:
    """Writes every clip as a file of its own at this rate, and a corpus of these files with the same ids.

    Samples are 24-bit FLAC, or WAV with floats for a clip that is louder than full scale. The column
    `original_file` keeps the file that a clip is from. The folder appears only when it is complete.

    Args:
        corpus: the corpus
        rate: samples per second
        folder: a new folder
        advance: called after each clip

    Returns:
        the new corpus

    Raises:
        CorpusError: the folder is not empty or cannot be written, the rate is not usable, or no clip can be
            read
    """
    if not LOWEST <= rate <= HIGHEST:
        raise CorpusError(f"--rate {rate}: a sampling rate is between {LOWEST} and {HIGHEST} Hz")
    check_new_folder(folder)
    rows: list[dict[str, Any]] = []
    broken: list[str] = []
    with atomic_folder(folder, error=CorpusError) as part:
        (part / AUDIO).mkdir()
        for number, (clip, row) in enumerate(rows_of(corpus)):
            advance(1)
            try:
                signal = corpus.signal(clip, rate)
            except AudioError:
                broken.append(clip)
                continue
            loud = float(np.max(np.abs(signal))) > 1
            file = f"{AUDIO}/{file_name(number, clip, '.wav' if loud else '.flac')}"
            write_audio(part / file, signal, rate)
            place = {"file": file, "start": np.nan, "end": np.nan, "original_file": row["file"]}
            rows.append({"clip": clip, **row, **place})
        if not rows:
            raise CorpusError(f"no clip of {corpus.name} can be read, so none is written")
        made = _corpus(corpus, rows, broken, rate, part)
        write_corpus(made, part)
    return replace(made, root=folder)


def _corpus(corpus: Corpus, rows: list[dict[str, Any]], broken: list[str], rate: int, root: Path) -> Corpus:
    clips = pd.DataFrame(rows).set_index("clip").drop(columns="channel", errors="ignore")
    notes = [*corpus.notes, f"the audio is resampled to {rate} Hz, mono"]
    if broken:
        notes.append(f"{counted(len(broken), 'clip')} that cannot be read left out: {some(broken)}")
    return replace(corpus, clips=clips, root=root, notes=tuple(notes))
