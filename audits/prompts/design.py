"""The answers to every prompt, order and repetition as one array."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.tables.condition import asked_condition
from sertools.tables.pairs import predictions_of, speaker_codes, truth_of, unanswered_clips
from sertools.tables.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Design:
    """Answers of a model on the clips that have a truth and that it was asked under every condition.

    Attributes:
        answers: class codes, shape (prompts, orders, repeats, n); the code `classes` for no usable answer
        truth: class codes, shape (n,)
        unit: speaker codes 0..units−1, shape (n,)
        units: number of units
        by_speaker: whether the units are speakers
        names: names of the classes, in the order in which order 1 lists them
    """

    answers: NDArray[np.int64]
    truth: NDArray[np.int64]
    unit: NDArray[np.int64]
    units: int
    by_speaker: bool
    names: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of clips."""
        return len(self.truth)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.names)


def design_of(tables: Tables, prompts: int, orders: int, repeats: int) -> Design:
    """The answers under all conditions; a clip that could not be decoded under one of them is left out."""
    answers = np.empty((prompts, orders, repeats, len(tables.clips)))
    unanswered = np.zeros(answers.shape, dtype=np.bool_)
    for cell in np.ndindex(prompts, orders, repeats):
        condition = str(asked_condition(*(number + 1 for number in cell)))
        answers[cell] = predictions_of(tables, "emotion", condition)
        unanswered[cell] = unanswered_clips(tables, answers[cell], condition)
    truth = truth_of(tables, "emotion")
    kept = np.isfinite(truth) & (np.isfinite(answers) | unanswered).all(axis=(0, 1, 2))
    codes, by_speaker = speaker_codes(tables.clips)
    present, unit = np.unique(codes[kept], return_inverse=True)
    coded = np.where(unanswered, len(tables.model_classes), answers)[..., kept]
    return Design(
        answers=coded.astype(np.int64),
        truth=truth[kept].astype(np.int64),
        unit=unit.astype(np.int64),
        units=len(present),
        by_speaker=by_speaker,
        names=tables.model_classes,
    )
