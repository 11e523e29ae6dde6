"""The 88 functionals of eGeMAPSv02 of each clip, as corpus columns.

Means, deviations, percentiles and slopes of pitch, loudness, formants, spectrum and voice quality over a
clip, and tempo (Eyben et al. 2016), computed by openSMILE.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sertools.audio import opensmile
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Outputs, Signal, Task
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS

MISSING = -1e30
"""Stored where a functional is undefined; in the corpus column it is missing."""


@dataclass(kw_only=True)
class Functionals(LoadedSignalModel):
    """openSMILE's functionals of clips, implemented as a model with a label for each."""

    name: str = "eGeMAPS"
    labels: tuple[str, ...] = FUNCTIONAL_COLUMNS
    task: Task = "regression"
    sampling_rate: int = opensmile.RATE_HZ
    shortest: int = opensmile.SHORTEST
    fingerprint: str = "egemapsv02-functionals-1"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """The functionals of each clip, shape (n, 88).

        Raises:
            ModelError: opensmile is not installed
        """
        found = opensmile.functionals(signals)
        return Outputs(scores=np.where(np.isfinite(found), found, MISSING))

    def columns(self, scores: pd.DataFrame) -> pd.DataFrame:
        """The columns `FUNCTIONAL_COLUMNS`; missing where undefined or where the audio cannot be read."""
        return scores.mask(scores < MISSING / 2)
