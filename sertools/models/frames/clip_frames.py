"""Frames of clips of different lengths in one batch, each as if its clip were alone, with gradients.

`checkpoints/padded_forward.py` does the same without gradients.
"""

import warnings
from typing import TYPE_CHECKING, Any

from sertools.models.checkpoints.padded_forward import pads_frames
from sertools.models.padding import clip_by_clip

if TYPE_CHECKING:
    import torch

HARMLESS = "Support for mismatched key_padding_mask"
"""Warning of torch about the masks that transformers gives to WavLM."""


def frame_counts(encoder: Any, lengths: "torch.Tensor") -> "torch.Tensor":
    """Frames of clips with these numbers of samples, shape (n,)."""
    found: torch.Tensor = encoder._get_feat_extract_output_lengths(lengths)
    return found


def features(encoder: Any, signals: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
    """Outputs of the convolutional encoder, shape (n, frames, channels), for each clip as if it were alone.

    Group norm, as in wav2vec2-base, averages over time, so such encoders run clip by clip. Layer norm does
    not, and a convolution without padding reads a clip's own samples only.
    """
    import torch

    network = encoder.feature_extractor
    with torch.set_grad_enabled(
        torch.is_grad_enabled() and any(p.requires_grad for p in network.parameters())
    ):
        if (
            getattr(encoder.config, "feat_extract_norm", "layer") == "layer"
            or len(set(lengths.tolist())) == 1
        ):
            found = network(signals)
        else:
            found = clip_by_clip(network, lengths.tolist())(signals)
    frames: torch.Tensor = found.transpose(1, 2)
    return frames


def projected(encoder: Any, found: "torch.Tensor") -> "torch.Tensor":
    """Inputs of the transformer, shape (n, frames, hidden), from the outputs of the convolutional encoder."""
    made = encoder.feature_projection(found)
    states: torch.Tensor = made[0] if isinstance(made, tuple) else made
    return states


def contextual(encoder: Any, states: "torch.Tensor", frames: "torch.Tensor") -> "tuple[torch.Tensor, ...]":
    """States of all layers, each (n, frames, hidden), the input of the first layer first; padding is hidden.

    The last is the output of the encoder, after its last norm if it has one there.

    Args:
        encoder: module of transformers
        states: inputs of the transformer
        frames: number of each clip's own frames, shape (n,)
    """
    import torch

    counts = frames.tolist()
    if len(set(counts)) == 1:
        return _layers(encoder, states)
    if pads_frames(encoder):
        return _layers(encoder, states, own_frames(frames, states.shape[1]))
    alone = [_layers(encoder, states[i : i + 1, :n]) for i, n in enumerate(counts)]
    longest = states.shape[1]
    return tuple(
        torch.cat([torch.nn.functional.pad(x, (0, 0, 0, longest - x.shape[1])) for x in layer])
        for layer in zip(*alone, strict=True)
    )


def _layers(
    encoder: Any, states: "torch.Tensor", mask: "torch.Tensor | None" = None
) -> "tuple[torch.Tensor, ...]":
    """The inputs of all layers, and the output of the last."""
    found: list[torch.Tensor] = []

    def keep(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        found.append(given[0] if given else named["hidden_states"])

    hooks = [layer.register_forward_pre_hook(keep, with_kwargs=True) for layer in encoder.encoder.layers]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=HARMLESS)
            last = encoder.encoder(states, attention_mask=mask).last_hidden_state
    finally:
        for hook in hooks:
            hook.remove()
    return (*found, last)


def own_frames(frames: "torch.Tensor", longest: int) -> "torch.Tensor":
    """True for a clip's own frames, shape (n, longest), from their numbers (n,)."""
    import torch

    found: torch.Tensor = torch.arange(longest, device=frames.device)[None] < frames[:, None]
    return found


def masked_mean(states: "torch.Tensor", frames: "torch.Tensor") -> "torch.Tensor":
    """Mean over each clip's own frames, (n, frames, d) → (n, d)."""
    own = own_frames(frames, states.shape[1]).unsqueeze(-1)
    found: torch.Tensor = (states * own).sum(1) / frames.unsqueeze(-1)
    return found
