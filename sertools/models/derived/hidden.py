"""The hidden layer of a model's head, read like a layer of an encoder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeIs

from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Model, Outputs, Signal, hears

FINGERPRINT_VERSION = "hidden-1"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


class WithHead(Model, Protocol):
    """A model whose head can be read."""

    def hidden(self, signals: Sequence[Signal]) -> NDArray[np.float32]:
        """The input of the head's last layer for each signal, shape (n, d)."""
        ...


@dataclass(kw_only=True)
class HiddenReader(LoadedSignalModel):
    """A bare encoder whose only layer is the input of the last layer of a head; see `Model`.

    Attributes:
        inner: the model with the head
    """

    inner: Any
    longest: int | None = None
    has_frames = False

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """No scores; the layer has the shape (n, 1, d)."""
        found = self.inner.hidden(signals)[:, None] if layers else None
        return Outputs(scores=np.zeros((len(signals), 0), np.float32), layers=found)


def has_hidden(model: object) -> TypeIs[WithHead]:
    """Whether the input of the last layer of a model's head is accessible."""
    return (
        hears(model) and callable(getattr(model, "hidden", None)) and getattr(model, "task", "") != "encoder"
    )


def hidden_reader(model: WithHead) -> HiddenReader:
    """A model with the hidden layer of another's head as its only layer."""
    settings = f"{FINGERPRINT_VERSION} {model.fingerprint}"
    return HiddenReader(
        name=model.name,
        labels=(),
        task="encoder",
        sampling_rate=model.sampling_rate,
        shortest=model.shortest,
        fingerprint=hashlib.blake2b(settings.encode(), digest_size=16).hexdigest(),
        facts=model.facts,
        inner=model,
        longest=getattr(model, "longest", None),
    )
