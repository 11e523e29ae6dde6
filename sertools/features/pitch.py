"""The mean fundamental frequency of clips, used to group speakers by pitch.

F0 is that of openSMILE's eGeMAPSv02 (subharmonic summation with Viterbi smoothing; Eyben et al. 2016), one
value every 10 ms in semitones above 27.5 Hz, 0 in unvoiced frames. The mean is taken in Hz over voiced frames
between 50 and 350 Hz.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio.opensmile import PITCH, extractor
from sertools.metrics.groups import F0
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs, Signal, Task

LOWEST_HZ, HIGHEST_HZ = 50.0, 350.0
ZERO_HZ = 27.5
"""Frequency of 0 semitones."""

UNVOICED = 0.0
"""Value stored for a clip without voiced frames; in the corpus column it is missing."""


@dataclass(kw_only=True)
class Pitch(LoadedSignalModel):
    """A measure of the mean F0 of clips, implemented as a model with one label."""

    name: str = "pitch"
    labels: tuple[str, ...] = (F0,)
    task: Task = "regression"
    sampling_rate: int = 16000
    shortest: int = 960  # one window of 60 ms
    fingerprint: str = "egemapsv02-f0-1"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Mean F0 in Hz, shape (n, 1); 0 for a clip without voiced frames between 50 and 350 Hz.

        Raises:
            ModelError: opensmile is not installed
        """
        means = [mean_f0_hz(contour_hz(signal, self.sampling_rate)) for signal in signals]
        return Outputs(scores=np.nan_to_num(np.array(means, dtype=np.float64), nan=UNVOICED)[:, None])

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The column `f0_hz`; missing for clips without voiced frames or without audio."""
        return scores.mask(scores == UNVOICED)


def contour_hz(signal: Signal, rate: int) -> NDArray[np.float64]:
    """F0 every 10 ms in Hz, nan in unvoiced frames, shape (frames,).

    Raises:
        ModelError: opensmile is not installed
    """
    descriptors = extractor("LowLevelDescriptors").process_signal(signal, rate)
    semitones = descriptors[PITCH].to_numpy(dtype=float)
    return np.where(semitones > 0, ZERO_HZ * 2 ** (semitones / 12), np.nan)


def mean_f0_hz(contour: NDArray[np.float64]) -> float:
    """Mean of the voiced frames between 50 and 350 Hz; nan if there are none.

    >>> mean_f0_hz(np.array([np.nan, 100.0, 200.0, 400.0, 40.0]))
    150.0
    """
    inside = contour[(contour >= LOWEST_HZ) & (contour <= HIGHEST_HZ)]
    return float(inside.mean()) if len(inside) else float("nan")
