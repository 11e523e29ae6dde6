"""A model that gets the beginning of each clip, or each clip at another amplitude scale."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Frames, Outputs, Signal, packs_clips

FINGERPRINT_VERSION = "prepared-1"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Preprocessing of a clip before it is passed to a model.

    Attributes:
        longest: samples that are kept, from the start of the clip; 0 for all
        mean: subtracted from each sample
        deviation: what is left is divided by this
    """

    longest: int = 0
    mean: float = 0.0
    deviation: float = 1.0

    def __call__(self, signal: Signal) -> Signal:
        """The clip that is passed to the model."""
        kept = signal[: self.longest] if self.longest else signal
        if (self.mean, self.deviation) == (0.0, 1.0):
            return kept
        return np.asarray((kept - self.mean) / self.deviation, dtype=np.float32)


@dataclass(kw_only=True)
class PreparedModel(LoadedSignalModel):
    """A model that gets preprocessed clips; see `Model`.

    Attributes:
        inner: the model
        preparation: what is done to clips
    """

    inner: Any
    preparation: Preparation

    @property
    def has_frames(self) -> bool:
        """Whether the inner model has frames."""
        return bool(getattr(self.inner, "has_frames", False))

    @property
    def packs_clips(self) -> bool:
        """Whether the inner model takes any number of clips at once."""
        return packs_clips(self.inner)

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores and layers of the prepared clips."""
        found: Outputs = self.inner.predict([self.preparation(s) for s in signals], layers=layers)
        return found

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Same as `predict` with layers, and the frames of the prepared clips."""
        found: tuple[Outputs, list[Frames]] = self.inner.predict_frames(
            [self.preparation(s) for s in signals]
        )
        return found


def prepared(model: LoadedSignalModel, preparation: Preparation) -> LoadedSignalModel:
    """A model that gets preprocessed clips; the model itself if there is no preprocessing."""
    if preparation == Preparation():
        return model
    settings = f"{FINGERPRINT_VERSION} {model.fingerprint} {preparation}"
    shared = {name: getattr(model, name) for name in LoadedSignalModel.__dataclass_fields__}
    fingerprint = hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()
    return PreparedModel(**{**shared, "fingerprint": fingerprint}, inner=model, preparation=preparation)
