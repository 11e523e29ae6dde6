"""Estimates the cost of text vectors: a text encoder is timed on a few of the texts."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sertools.features import text_encoder
from sertools.pipeline.forecast.predictions import WORDS, Cost, bytes_in, evenly
from sertools.tables.text_vectors import TextVectors


def of_reading(texts: pd.Series, reading: TextVectors, root: Path, *, at_most: int = 0) -> Cost | None:
    """The cost of encoding the distinct texts of clips; None without texts.

    Args:
        texts: text of each clip, missing where there are no words
        reading: the text vectors, which name the encoder
        root: root folder of the store
        at_most: maximum number of different texts, if `texts` are only a sample because a speech recogniser
            has yet to run; 0 if `texts` are complete

    Raises:
        ModelError: the encoder cannot be loaded
    """
    different, _ = text_encoder.different_texts(texts)
    if not len(different):
        return None
    encoder = text_encoder.load_encoder(reading.encoder)
    missing = text_encoder.unread(encoder, different, root)
    known = 0 if at_most else sum(len(part) for _, part in missing)
    name = f"read by {encoder.name}"
    n = at_most or len(different)
    cost = Cost(
        of=WORDS,
        condition=f"{name}, at most" if at_most else name,
        clips=n,
        stored=0 if at_most else n - known,
        todo=at_most or known,
        kind="words",
    )
    if not cost.todo:
        return cost
    trial = evenly(list(different))
    for some in (trial[:1], trial):  # the first pass includes set-up time
        began = time.perf_counter()
        vectors = np.stack([encoder.vector(text) for text in some])
    pace_s = (time.perf_counter() - began) / len(trial)
    first = different if at_most else missing[0][1]
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        shard = rng.random((len(first), vectors.shape[1]), dtype=np.float32)
        text_encoder.write_vectors(Path(folder), 0, first, shard)
        size = bytes_in(Path(folder))
    return replace(cost, minutes=pace_s * cost.todo / 60, megabytes=size * cost.todo / len(first) / 1e6)
