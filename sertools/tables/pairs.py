"""Pairs of truth and prediction of one target, with the speaker of each clip.

A model is asked about each clip that has a truth and whose audio it can read. A clip that it does not answer
is in the pairs all the same, with the prediction that counts against it; otherwise a model would score
better by not answering what it gets wrong.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables

NO_ANSWER = "no answer"
"""Name of the class code of unanswered clips."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Truth and prediction of one target on the clips that the model was asked, with their units (speakers).

    Attributes:
        truth, prediction: shape (n,); floats in [0, 1] for a dimension, integer class codes for emotion
        unit: speaker codes 0..units−1, shape (n,); clip numbers if the corpus names no speakers
        units: number of units
        by_speaker: whether the units are speakers
        clips: index labels of the n clips
        deviation: standard deviation of the model's predictions on all clips of the corpus; for emotion, of
            the score of the class whose score varies most; nan if it is not known
        classes: number of class codes, 0 for a dimension; if a clip is unanswered, the last code means that
        answered: whether the model answered each clip, shape (n,); None if it answered all
        named: whether the speaker of each clip is known, shape (n,); None if all are
    """

    truth: NDArray[Any]
    prediction: NDArray[Any]
    unit: NDArray[np.integer]
    units: int
    by_speaker: bool
    clips: pd.Index
    deviation: float = np.nan
    classes: int = 0
    answered: NDArray[np.bool_] | None = None
    named: NDArray[np.bool_] | None = None

    @property
    def n(self) -> int:
        """Number of clips."""
        return len(self.truth)

    @property
    def speakers(self) -> int | None:
        """Number of speakers; None if the corpus names none. A clip without a speaker adds none."""
        if not self.by_speaker:
            return None
        return self.units if self.named is None else len(np.unique(self.unit[self.named]))

    @property
    def coverage(self) -> float:
        """Share of the clips that the model answered, in [0, 1]; 1 without clips."""
        return 1.0 if self.answered is None or not self.n else float(self.answered.mean())

    @property
    def of_answered(self) -> "Pairs":
        """The pairs of the clips that the model answered."""
        return self if self.answered is None else self.take(self.answered)

    def take(self, mask: NDArray[np.bool_]) -> "Pairs":
        """The same pairs on the clips where `mask` (n,) is true, units renumbered; `deviation` stays."""
        kept, unit = np.unique(self.unit[mask], return_inverse=True)
        return replace(
            self,
            truth=self.truth[mask],
            prediction=self.prediction[mask],
            unit=unit,
            units=len(kept),
            clips=self.clips[mask],
            answered=None if self.answered is None else self.answered[mask],
            named=None if self.named is None else self.named[mask],
        )


def speaker_codes(clips: pd.DataFrame) -> tuple[NDArray[np.integer], bool]:
    """Integer code of each clip's speaker, shape (n,), and whether the codes are speakers.

    A corpus without the column `speaker` gets one code per clip. A clip whose speaker is unknown counts as
    a separate speaker, that is, as independent of all others.
    """
    if "speaker" not in clips or clips["speaker"].isna().all():
        return np.arange(len(clips)), False
    codes, known = pd.factorize(clips["speaker"])
    codes = codes.astype(np.int64)
    unknown = codes < 0
    codes[unknown] = len(known) + np.arange(unknown.sum())
    return codes, True


def pairs(tables: Tables, target: str, condition: str = CLEAN) -> Pairs:
    """Truth and prediction of one target, for the clips that the model was asked; arrays are read-only.

    For `target="emotion"`, clips whose true class the model does not have are dropped, and codes index
    `tables.model_classes`; the predicted class has the highest score of all the model's classes. A clip that
    the model was asked and did not answer counts against it: for a dimension the prediction is the end of
    the scale that is farther from the truth, for emotion one more class code that is never right.
    """
    key = ("pairs", target, condition)
    if key not in tables.derived:
        tables.derived[key] = _pairs(tables, target, condition)
    found: Pairs = tables.derived[key]
    return found


def _pairs(tables: Tables, target: str, condition: str) -> Pairs:
    codes, by_speaker = speaker_codes(tables.clips)
    prediction = predictions_of(tables, target, condition)
    unanswered = unanswered_clips(tables, prediction, condition)
    truth = truth_of(tables, target)
    asked = np.isfinite(truth) & (np.isfinite(prediction) | unanswered)
    unanswered &= asked
    named = tables.clips["speaker"].notna().to_numpy() if by_speaker else np.ones(len(codes), np.bool_)
    classes = (len(tables.model_classes) + bool(unanswered.any())) if target == "emotion" else 0
    every = Pairs(
        truth=truth,
        prediction=np.where(unanswered, worst_answer(truth, classes - 1), prediction),
        unit=codes,
        units=0,
        by_speaker=by_speaker,
        clips=tables.clips.index,
        deviation=deviation(tables, target, condition),
        classes=classes,
        answered=~unanswered if unanswered.any() else None,
        named=None if not by_speaker or named.all() else named,
    )
    kept = every.take(asked)
    dtype = np.int64 if classes else np.float64
    found = replace(kept, truth=kept.truth.astype(dtype), prediction=kept.prediction.astype(dtype))
    for array in (found.truth, found.prediction, found.unit, found.answered, found.named):
        if array is not None:
            array.setflags(write=False)
    return found


def deviation(tables: Tables, target: str, condition: str = CLEAN) -> float:
    """Standard deviation of the predictions of a target on all clips that the model answered; nan if none.

    For `emotion` that of the score of the class whose score varies most.
    """
    scores = tables.predictions[condition][[target] if target != "emotion" else list(tables.model_classes)]
    known = scores.to_numpy(dtype=float)
    known = known[np.isfinite(known).all(axis=1)]
    return float(known.std(axis=0).max()) if known.size else float("nan")


def scored_targets(tables: Tables) -> list[str]:
    """The dimensions that corpus and model share, then `emotion` if they share emotions.

    >>> import pandas as pd
    >>> shared = {"dimensions": ("arousal",), "classes": ("anger", "neutral")}
    >>> scored_targets(Tables(clips=pd.DataFrame(), predictions={}, **shared))
    ['arousal', 'emotion']
    """
    return [*tables.dimensions, *(["emotion"] if tables.classes else [])]


def unanswered_clips(
    tables: Tables, prediction: NDArray[np.float64], condition: str = CLEAN
) -> NDArray[np.bool_]:
    """Which clips the model was asked and did not answer, shape (n,).

    A clip that cannot be read, or is too short, was not asked: it is missing, and no fault of the model.

    Args:
        tables: the clips, and which of them are missing
        prediction: the predictions of one target, shape (n,); nan where there is none
        condition: the condition of these predictions
    """
    absent = ~np.isfinite(prediction)
    if tables.leaves_out_unanswered or not absent.any():
        return np.zeros(len(absent), dtype=np.bool_)
    rows = tables.missing[tables.missing["condition"] == condition]
    unheard = rows.loc[~rows["asked"].astype(bool), "clip"] if "asked" in rows else rows["clip"]
    return absent & ~tables.clips.index.isin(unheard)


def class_names(pair: Pairs, tables: Tables) -> list[str]:
    """The names of the class codes of `emotion`; the last is `no answer` if clips are unanswered."""
    names = list(tables.model_classes)
    return [*names, NO_ANSWER] if pair.classes > len(names) else names


def known_speakers(clips: pd.DataFrame) -> int | None:
    """Number of different speakers; None if no clip names one."""
    if "speaker" not in clips or clips["speaker"].isna().all():
        return None
    return int(clips["speaker"].nunique())


def worst_answer(truth: NDArray[np.float64], code: int = -1) -> NDArray[np.float64]:
    """What an unanswered clip counts as, shape (n,): the end of the scale that is farther from the truth.

    The mean of the truth would reward a model for not answering what it gets wrong.

    Args:
        truth: ratings in [0, 1] or class codes, shape (n,)
        code: the class code of unanswered clips; negative for a dimension

    >>> worst_answer(np.array([0.2, 0.9])).tolist(), worst_answer(np.array([0.0, 1.0]), 4).tolist()
    ([1.0, 0.0], [4.0, 4.0])
    """
    return np.full(len(truth), float(code)) if code >= 0 else np.where(truth < 0.5, 1.0, 0.0)


def predictions_of(tables: Tables, target: str, condition: str = CLEAN) -> NDArray[np.float64]:
    """Predictions of a target for all clips, shape (n,): ratings or codes of `model_classes`; nan if none."""
    scores = tables.predictions[condition]
    if target != "emotion":
        return scores[target].to_numpy(dtype=float)
    class_scores = scores[list(tables.model_classes)].to_numpy(dtype=float)
    known = np.isfinite(class_scores).all(axis=1)
    highest = np.where(known[:, None], class_scores, 0.0).argmax(axis=1)
    return np.where(known, highest.astype(np.float64), np.nan)


def truth_of(tables: Tables, target: str) -> NDArray[np.float64]:
    """Truth of one target for all clips, shape (n,): ratings, or codes of `model_classes`; nan if unknown."""
    if target != "emotion":
        return tables.clips[target].to_numpy(dtype=float, na_value=np.nan)
    of_class = {name: code for code, name in enumerate(tables.model_classes)}
    codes = tables.clips["emotion"].map(of_class)
    return np.asarray(codes.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
