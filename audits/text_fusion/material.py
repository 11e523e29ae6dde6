"""The clips that have ratings, states and text, with the vectors that the heads read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.errors import AuditError, nearest
from sertools.probing.fusion import Vectors, fixed, tf_idf
from sertools.statistics.jackknife import MIN_UNITS
from sertools.tables.pairs import speaker_codes
from sertools.tables.tables import Tables
from sertools.tables.text_vectors import TextVectors, unpacked
from sertools.wording import plural

COMPONENTS = 64
"""Maximum number of components of TF-IDF vectors."""


@dataclass(frozen=True, kw_only=True)
class FusionMaterial:
    """The clips that have ratings, states and text, ordered by name.

    Attributes:
        clips: names of the clips
        truth: ratings, shape (n, k); nan where a clip has no rating
        inputs: input → the vectors that its head reads
        texts: transcripts of the clips
        unit: speaker codes 0..units−1, shape (n,)
        units: number of speakers, or of clips if the corpus names no speakers
        by_speaker: the units are speakers
    """

    clips: pd.Index
    truth: NDArray[np.float64]
    inputs: dict[str, list[Vectors]]
    texts: list[str]
    unit: NDArray[np.integer]
    units: int
    by_speaker: bool


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Positions of the clips that train the heads, and of those that choose their epoch."""

    train: NDArray[np.integer]
    development: NDArray[np.integer]


def sides_of(tables: Tables, material: FusionMaterial, train: str, dev: str) -> Sides:
    """The clips of two splits; all other clips are tested.

    Raises:
        AuditError: a split has no clips, no clip is left to test, or a speaker of the test is in
            either split too
    """
    split = tables.clips.loc[material.clips, "split"]
    train_at, dev_at = (np.flatnonzero((split == name).to_numpy()) for name in (train, dev))
    for name, found in ((train, train_at), (dev, dev_at)):
        if len(found) < 2:
            raise AuditError(
                f"the split {name!r} has {plural(len(found), 'clip')} with ratings, states and text",
                hint=nearest(name, sorted(map(str, split.dropna().unique()))),
            )
    test = np.setdiff1d(np.arange(len(split)), np.union1d(train_at, dev_at))
    if not len(test):
        raise AuditError(f"no clip is left to test outside the splits {train!r} and {dev!r}")
    for name, of_split in ((train, train_at), (dev, dev_at)):
        shared = np.intersect1d(material.unit[test], material.unit[of_split])
        if material.by_speaker and len(shared):
            raise AuditError(
                f"{plural(len(shared), 'speaker is', 'speakers are')} in {name!r} and in the clips to test",
                hint="choose splits that share no speaker, or leave out train and dev",
            )
    return Sides(train=train_at, development=dev_at)


def text_column(asr: str) -> str:
    """The column of the text: the corpus' transcripts, or what a recogniser understood."""
    return f"recognised@{asr}" if asr else "transcript"


def fusion_material(tables: Tables, text_model: str, asr: str) -> FusionMaterial:
    """Training data of the heads; clips without states, text or any rating are left out.

    Args:
        tables: clips, layer means and texts
        text_model: transformers text encoder; TF-IDF if empty
        asr: speech recogniser; the corpus' transcripts if empty
    """
    assert tables.layers is not None, "the runner provides the layers that needs() requests"
    column = text_column(asr)
    none = pd.Series(None, index=tables.clips.index, dtype=object)
    text = tables.clips.get(column, none)
    states = tables.layers.layer(-1)
    truth = tables.clips[list(tables.dimensions)].to_numpy(dtype=float)
    known = np.isfinite(states).all(axis=1) & np.isfinite(truth).any(axis=1) & text.notna().to_numpy()
    vectors = np.zeros((len(tables.clips), 0), dtype=np.float32)
    if text_model:
        vectors = unpacked(tables.clips.get(TextVectors(encoder=text_model, text=column).column, none))
        known &= np.isfinite(vectors).all(axis=1) & (vectors.shape[1] > 0)
    order = np.argsort(tables.clips.index.astype(str), kind="stable")
    rows = order[known[order]]
    clips = tables.clips.iloc[rows]
    texts = clips[column].astype(str).tolist()
    codes, by_speaker = speaker_codes(clips)
    acoustic = fixed(states[rows].astype(np.float64))
    text_vectors = (
        fixed(vectors[rows].astype(np.float64)) if text_model else tf_idf(texts, components=COMPONENTS)
    )
    return FusionMaterial(
        clips=clips.index,
        truth=truth[rows],
        inputs={"acoustic": [acoustic], "text": [text_vectors], "fused": [acoustic, text_vectors]},
        texts=texts,
        unit=np.unique(codes, return_inverse=True)[1],
        units=len(np.unique(codes)),
        by_speaker=by_speaker,
    )


def reason_too_few(material: FusionMaterial, folds: int) -> str:
    """Why there are too few clips or speakers for this number of folds; empty if there are enough."""
    groups = len(np.unique(material.unit))
    if len(material.clips) >= 2 * folds and groups >= folds:
        return ""
    reason = (
        f"{plural(len(material.clips), 'clip')}"
        f"{' of ' + plural(groups, 'speaker') if material.by_speaker else ''} have "
        f"ratings, states and text, too few for {folds} folds"
    )
    if material.by_speaker and groups < MIN_UNITS:
        reason += f"; fewer than {MIN_UNITS} speakers"
    return reason
