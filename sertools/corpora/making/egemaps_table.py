"""The functionals of eGeMAPS of every clip, as a table."""

import contextlib
import math

import numpy as np
import pandas as pd

from sertools.audio import opensmile
from sertools.corpora.corpus import Corpus
from sertools.corpora.making.new import Advance
from sertools.errors import AudioError, CorpusError

LABELS = ("speaker", "sex", "age", "language", "emotion", "arousal", "dominance", "valence", "split")

AT_ONCE = 64
"""Number of clips in memory at a time."""


def table(corpus: Corpus, advance: Advance) -> pd.DataFrame:
    """One row per clip: `clip`, `file`, labels, and the 88 functionals; empty where the audio cannot be read.

    Args:
        corpus: the corpus
        advance: called with numbers of finished clips

    Raises:
        CorpusError: no clip can be read
        ModelError: openSMILE is not installed
    """
    names = list(opensmile.extractor().feature_names)
    values = np.full((len(corpus.clips), len(names)), math.nan)
    for start in range(0, len(values), AT_ONCE):
        rows, signals = [], []
        for i, clip in enumerate(corpus.clips.index[start : start + AT_ONCE], start):
            with contextlib.suppress(AudioError):
                signals.append(corpus.signal(str(clip), opensmile.RATE_HZ))
                rows.append(i)
        values[rows] = opensmile.functionals(signals)
        advance(min(AT_ONCE, len(values) - start))
    if not np.isfinite(values).any():
        raise CorpusError(f"no clip of {corpus.name} can be read, so there are no features to write")
    about = corpus.clips[["file", *(name for name in LABELS if name in corpus.clips)]].reset_index(
        names="clip"
    )
    return pd.concat([about, pd.DataFrame(values, columns=names)], axis="columns")
