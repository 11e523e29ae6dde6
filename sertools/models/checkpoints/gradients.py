"""The forward pass of a transformers checkpoint as a function of the samples, for gradients."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.errors import ModelError
from sertools.models.checkpoints import padded_forward
from sertools.models.checkpoints.inputs import first_of, inputs_of

if TYPE_CHECKING:
    import torch

EPSILON = 1e-7
"""Added to the variance of a clip before it is divided by, as in transformers."""

CLOSE = 1e-3
"""Largest difference between the samples that the extractor gives and those that are made here."""


def logits(model: Any, signal: "torch.Tensor") -> "torch.Tensor":
    """Logits (c,) of one signal, in fp32, through the network of the checkpoint.

    Args:
        model: a loaded checkpoint of transformers
        signal: samples on the model's device, shape (samples,)

    Raises:
        ModelError: the network does not take samples, so that its input has no gradient here
    """
    import torch

    module = model.network.module
    samples = signal.detach().cpu().numpy().astype(np.float32)
    inputs = inputs_of(
        model.extractor,
        samples,
        rate=model.sampling_rate,
        module=module,
        device=model.device,
        masked=not padded_forward.pads_frames(module),
    )
    given = first_of(inputs)
    made = _scaled(signal, bool(getattr(model.extractor, "do_normalize", False)))[None]
    if given.shape != made.shape or (given - made).abs().max() > CLOSE:
        raise ModelError(f"{model.name} does not read the samples of a clip, so they have no gradient")
    inputs[next(iter(inputs))] = made
    network = model.network
    outputs, frames = padded_forward.states(
        module, [inputs], layers=network.reads_all_layers, dtype=torch.float32
    )
    native = network.layout == "native"
    if not native and network.head is None:
        raise ModelError(f"{model.name} is a bare encoder: it has no answer that a gradient could move")
    found: torch.Tensor = (outputs.logits if native else network.logits(outputs, frames)).float()
    return found[0]


def _scaled(signal: "torch.Tensor", normalised: bool) -> "torch.Tensor":
    """The signal with mean 0 and variance 1, if the checkpoint wants that."""
    if not normalised:
        return signal
    return (signal - signal.mean()) / (signal.var(correction=0) + EPSILON).sqrt()
