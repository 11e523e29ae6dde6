"""Toy models with known behaviour, for trying out and testing audits: `toy:oracle`, `toy:random` …

`oracle` predicts the truth, `constant` 0.5 for every dimension and always `neutral`, `random` draws
dimensions from a clipped Gaussian (0.5, 1/6) and class probabilities uniformly, seeded by the clip, and
`loudness` predicts from the level alone (an RMS of −48 dB gives 0, −10 dB gives 1, so that 2 dB change the
prediction by more than 0.05).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sertools.errors import ModelError, nearest
from sertools.labels import DIMENSIONS
from sertools.models.load import LoadOptions
from sertools.models.loaded import LoadedModel, LoadedSignalModel
from sertools.models.model import ClipModel, Model, Outputs, Signal, Task
from sertools.randomness import identity_rng
from sertools.tables.condition import CLEAN

SCHEME = "toy"
EMOTIONS = ("anger", "boredom", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


@dataclass(kw_only=True)
class TruthModel(LoadedModel):
    """A toy model without audio input: the oracle, which returns the labels, or one that ignores them.

    Attributes:
        behaviour: `oracle`, `constant` or `random`; the name may be another one
    """

    behaviour: str

    labels: tuple[str, ...] = (*DIMENSIONS, *EMOTIONS)
    task: Task = "single_label"
    fingerprint: str = ""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Only `clean`, as the predictions do not depend on the audio."""
        return (CLEAN,)

    def scores(self, clips: pd.DataFrame, condition: str = CLEAN) -> pd.DataFrame:
        """Scores of clips, computed from their labels or identity, one row each."""
        kind = self.behaviour
        draws = np.full((len(clips), len(self.labels)), np.nan)
        if kind == "random":
            for row, clip in zip(draws, clips.index, strict=True):
                rng = identity_rng(0, str(clip), f"toy-{kind}")
                row[:3] = np.clip(rng.normal(0.5, 1 / 6, 3), 0, 1)
                row[3:] = rng.dirichlet(np.ones(len(EMOTIONS)))
        scores = pd.DataFrame(draws, index=clips.index, columns=list(self.labels))
        if kind == "constant":
            scores[list(DIMENSIONS)] = 0.5
            scores[list(EMOTIONS)] = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")]
        if kind == "oracle":
            for dimension in DIMENSIONS:
                scores[dimension] = clips.get(dimension, np.nan)
            if "emotion" in clips:
                known = clips["emotion"].isin(EMOTIONS).to_numpy()
                answer = clips["emotion"].to_numpy()[:, None] == np.array(EMOTIONS)[None, :]
                scores[list(EMOTIONS)] = np.where(known[:, None], answer.astype(float), np.nan)
            else:
                scores[list(EMOTIONS)] = np.nan
        return scores


@dataclass(kw_only=True)
class LoudnessModel(LoadedSignalModel):
    """A toy model that predicts every dimension from the clip's level."""

    name: str = "toy-loudness"
    labels: tuple[str, ...] = DIMENSIONS
    task: Task = "regression"
    sampling_rate: int = 16000
    shortest: int = 1
    fingerprint: str = "loudness-3"

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores from the RMS in dB; the only layer is the scaled level, shape (n, 1, 1)."""
        rms = np.array([np.sqrt(np.mean(np.square(signal, dtype=np.float64))) for signal in signals])
        level = np.clip((48 + 20 * np.log10(np.maximum(rms, 1e-10))) / 38, 0, 1)
        scores = np.repeat(level[:, None], len(self.labels), axis=1)
        return Outputs(scores=scores, layers=level[:, None, None] if layers else None)


def check(rest: str) -> None:
    """Checks that there is a toy model of this name.

    Raises:
        ModelError: there is none
    """
    kinds = ("oracle", "constant", "random", "loudness")
    if rest not in kinds:
        raise ModelError(f"no toy model {rest!r}", hint=nearest(rest, list(kinds)))


def load(rest: str, options: LoadOptions) -> Model | ClipModel:
    """Loads the toy model of the given name.

    Raises:
        ModelError: there is no toy model of this name
    """
    check(rest)
    facts = {"kind": "toy", "architecture": (__doc__ or "").partition("\n")[0]}
    if rest == "loudness":
        return LoudnessModel(facts=facts)
    return TruthModel(name=f"toy-{rest}", behaviour=rest, fingerprint=f"toy-{rest}-1", facts=facts)
