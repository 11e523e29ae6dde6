"""Training data: the corpora of a recipe, split into batches of clips and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sertools.audio.files import read_audio
from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError
from sertools.tables import emotion_norms
from sertools.training.network import RATE_HZ
from sertools.training.recipe import BaselineRecipe, Recipe

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """Clips with their labels, for training or testing.

    Attributes:
        clips: n names, which also seed the augmentation of each clip
        signals: n signals of different lengths
        truth: shape (n, c), in [0, 1]
        emotions: codes of the categories, shape (n,); -1 for a clip without a category
    """

    clips: Sequence[str]
    signals: Sequence[np.ndarray]
    truth: np.ndarray
    emotions: np.ndarray


def recipe_corpora(recipe: Recipe | BaselineRecipe, data_root: Path | None = None) -> list[Corpus]:
    """Loads a recipe's corpora: folders or manifests below `data_root`, or anything that `--data` accepts.

    Raises:
        CorpusError: a corpus is missing or cannot be read
    """
    below = [(data_root or Path()) / spec for spec in recipe.corpora]
    return [
        load_corpus(str(path)) if path.exists() else load_corpus(spec, data_root=data_root)
        for spec, path in zip(recipe.corpora, below, strict=True)
    ]


def lessons(recipe: Recipe, corpora: Sequence[Corpus], speakers: Sequence[str]) -> Lessons:
    """Decoded clips of the given speakers with their ground truth; unlabelled clips are left out.

    Args:
        recipe: which labels, and whether they are ratings or derived from the emotion by norms
        corpora: the corpora that the recipe names
        speakers: speaker ids of the corpora; the same id in two corpora means the same person

    Raises:
        CorpusError: a speaker is in no corpus, a column is missing, or no clip has the labels
    """
    parts = []
    for corpus in corpora:
        clips = corpus.clips
        wanted = "emotion" if recipe.norms else recipe.labels[0]
        for column in ("speaker", wanted):
            if column not in clips:
                raise CorpusError(f"corpus {corpus.name!r} has no column {column!r}, which training needs")
        clips = clips[clips["speaker"].isin(list(speakers))]
        truth = (
            emotion_norms.derive(clips["emotion"]) if recipe.norms else clips.reindex(columns=recipe.labels)
        )
        part = pd.DataFrame(truth[recipe.labels].astype(float))
        part["clip"] = [f"{corpus.name}/{clip}" for clip in clips.index]
        part["speaker"] = clips["speaker"]
        part["emotion"] = clips.get("emotion")
        part["path"] = [str(corpus.path(clip)) for clip in clips.index]
        part["start"], part["end"] = clips["start"], clips["end"]
        parts.append(part)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["speaker"])
    absent = [speaker for speaker in speakers if speaker not in set(table["speaker"])]
    if absent:
        raise CorpusError(f"speaker {absent[0]!r} is in none of the recipe's corpora")
    table = table[table[recipe.labels].notna().all(axis="columns")]
    if table.empty:
        raise CorpusError(f"no clip of the recipe's speakers has labels for {', '.join(recipe.labels)}")
    return Lessons(
        clips=table["clip"].tolist(),
        signals=[
            read_audio(path, RATE_HZ, start, end)
            for path, start, end in zip(table["path"], table["start"], table["end"], strict=True)
        ],
        truth=table[recipe.labels].to_numpy(),
        emotions=pd.Categorical(table["emotion"]).codes.astype(np.int64),
    )
