"""The weights of the wav2vec2 family laid out for `fast.py`: every layer as the matrices it multiplies by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

FAMILY = ("wav2vec2", "hubert", "unispeech", "unispeech-sat")
"""Architectures that are the same network; WavLM has another attention."""

ROWS = 16
"""In bf16, frames are filled up to a multiple of this: for every new shape of a product the CPU's library
compiles and keeps a program, so that clips of many lengths would cost more and more memory."""


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A layer norm: scale and shift of shape (d,), and what is added to the variance."""

    weight: "torch.Tensor"
    bias: "torch.Tensor"
    eps: float

    def __call__(self, states: "torch.Tensor") -> "torch.Tensor":
        """Rows of states scaled to zero mean and unit variance, (frames, d)."""
        from torch.nn.functional import layer_norm

        return layer_norm(states, (states.shape[-1],), self.weight, self.bias, self.eps)


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A matrix product and a shift: weight (out, in), bias (out,) or None.

    In bf16 the weight lies in the blocks that the CPU's library multiplies by, so that it is not rearranged
    for every clip.
    """

    weight: "torch.Tensor"
    bias: "torch.Tensor | None"

    def __call__(self, states: "torch.Tensor") -> "torch.Tensor":
        """States (frames, in) in the precision of the weight → (frames, out)."""
        import torch

        states = states.to(self.weight.dtype)
        if self.weight.is_mkldnn:
            product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
                states, self.weight, self.bias, "none", [], ""
            )
            return product
        return torch.nn.functional.linear(states, self.weight, self.bias)


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A convolution over time on (time, channels), without padding.

    Attributes:
        pieces: the kernel cut into matrices (taps · in, out) of at most `stride` taps each, so that every one
            multiplies a view of the input whose rows do not overlap
        bias: shape (out,), or None
        norm: after the convolution, or None
        kernel, stride: in rows of the input
    """

    pieces: tuple["torch.Tensor", ...]
    bias: "torch.Tensor | None"
    norm: Norm | None
    kernel: int
    stride: int


@dataclass(frozen=True, kw_only=True)
class FirstConvolution:
    """The convolution that hears the signal, always in fp32: one channel in, weight (out, kernel).

    `group` is its norm over the whole time axis, `norm` its norm over channels; one of them at most.
    """

    weight: "torch.Tensor"
    bias: "torch.Tensor | None"
    group: Norm | None
    norm: Norm | None
    kernel: int
    stride: int


@dataclass(frozen=True, kw_only=True)
class Positional:
    """The grouped positional convolution as a product of spectra.

    Attributes:
        spectrum: conjugate spectrum of the kernel, (frequencies, groups, in, out), complex
        bias: shape (d,)
        kernel: taps
        block: samples of one transform, of which block − kernel + 1 are kept
    """

    spectrum: "torch.Tensor"
    bias: "torch.Tensor"
    kernel: int
    block: int


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One transformer layer; query, key and value are one product."""

    attention: Linear
    output: Linear
    heads: int
    first_norm: Norm
    up: Linear
    down: Linear
    second_norm: Norm


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Convolutional front end and transformer, with the weights laid out for matrix products.

    Attributes:
        first: the convolution that hears the signal
        convolutions: the others
        feature_norm, projection: from the front end's channels to the transformer's
        positional: convolution whose output is added to the frames
        layers: of the transformer
        norm: before the layers, or after them where `norm_first`
        norm_first: whether each layer normalises its input (the large models) or its output
        dtype: of the factors of matrix products; sums, norms, softmax and states between layers are fp32
        rows: products have a multiple of so many rows
    """

    first: FirstConvolution
    convolutions: tuple[Convolution, ...]
    feature_norm: Norm | None
    projection: Linear
    positional: Positional
    layers: tuple[Layer, ...]
    norm: Norm
    norm_first: bool
    dtype: "torch.dtype"
    rows: int


def why_not(config: Any) -> str:
    """Why a configuration cannot go the fast way; empty where it can."""
    if config.model_type not in FAMILY:
        return f"{config.model_type} is another architecture"
    if config.feat_extract_activation != "gelu" or config.hidden_act != "gelu":
        return "its activation is not gelu"
    for setting in ("add_adapter", "adapter_attn_dim", "conv_pos_batch_norm"):
        if getattr(config, setting, None):
            return f"it has {setting}"
    return ""


def encoder(base: "torch.nn.Module", dtype: "torch.dtype") -> Encoder:
    """The fast form of a transformers module (Wav2Vec2Model, HubertModel, …); no random number enters.

    Args:
        base: the bare encoder module, in evaluation mode, whose configuration `why_not` accepts
        dtype: of the factors of matrix products
    """
    import torch

    module: Any = base
    config = module.config
    stack = module.encoder
    convolutions = list(module.feature_extractor.conv_layers)
    projection = module.feature_projection
    return Encoder(
        first=_first(convolutions[0]),
        convolutions=tuple(_convolution(layer, dtype) for layer in convolutions[1:]),
        feature_norm=_norm(getattr(projection, "layer_norm", None)),
        projection=_linear([projection.projection], dtype),
        positional=_positional(stack.pos_conv_embed.conv),
        layers=tuple(_layer(layer, config.num_attention_heads, dtype) for layer in stack.layers),
        norm=_norm(stack.layer_norm),  # type: ignore[arg-type] # both stacks have one
        norm_first=bool(config.do_stable_layer_norm),
        dtype=dtype,
        rows=ROWS if dtype == torch.bfloat16 else 1,
    )


def _norm(module: Any) -> Norm | None:
    if module is None:
        return None
    return Norm(weight=module.weight.detach(), bias=module.bias.detach(), eps=module.eps)


def _linear(modules: Sequence[Any], dtype: "torch.dtype") -> Linear:
    import torch

    weights, biases = zip(
        *((m.weight.detach().to(dtype), m.bias.detach().to(dtype)) for m in modules), strict=True
    )
    # alone, it stays where the module has it
    weight, bias = (each[0] if len(modules) == 1 else torch.cat(each) for each in (weights, biases))
    blocks = torch.ops.mkldnn
    # as torch's own compiler lays weights out; without these operations the product is the same, but slower
    if (
        dtype == torch.bfloat16
        and hasattr(blocks, "_linear_pointwise")
        and blocks._is_mkldnn_bf16_supported()
    ):
        weight = blocks._reorder_linear_weight(weight)
    return Linear(weight=weight, bias=bias)


def _first(module: Any) -> FirstConvolution:
    import torch

    norm = getattr(module, "layer_norm", None)
    over_time = isinstance(norm, torch.nn.GroupNorm)
    return FirstConvolution(
        weight=module.conv.weight.detach()[:, 0],
        bias=None if module.conv.bias is None else module.conv.bias.detach(),
        group=_norm(norm) if over_time else None,
        norm=None if over_time else _norm(norm),
        kernel=module.conv.kernel_size[0],
        stride=module.conv.stride[0],
    )


def _convolution(module: Any, dtype: "torch.dtype") -> Convolution:
    conv = module.conv
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    taps = conv.weight.detach().permute(2, 1, 0).to(dtype)  # (kernel, in, out)
    pieces = [taps[i : i + stride].reshape(-1, taps.shape[2]) for i in range(0, kernel, stride)]
    return Convolution(
        pieces=tuple(piece.contiguous() for piece in pieces),
        bias=None if conv.bias is None else conv.bias.detach().to(dtype),
        norm=_norm(getattr(module, "layer_norm", None)),
        kernel=kernel,
        stride=stride,
    )


def _positional(conv: Any) -> Positional:
    import torch

    kernel, groups = conv.kernel_size[0], conv.groups
    block = 1 << (2 * kernel - 1).bit_length()
    weight = conv.weight.detach()  # the weight norm is computed here, once: (d, d / groups, kernel)
    weight = weight.reshape(groups, -1, weight.shape[1], kernel)
    spectrum = torch.fft.rfft(weight, n=block).conj().permute(3, 0, 2, 1)
    return Positional(
        spectrum=spectrum.resolve_conj().contiguous(), bias=conv.bias.detach(), kernel=kernel, block=block
    )


def _layer(module: Any, heads: int, dtype: "torch.dtype") -> Layer:
    attention, feed_forward = module.attention, module.feed_forward
    return Layer(
        attention=_linear([attention.q_proj, attention.k_proj, attention.v_proj], dtype),
        output=_linear([attention.out_proj], dtype),
        heads=heads,
        first_norm=_norm(module.layer_norm),  # type: ignore[arg-type] # every layer has both
        up=_linear([feed_forward.intermediate_dense], dtype),
        down=_linear([feed_forward.output_dense], dtype),
        second_norm=_norm(module.final_layer_norm),  # type: ignore[arg-type] # every layer has both
    )
