"""openSMILE measurements of each clip as corpus columns: 88 functionals of eGeMAPSv02 and the mean pitch.

Functionals are means, deviations, percentiles and slopes of pitch, loudness, formants, spectrum and voice
quality over a clip, and tempo (Eyben et al. 2016). The mean pitch is taken in Hz over voiced frames between
50 and 350 Hz; F0 comes every 10 ms from subharmonic summation with Viterbi smoothing.

One pass of openSMILE gives them all, and the low-level descriptors as frames. They are kept in the store like
the predictions of a model, for every model and every audit that reads them.
"""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio import opensmile
from sertools.metrics.groups import F0
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Frames, Outputs, Signal, Task
from sertools.tables.egemaps import FEATURES, FUNCTIONAL_COLUMNS

MISSING = -1e30
"""Stored where a value is undefined; in the corpus column it is missing."""

LOWEST_HZ, HIGHEST_HZ = 50.0, 350.0
ZERO_HZ = 27.5
"""Frequency of 0 semitones."""


def version() -> str:
    """Version of the measurements: that of this code, and of openSMILE if it is installed."""
    try:
        return f"{opensmile.VERSION} opensmile {importlib.metadata.version('opensmile')}"
    except importlib.metadata.PackageNotFoundError:
        return opensmile.VERSION


@dataclass(kw_only=True)
class Functionals(LoadedSignalModel):
    """openSMILE's functionals and the mean pitch of clips, implemented as a model with a label for each.

    Attributes:
        by_itself: each clip is measured by itself, and `predict` uses all cores for as many as it gets
    """

    name: str = "eGeMAPS"
    labels: tuple[str, ...] = (*FUNCTIONAL_COLUMNS, F0)
    task: Task = "regression"
    sampling_rate: int = opensmile.RATE_HZ
    shortest: int = opensmile.SHORTEST
    fingerprint: str = field(default_factory=lambda: f"functionals-2 {version()}")
    by_itself: bool = True
    has_frames: bool = True

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """The values of each clip, shape (n, 89); `MISSING` where one is undefined.

        Raises:
            ModelError: opensmile is not installed
        """
        return self.predict_frames(signals)[0]

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Same as `predict`, plus the low-level descriptors of each clip, `opensmile.features`, as frames.

        Raises:
            ModelError: opensmile is not installed
        """
        found = opensmile.analyses(signals)
        pitch = FEATURES.index(opensmile.PITCH)
        means = [mean_f0_hz(in_hz(each.rows[:, pitch])) for each in found]
        functionals = np.array([each.functionals for each in found], dtype=np.float64)
        scores = np.column_stack([functionals.reshape(len(found), opensmile.FUNCTIONALS), means])
        frames = [
            Frames(
                states=(opensmile.cleaned(each.rows),),
                first_s=(opensmile.FIRST_S,),
                step_s=(opensmile.STEP_S,),
            )
            for each in found
        ]
        return Outputs(scores=np.where(np.isfinite(scores), scores, MISSING)), frames

    def values(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """The functionals, shape (n, 88), of scores as they are stored; nan where one is undefined."""
        found = np.asarray(scores, dtype=np.float64)[:, : opensmile.FUNCTIONALS]
        return np.where(found < MISSING / 2, np.nan, found)

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The columns `FUNCTIONAL_COLUMNS` and `f0_hz`; missing where undefined or without readable audio."""
        return scores.mask(scores < MISSING / 2)


def in_hz(semitones: NDArray[np.floating]) -> NDArray[np.float64]:
    """F0 in Hz of openSMILE's semitones above 27.5 Hz, in which 0 marks unvoiced frames; nan there."""
    pitch = np.asarray(semitones, dtype=np.float64)
    return np.where(pitch > 0, ZERO_HZ * 2 ** (pitch / 12), np.nan)


def mean_f0_hz(contour: NDArray[np.float64]) -> float:
    """Mean of the voiced frames between 50 and 350 Hz; nan if there are none.

    >>> mean_f0_hz(np.array([np.nan, 100.0, 200.0, 400.0, 40.0]))
    150.0
    """
    inside = contour[(contour >= LOWEST_HZ) & (contour <= HIGHEST_HZ)]
    return float(inside.mean()) if len(inside) else float("nan")
