"""Training data: the corpora of a recipe, as decoded clips with their labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.corpora.corpus import Corpus
from sertools.corpora.load import load_corpus
from sertools.corpora.seen.content import Place
from sertools.corpora.seen.record import TrainingRecord, identities, record_of_clips
from sertools.errors import AudioError, CorpusError, ModelError
from sertools.labels import canonical
from sertools.tables import emotion_norms
from sertools.training.small_network.network import RATE_HZ
from sertools.training.small_network.recipe import BaselineRecipe, Recipe
from sertools.wording import plural


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Clips with their labels, for training or testing.

    Attributes:
        clips: n names, which also seed the augmentation of each clip
        signals: n signals of different lengths
        truth: shape (n, c), in [0, 1]; nan where a rating is missing
        emotions: codes of the categories, shape (n,); -1 for a clip without a category
        notes: sentences on clips that were left out
        who: corpus and speaker of each clip, columns `corpus` and `speaker`
        places: where each clip is
    """

    clips: Sequence[str]
    signals: Sequence[NDArray[np.float32]]
    truth: NDArray[np.float64]
    emotions: NDArray[np.int64]
    notes: Sequence[str] = ()
    who: pd.DataFrame
    places: Sequence[Place]

    def record(self) -> TrainingRecord:
        """The record of a training on these clips; each is decoded."""
        return record_of_clips(self.who, self.places)


def recipe_corpora(recipe: Recipe | BaselineRecipe, data_root: Path | None = None) -> list[Corpus]:
    """Loads a recipe's corpora: folders or manifests below `data_root`, or anything that `--data` accepts.

    Raises:
        CorpusError: a corpus is missing or cannot be read
    """
    below = [(data_root or Path()) / spec for spec in recipe.corpora]
    loaded = [
        load_corpus(str(path)) if path.exists() else load_corpus(spec, data_root=data_root)
        for spec, path in zip(recipe.corpora, below, strict=True)
    ]
    return [replace(corpus, max_minutes=recipe.max_minutes) for corpus in loaded]


def training_data(recipe: Recipe, corpora: Sequence[Corpus], speakers: Sequence[str]) -> TrainingData:
    """Decoded clips of the given speakers with their ground truth.

    Clips without any of the ratings are left out, clips that cannot be decoded, and clips that are too short
    for the network of the recipe, see `shortest_samples`.

    Args:
        recipe: which labels, and whether they are ratings or derived from the emotion by norms
        corpora: the corpora that the recipe names
        speakers: speaker ids of the corpora; the same id in two corpora means the same person

    Raises:
        CorpusError: a speaker is in no corpus, a column is missing, or no clip has the labels, can be decoded
            or is long enough
        ModelError: the recipe crops clips to less than its network needs
    """
    shortest = shortest_samples(recipe)
    for corpus in corpora:
        corpus.check_listed_once()
    parts = [_labelled(recipe, corpus, speakers).assign(source=i) for i, corpus in enumerate(corpora)]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["speaker"])
    absent = [speaker for speaker in speakers if speaker not in set(table["speaker"])]
    if absent:
        raise CorpusError(f"speaker {absent[0]!r} is in none of the recipe's corpora")
    table = table[table[recipe.labels].notna().any(axis="columns")]
    if table.empty:
        raise CorpusError(f"no clip of the recipe's speakers has labels for {', '.join(recipe.labels)}")
    table, signals, unread = _decoded(table, corpora)
    long_enough = np.array([len(signal) >= shortest for signal in signals])
    notes = unread + _notes_on_short_clips(table["clip"][~long_enough].tolist(), len(table), shortest)
    table = table[long_enough]
    return TrainingData(
        clips=table["clip"].tolist(),
        signals=[signal for signal in signals if len(signal) >= shortest],
        truth=table[recipe.labels].to_numpy(),
        emotions=_codes(table["emotion"], recipe).astype(np.int64),
        notes=notes,
        who=table[["corpus", "id"]].set_axis(["corpus", "speaker"], axis="columns"),
        places=[
            (Path(path), *part)
            for path, *part in table[["path", "start", "end", "channel"]].itertuples(index=False, name=None)
        ],
    )


def shortest_samples(recipe: Recipe) -> int:
    """Number of samples that a clip needs, so that one frame is left even if it is played fastest.

    Raises:
        ModelError: the recipe crops clips to less than one frame
    """
    change, frame = recipe.augmentation, recipe.shape.shortest_samples
    if 0 < change.crop_s * RATE_HZ < frame:
        raise ModelError(
            f"the recipe crops clips to {1000 * change.crop_s:g} ms, but its network needs at least "
            f"{1000 * frame / RATE_HZ:g} ms",
            hint="increase crop_s in the recipe, or set it to 0 to use whole clips",
        )
    # a change of speed loses up to two samples by rounding
    return math.ceil(frame * (1 + change.speed) * (1 + change.tempo)) + 2


def _decoded(
    table: pd.DataFrame, corpora: Sequence[Corpus]
) -> tuple[pd.DataFrame, list[NDArray[np.float32]], list[str]]:
    """The clips that can be decoded, their signals, and a sentence on the others.

    Raises:
        CorpusError: no clip can be decoded
    """
    signals, reasons = [], {}
    for row, (corpus, clip, name) in enumerate(
        zip(table["source"], table["key"], table["clip"], strict=True)
    ):
        try:
            signals.append(corpora[corpus].signal(clip, RATE_HZ))
        except AudioError as error:
            reasons[row] = f"{name}: {error.message}"
    if not reasons:
        return table, signals, []
    first = next(iter(reasons.values()))
    if not signals:
        raise CorpusError(f"no clip of the recipe's speakers can be decoded, such as {first}")
    n = plural(len(reasons), "clip is", "clips are")
    note = f"{n} left out that cannot be decoded, such as {first}"
    return table.drop(index=table.index[list(reasons)]), signals, [note]


def _notes_on_short_clips(clips: Sequence[str], n: int, shortest: int) -> list[str]:
    """A sentence on clips that are too short for training.

    Raises:
        CorpusError: they are all clips
    """
    need = f"training needs clips of at least {math.ceil(1000 * shortest / RATE_HZ)} ms"
    if len(clips) == n:
        raise CorpusError(
            f"no clip of the recipe's speakers can be used: {need}, and {clips[0]!r} is shorter",
            hint="train on longer clips, or set speed and tempo to 0 in the recipe",
        )
    if not clips:
        return []
    return [f"{plural(len(clips), 'clip is', 'clips are')} left out, such as {clips[0]!r}: {need}."]


def _codes(emotions: pd.Series, recipe: Recipe) -> NDArray[np.integer]:
    """The code of each clip's category, shape (n,): its place in the recipe's list, or in alphabetical order.

    -1 for a clip without a category, or with one that the recipe does not list.
    """
    if not recipe.emotions:
        return np.asarray(pd.Categorical(emotions).codes)
    names = emotions.map(lambda name: canonical(name) if isinstance(name, str) else name)
    return np.asarray(pd.Categorical(names, categories=recipe.emotions).codes)


def _labelled(recipe: Recipe, corpus: Corpus, speakers: Sequence[str]) -> pd.DataFrame:
    """The clips of the speakers in one corpus: labels, id, name, speaker and emotion."""
    clips = corpus.clips
    derived = bool(recipe.norms) and ("emotion" in clips or not set(recipe.labels) & set(clips))
    needed = (
        "emotion" if derived else next((name for name in recipe.labels if name in clips), recipe.labels[0])
    )
    for column in ("speaker", needed):
        if column not in clips:
            raise CorpusError(f"corpus {corpus.name!r} has no column {column!r}, which training needs")
    clips = clips[clips["speaker"].isin(list(speakers))]
    truth = emotion_norms.derive(clips["emotion"]) if derived else clips.reindex(columns=recipe.labels)
    table = pd.DataFrame(truth[recipe.labels].astype(float))
    table["clip"] = [f"{corpus.name}/{clip}" for clip in clips.index]
    table["speaker"] = clips["speaker"]
    table[["corpus", "id"]] = identities(corpus).loc[clips.index]
    table["emotion"] = clips.get("emotion")
    table["key"] = clips.index
    table["path"] = [str(corpus.path(clip)) for clip in clips.index]
    table["start"], table["end"] = clips["start"], clips["end"]
    table["channel"] = [corpus.channel(clip) for clip in clips.index]
    return table
