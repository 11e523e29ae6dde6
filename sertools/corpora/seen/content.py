"""Hashes of the content of clips, which identify a recording under another name or in another format."""

import hashlib
import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from sertools.audio.files import MAX_MINUTES, is_silent, read_audio, sampling_rate
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError

HASH_BYTES = 8
"""Of 64 bits: among a million clips, two different ones have the same hash once in 37 million corpora."""

Place = tuple[Path, float, float, float]
"""File, first and last second (nan for the ends of the file), and channel (nan for the mean of all)."""


def clip_hash(place: Place, max_minutes: float = MAX_MINUTES) -> str:
    """Hash of the samples of a clip at its own sampling rate, rounded to 16 bits, 16 hex digits.

    It is the same in every lossless format. Empty if the clip cannot be read, and for digital silence, which
    is not the recording of anything.
    """
    path, *part = place
    try:
        signal = read_audio(path, sampling_rate(path), *part, max_minutes=max_minutes)
    except (AudioError, OSError, ValueError):
        return ""
    if is_silent(signal):
        return ""
    rounded = np.round(signal.astype(np.float64) * 32768).astype("<i4")
    return hashlib.blake2b(rounded.tobytes(), digest_size=HASH_BYTES).hexdigest()


def hashes(places: Iterable[Place], max_minutes: float = MAX_MINUTES) -> list[str]:
    """The hash of each clip; see `clip_hash`."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda place: clip_hash(place, max_minutes), places))


def places(corpus: Corpus) -> list[Place]:
    """Where each clip of a corpus is."""
    table = corpus.clips
    return [
        (corpus.path(str(clip)), start, end, corpus.channel(str(clip)))
        for clip, start, end in zip(table.index, table["start"], table["end"], strict=True)
    ]


def spots(found: Iterable[Place]) -> list[str]:
    """Each place as text, with an absolute path; equal for the same part of the same file.

    >>> spots([(Path("/a/../b.wav"), float("nan"), 2.0, float("nan"))])
    ['/b.wav #  2.0 ']
    """
    return [
        " ".join([f"{Path(path).absolute().resolve()} #", *("" if math.isnan(x) else f"{x!r}" for x in part)])
        for path, *part in found
    ]


def corpus_hashes(corpus: Corpus) -> pd.Series:
    """The hash of each clip of a corpus, indexed by clip; see `clip_hash`."""
    return pd.Series(hashes(places(corpus), corpus.max_minutes), index=corpus.clips.index, dtype=object)
