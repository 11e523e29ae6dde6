"""Measurements of the audio of a corpus; each clip is decoded once."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from sertools.audio.files import is_silent, sampling_rate, unusual
from sertools.audio.recording import Recording, level_db, recording, snr_db
from sertools.corpora.corpus import Corpus
from sertools.errors import AudioError
from sertools.features.fingerprint import RATE, Prints

NUMBERS = ("duration_s", "level_db", "snr_db", "bandwidth_hz", "silence")
"""Measured numbers of a clip, for tables, figures and confounds."""

FEW = 200
"""Number of files whose presence shows whether there is sound at all."""

MOST_THREADS = 4

Advance = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The measurements of the clips that can be read.

    Attributes:
        table: index `clip`; `NUMBERS`, rate, channels, silent, audio_hash, audio_print; nan where a clip
            cannot be read
        recordings: clip → how it was recorded, of those that can be read
        broken: clip → why it cannot be read
        unusual: sentence on the file → clips
    """

    table: pd.DataFrame
    recordings: dict[str, Recording]
    broken: dict[str, str]
    unusual: dict[str, list[str]]


def has_sound(corpus: Corpus) -> bool:
    """Whether any of the first files exists."""
    return any(corpus.path(clip).is_file() for clip in corpus.clips.index[:FEW])


def measured(corpus: Corpus, advance: Advance) -> Sound:
    """Decodes every clip and measures it.

    Args:
        corpus: the corpus
        advance: called after each clip with the number of clips
    """
    rows: dict[str, dict[str, object]] = {}
    recordings: dict[str, Recording] = {}
    broken: dict[str, str] = {}
    odd: dict[str, list[str]] = {}
    clips = list(map(str, corpus.clips.index))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
        for clip, found in zip(clips, pool.map(partial(_clip, corpus), clips), strict=True):
            advance(1)
            if isinstance(found, str):
                broken[clip] = found
                continue
            recordings[clip], rows[clip], note = found
            if note:
                odd.setdefault(note, []).append(clip)
    columns = [*NUMBERS, "rate", "channels", "silent", "audio_hash", "audio_print"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).reindex(corpus.clips.index)
    return Sound(table=table, recordings=recordings, broken=broken, unusual=odd)


def _clip(corpus: Corpus, clip: str) -> tuple[Recording, dict[str, object], str] | str:
    """How a clip was recorded, what was measured, what is odd about its file; or why it cannot be read."""
    try:
        path = corpus.path(clip)
        rate = sampling_rate(path)
        signal = corpus.signal(clip, rate)
        found = recording(path, signal, rate)
        prints = Prints()
        words = prints.predict([signal if rate == RATE else corpus.signal(clip, RATE)]).scores
        note = unusual(path)
    except AudioError as error:
        return error.message
    samples = signal.astype(np.float64)
    row: dict[str, object] = {
        "duration_s": len(signal) / rate,
        "level_db": level_db(samples),
        "snr_db": snr_db(samples, rate),
        "bandwidth_hz": found.bandwidth_hz,
        "silence": found.silence,
        "rate": found.rate,
        "channels": found.channels,
        "silent": is_silent(signal),
        "audio_hash": hashlib.blake2b(samples.tobytes(), digest_size=9).hexdigest(),
        "audio_print": prints.columns(pd.DataFrame(words, index=[clip]))["audio_print"].iloc[0],
    }
    return found, row, note
