"""A model that is attacked by the gradient of a copy of itself, or of another model (transfer)."""

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sertools.errors import ModelError
from sertools.models.derived.attacks import Differentiable, has_gradient
from sertools.models.loaded import LoadedSignalModel
from sertools.models.model import Model, Outputs, Signal

FINGERPRINT_VERSION = "attacks-1"
"""Increased whenever a change of the attacks changes results; part of the fingerprint."""


@dataclass(kw_only=True)
class AttackedModel(LoadedSignalModel):
    """A model, and the one whose gradient changes its input clips; see `Model`.

    Attributes:
        inner: the model that answers
        attacker: the model whose gradient is followed; a copy, because clips are changed while `inner`
            answers
    """

    inner: Any
    attacker: Differentiable

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals, unchanged here; attacks are applied earlier, when clips are decoded."""
        found: Outputs = self.inner.predict(signals, layers=layers)
        return found


def attacked_model(model: Model, surrogate: Model | None) -> AttackedModel:
    """A model with an attacker: the surrogate, or itself where there is none.

    Args:
        model: the model that answers
        surrogate: the model whose gradient is followed; None for the model itself

    Raises:
        ModelError: the attacker has no gradient, or another sampling rate
    """
    source = surrogate or model
    if not has_gradient(source):
        raise ModelError(
            f"{source.name} has no gradient with respect to the samples of a clip",
            hint="name a checkpoint of wav2vec 2.0, HuBERT or WavLM with --surrogate, or leave it out",
        )
    if source.sampling_rate != model.sampling_rate:
        raise ModelError(
            f"{source.name} takes {source.sampling_rate} Hz, but {model.name} {model.sampling_rate} Hz",
            hint="name a surrogate of the same sampling rate with --surrogate",
        )
    attacker: Any = copy.deepcopy(source)
    text = f"{FINGERPRINT_VERSION} {model.fingerprint} {source.fingerprint}"
    # models that are no dataclass of ours (functions of users) have the same fields by the protocol
    return AttackedModel(
        name=model.name,
        labels=tuple(model.labels),
        task=model.task,
        fingerprint=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        facts=model.facts,
        sampling_rate=model.sampling_rate,
        shortest=max(model.shortest, source.shortest),
        inner=model,
        attacker=attacker,
    )
