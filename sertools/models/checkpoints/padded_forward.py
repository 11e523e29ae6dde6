"""The forward pass of a transformers module on clips of different lengths, without any effect of padding."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sertools.models import padding
from sertools.models.checkpoints.inputs import MASK, Inputs, first_of, joined

if TYPE_CHECKING:
    import torch

FRAME_PADDED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")
"""Architectures in which a frame-level mask hides padding completely; all others run clip by clip.
(In data2vec-audio, stacked positional convolutions let padding affect the clip.)"""


def pads_frames(module: "torch.nn.Module") -> bool:
    """Whether clips of different lengths can share a forward pass of this module."""
    config: Any = module.config
    return config.model_type in FRAME_PADDED and not getattr(config, "add_adapter", False)


def states(
    module: "torch.nn.Module", inputs: Sequence[Inputs], *, layers: bool, dtype: "torch.dtype"
) -> tuple[Any, list[int] | None]:
    """Outputs of the module, and the number of each clip's own frames if there are others among them.

    Args:
        module: of transformers, in evaluation mode
        inputs: of each clip; of different shapes only where `pads_frames`
        layers: whether the hidden states of all layers are needed
        dtype: number format of matrix products
    """
    import torch

    network: Any = module
    device = first_of(inputs[0]).device
    lengths = [first_of(x).shape[1] for x in inputs]
    differ = len(set(lengths)) > 1
    if differ:
        batch, mask = padding.padded([first_of(x) for x in inputs], device)
        given = {MASK: mask}
    else:
        given = joined(inputs)
        batch = given.pop(next(iter(given)))
    base = getattr(network, getattr(network, "base_model_prefix", ""), network)
    encoder = getattr(base, "feature_extractor", None)
    if encoder is not None:
        base.feature_extractor = padding.clip_by_clip(encoder, lengths)
    wanted = {"output_hidden_states": True} if layers else {}
    try:
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            outputs = network(batch, **given, **wanted)
    finally:
        if encoder is not None:
            base.feature_extractor = encoder
    if differ:
        return outputs, [int(n) for n in base._get_feat_extract_output_lengths(torch.tensor(lengths))]
    last = outputs.hidden_states[-1] if layers else getattr(outputs, "last_hidden_state", None)
    return outputs, None if last is None else padding.unmasked_frames(given.get(MASK), last)
