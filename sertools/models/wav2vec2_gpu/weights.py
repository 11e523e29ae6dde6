"""Arranges the weights of the wav2vec2 family for packed passes on a graphics card, in fp32 or bf16."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sertools.models.wav2vec2_cpu.arranged import (
    Convolution,
    Distances,
    FirstConvolution,
    Layer,
    Linear,
    Norm,
)
from sertools.models.wav2vec2_cpu.weights import (
    convolution_of,
    distances_of,
    dtypes_of,
    first_of,
    layer_of,
    linear_of,
    norm_of,
)

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Positional:
    """The grouped positional convolution: weight (d, d / groups, kernel), bias (d,) in fp32, groups."""

    weight: "torch.Tensor"
    bias: "torch.Tensor"
    groups: int


@dataclass(kw_only=True)
class Budget:
    """The most frames that are computed at once; halved for good when memory runs out.

    Attributes:
        frames: of the clips of one pass, padding of the front end included
    """

    frames: int


@dataclass(frozen=True, kw_only=True)
class GpuEncoder:
    """Convolutional front end and transformer on a device; fields as those of `wav2vec2_cpu.weights.Encoder`.

    Attributes:
        budget: how many frames fit into memory at once
    """

    first: FirstConvolution
    convolutions: tuple[Convolution, ...]
    feature_norm: Norm | None
    projection: Linear
    positional: Positional
    layers: tuple[Layer, ...]
    norm: Norm
    norm_first: bool
    distances: Distances | None
    dtype: "torch.dtype"
    budget: Budget


BYTES_PER_FRAME = 400_000
"""Memory that a frame takes at most in the first layers of the front end, with 512 channels."""

MOST_FRAMES = 32_768
"""More frames at once would not be faster."""


def encoder(base: "torch.nn.Module", dtype: "torch.dtype", exact: Sequence[str] = ()) -> GpuEncoder:
    """The packed form of a transformers module (Wav2Vec2Model, WavLMModel, …) on its device.

    Args:
        base: the bare encoder module, in evaluation mode, whose configuration `why_not` accepts
        dtype: of weights and of the factors of products; sums, norms and states between layers are fp32
        exact: parts that stay in fp32, see `wav2vec2_cpu.weights`
    """
    module: Any = base
    config, stack, projection = module.config, module.encoder, module.feature_projection
    convolutions = list(module.feature_extractor.conv_layers)
    conv, heads = stack.pos_conv_embed.conv, config.num_attention_heads
    of_front, of_layers = dtypes_of(len(stack.layers), dtype, exact)
    return GpuEncoder(
        first=first_of(convolutions[0]),
        convolutions=tuple(convolution_of(layer, of_front) for layer in convolutions[1:]),
        feature_norm=norm_of(getattr(projection, "layer_norm", None)),
        projection=linear_of([projection.projection], of_front),
        positional=Positional(
            weight=conv.weight.detach().to(of_front), bias=conv.bias.detach(), groups=conv.groups
        ),
        layers=tuple(layer_of(*each, heads) for each in zip(stack.layers, of_layers, strict=True)),
        norm=norm_of(stack.layer_norm),  # type: ignore[arg-type] # both kinds of encoder have one
        norm_first=bool(config.do_stable_layer_norm),
        distances=distances_of(stack.layers[0].attention, config),
        dtype=of_front,
        budget=Budget(frames=frames_that_fit(stack.layer_norm.weight.device)),
    )


def frames_that_fit(device: "torch.device") -> int:
    """Frames for which half of the free memory of a device is enough."""
    import torch

    if device.type != "cuda":
        return MOST_FRAMES
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(MOST_FRAMES, free // 2 // BYTES_PER_FRAME))
