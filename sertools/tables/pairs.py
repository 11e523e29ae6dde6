"""Pairs of truth and prediction of one target, with the speaker of each clip."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Truth and prediction of one target on the clips that have both, with their units (speakers).

    Attributes:
        truth, prediction: shape (n,); floats in [0, 1] for a dimension, integer class codes for emotion
        unit: speaker codes 0..units−1, shape (n,); clip numbers if the corpus names no speakers
        units: number of units
        by_speaker: whether the units are speakers
        clips: index labels of the n clips
        deviation: standard deviation of the model's predictions on all clips of the corpus; for emotion, of
            the score of the class whose score varies most; nan if it is not known
    """

    truth: NDArray[Any]
    prediction: NDArray[Any]
    unit: NDArray[np.integer]
    units: int
    by_speaker: bool
    clips: pd.Index
    deviation: float = np.nan

    @property
    def n(self) -> int:
        """Number of clips."""
        return len(self.truth)

    @property
    def speakers(self) -> int | None:
        """Number of speakers; None if the corpus names none."""
        return self.units if self.by_speaker else None

    def take(self, mask: NDArray[np.bool_]) -> "Pairs":
        """The same pairs on the clips where `mask` (n,) is true, units renumbered; `deviation` stays."""
        kept, unit = np.unique(self.unit[mask], return_inverse=True)
        return Pairs(
            truth=self.truth[mask],
            prediction=self.prediction[mask],
            unit=unit,
            units=len(kept),
            by_speaker=self.by_speaker,
            clips=self.clips[mask],
            deviation=self.deviation,
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
    """Truth and prediction of one target, for the clips where both are known.

    For `target="emotion"`, clips whose true class the model does not have are dropped, and codes index
    `tables.model_classes`; the predicted class has the highest score of all the model's classes.
    """
    scores = tables.predictions[condition]
    codes, by_speaker = speaker_codes(tables.clips)
    if target == "emotion":
        of_class = {name: code for code, name in enumerate(tables.model_classes)}
        truth = tables.clips["emotion"].map(of_class).to_numpy(dtype=float, na_value=np.nan)
        known = scores[list(tables.model_classes)].to_numpy()
        answered = np.isfinite(known).all(axis=1)
        varying = known[answered]
        prediction = np.where(answered, np.where(answered[:, None], known, 0.0).argmax(axis=1), np.nan)
    else:
        truth = tables.clips[target].to_numpy(dtype=float, na_value=np.nan)
        prediction = scores[target].to_numpy(dtype=float)
        varying = prediction[np.isfinite(prediction), None]
    both = np.isfinite(truth) & np.isfinite(prediction)
    dtype = np.int64 if target == "emotion" else np.float64
    every = Pairs(
        truth=truth,
        prediction=prediction,
        unit=codes,
        units=0,
        by_speaker=by_speaker,
        clips=tables.clips.index,
        deviation=float(varying.std(axis=0).max()) if varying.size else np.nan,
    )
    kept = every.take(both)
    return Pairs(
        truth=kept.truth.astype(dtype),
        prediction=kept.prediction.astype(dtype),
        unit=kept.unit,
        units=kept.units,
        by_speaker=by_speaker,
        clips=kept.clips,
        deviation=kept.deviation,
    )
