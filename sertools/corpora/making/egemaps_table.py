"""The functionals of eGeMAPS of every clip, as a table."""

import math

import numpy as np
import pandas as pd

from sertools.audio import opensmile
from sertools.corpora.corpus import Corpus
from sertools.corpora.making.new import Advance
from sertools.errors import AudioError, CorpusError

LABELS = ("speaker", "sex", "age", "language", "emotion", "arousal", "dominance", "valence", "split")


def table(corpus: Corpus, advance: Advance) -> pd.DataFrame:
    """One row per clip: `clip`, `file`, labels, and the 88 functionals; empty where there is no sound.

    Args:
        corpus: the corpus
        advance: called after each clip

    Raises:
        CorpusError: no clip can be read
        ModelError: openSMILE is not installed
    """
    names = list(opensmile.extractor("Functionals").feature_names)
    values = np.full((len(corpus.clips), len(names)), math.nan)
    for i, clip in enumerate(map(str, corpus.clips.index)):
        advance(1)
        try:
            values[i] = opensmile.functionals([corpus.signal(clip, opensmile.RATE_HZ)])[0]
        except AudioError:
            continue
    if not np.isfinite(values).any():
        raise CorpusError(f"no clip of {corpus.name} can be read, so there are no features to write")
    about = corpus.clips[["file", *(name for name in LABELS if name in corpus.clips)]].reset_index(
        names="clip"
    )
    return pd.concat([about, pd.DataFrame(values, columns=names)], axis="columns")
