"""The corpora that have clips without labels, and what can be said of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.statistics.jackknife import Estimate
from sertools.tables.tables import Tables

from .answers import Answers
from .drift import drift
from .estimates import MIN_LABELLED, accuracies, by_confidence, of_labelled, prediction_powered
from .moments import moments

BY_CONFIDENCE = "by confidence"
POWERED = "prediction-powered"

DRIFTED = 0.7
"""AUC of the probe from which on an estimate is doubted."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """What is estimated for the clips without labels of one corpus.

    Attributes:
        name: the corpus; empty if the clips are of a single one
        clips: number of its clips without labels
        speakers: number of their speakers, or of the clips where none are named
        scores: method → estimate of the score
        accuracies: method → estimate of the accuracy; empty for a dimension
        drifts: input of the probe → how well the clips are told apart from the labelled ones on which the
            estimate rests
        unseen: classes of the model that none of these labelled clips has
    """

    name: str
    clips: int
    speakers: int
    scores: Mapping[str, Estimate]
    accuracies: Mapping[str, float]
    drifts: Mapping[str, Estimate]
    unseen: tuple[str, ...]

    @property
    def method(self) -> str:
        """The method whose estimate is to be believed: prediction-powered where there is one."""
        powered = self.scores.get(POWERED)
        return BY_CONFIDENCE if powered is None or np.isnan(powered.value) else POWERED

    @property
    def drifted(self) -> bool:
        """Whether the clips are told apart from the labelled ones on which the estimate rests."""
        return any(value.value >= DRIFTED for value in self.drifts.values())

    def part(self, method: str) -> str:
        """The slice of a finding by this method: with the corpus, if there are several."""
        return f"corpus={self.name}, {method}" if self.name else method


def domains(tables: Tables, given: Answers) -> list[Domain]:
    """One domain for each corpus that has clips without labels, in the order of their names."""
    several = len(np.unique(given.corpus.astype(str))) > 1
    return [
        _domain(tables, given, given.corpus == name, (str(name) or "unnamed") if several else "")
        for name in sorted(set(given.corpus[~given.labelled]))
    ]


def _domain(tables: Tables, given: Answers, inside: NDArray[np.bool_], name: str) -> Domain:
    here, every = given.take(inside), given.take(given.labelled)
    scores = {BY_CONFIDENCE: by_confidence(here, every)}
    source = every
    if here.labelled.sum() >= MIN_LABELLED:
        source = here.take(here.labelled)
        of = moments(here, source)
        scores[POWERED] = prediction_powered(of, here)
        scores["labelled clips alone"] = of_labelled(of, here)
    rated = given.is_emotion and not given.in_words
    new = here.take(~here.labelled)
    return Domain(
        name=name,
        clips=len(new.clips),
        speakers=len(np.unique(new.unit)),
        scores=scores,
        accuracies=accuracies(here, every) if rated else {},
        drifts=drift(tables, _rows(tables, new), _rows(tables, source)),
        unseen=tuple(_unseen(tables, source)) if given.is_emotion else (),
    )


def _rows(tables: Tables, some: Answers) -> NDArray[np.bool_]:
    """Which clips of the tables these are, shape (n,)."""
    return np.asarray(tables.clips.index.isin(some.clips), dtype=np.bool_)


def _unseen(tables: Tables, source: Answers) -> Iterator[str]:
    seen = set(source.truth.astype(np.int64))
    return (name for code, name in enumerate(tables.model_classes) if code not in seen)
