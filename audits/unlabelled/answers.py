"""The answers of a model to clips with and without labels."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.labels import DIMENSIONS
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import predictions_of, speaker_codes, truth_of
from sertools.tables.tables import Tables
from sertools.tables.votes import votes_of
from sertools.wording import listed, plural


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of a model to one target, and the truth where it is known.

    Attributes:
        target: a dimension, or `emotion`
        clips: names of the clips, shape (n,)
        truth: class codes or ratings, nan where unknown, shape (n,)
        scores: predicted ratings (n, 1), or probabilities of the classes (n, c)
        unit: speaker codes, shape (n,)
        corpus: the corpus of each clip, empty where the clips name none, shape (n,)
        by_speaker: whether the units are speakers
        in_words: whether the probabilities are 1 and 0
    """

    target: str
    clips: pd.Index
    truth: NDArray[np.float64]
    scores: NDArray[np.float64]
    unit: NDArray[np.integer]
    corpus: NDArray[np.object_]
    by_speaker: bool
    in_words: bool

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which clips have a label, shape (n,)."""
        return np.isfinite(self.truth)

    @property
    def is_emotion(self) -> bool:
        """Whether the target is `emotion`."""
        return self.target == "emotion"

    @property
    def answer(self) -> NDArray[np.integer]:
        """Predicted class of each clip, shape (n,)."""
        found: NDArray[np.integer] = self.scores.argmax(axis=1)
        return found

    def take(self, mask: NDArray[np.bool_]) -> "Answers":
        """The answers to some clips."""
        return replace(
            self,
            clips=self.clips[mask],
            truth=self.truth[mask],
            scores=self.scores[mask],
            unit=self.unit[mask],
            corpus=self.corpus[mask],
        )


def answers(tables: Tables, target: str) -> Answers:
    """The clips that the model answered, in the order of their names, without those of `set_aside`."""
    predicted = predictions_of(tables, target)
    foreign, undecided = set_aside(tables, target)
    rows = np.argsort(tables.clips.index.astype(str), kind="stable")
    rows = rows[(np.isfinite(predicted) & ~foreign & ~undecided)[rows]]
    unit, by_speaker = speaker_codes(tables.clips.iloc[rows])
    columns = list(tables.model_classes) if target == "emotion" else [target]
    scores = tables.predictions[CLEAN][columns].to_numpy(dtype=np.float64)[rows]
    return Answers(
        target=target,
        clips=tables.clips.index[rows],
        truth=truth_of(tables, target)[rows],
        scores=probabilities(scores) if target == "emotion" else scores,
        unit=unit,
        corpus=corpora_of(tables.clips)[rows],
        by_speaker=by_speaker,
        in_words=tables.in_words,
    )


def corpora_of(clips: pd.DataFrame) -> NDArray[np.object_]:
    """The corpus of each clip, empty where it names none, shape (n,)."""
    if "corpus" not in clips:
        return np.full(len(clips), "", dtype=object)
    return (
        clips["corpus"].astype(object).where(clips["corpus"].notna(), "").astype(str).to_numpy(dtype=object)
    )


def set_aside(tables: Tables, target: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Clips that count neither as labelled nor as unlabelled, shapes (n,) and (n,); none for a dimension.

    The first have an emotion that the model lacks. The second were rated and have no emotion: they have
    votes or ratings of a dimension, in a corpus where other clips have emotions. Mostly, the raters did not
    agree. Clips that nobody has heard yet are not like either.
    """
    clips = tables.clips
    if target != "emotion":
        return np.zeros(len(clips), dtype=np.bool_), np.zeros(len(clips), dtype=np.bool_)
    known = np.isfinite(truth_of(tables, target))
    foreign = clips["emotion"].notna().to_numpy(dtype=np.bool_) & ~known
    rated = clips[[name for name in DIMENSIONS if name in clips]].notna().any(axis=1).to_numpy(dtype=np.bool_)
    votes = votes_of(clips)
    if votes is not None:
        rated = rated | votes.counts.any(axis=1)
    corpus = corpora_of(clips)
    labelled = np.isin(corpus, sorted(set(corpus[known])))
    return foreign, rated & labelled & ~known & ~foreign


def set_aside_note(tables: Tables, target: str) -> str:
    """How many clips are set aside, and why; empty if none are."""
    foreign, undecided = set_aside(tables, target)
    reasons = []
    if foreign.any():
        names = sorted(set(tables.clips["emotion"][foreign].astype(str)))
        lacks = plural(int(foreign.sum()), "clip")
        reasons.append(f"{lacks} with an emotion that the model lacks ({listed(names)})")
    if undecided.any():
        reasons.append(f"{plural(int(undecided.sum()), 'clip')} that raters heard, without an emotion")
    return f"{target}: left out are {listed(reasons)}." if reasons else ""


def probabilities(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Class scores as probabilities: as they are if they are, else their softmax, shape (n, c)."""
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1.0, atol=1e-3):
        return scores
    exponential = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = exponential / exponential.sum(axis=1, keepdims=True)
    return found
