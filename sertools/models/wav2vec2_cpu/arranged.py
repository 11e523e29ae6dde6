"""The wav2vec2 family's weights, arranged as one matrix per matrix product; made by `weights`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SPECTRA = 8
"""Blocks of frames in each product of the positional convolution; the last product is filled with zeros."""


@dataclass(frozen=True, kw_only=True)
class Norm:
    """A layer norm: scale and shift of shape (d,), and the epsilon added to the variance."""

    weight: "torch.Tensor"
    bias: "torch.Tensor"
    eps: float

    def __call__(self, states: "torch.Tensor") -> "torch.Tensor":
        """Each row of states (frames, d) normalised to mean 0 and variance 1, then scaled and shifted."""
        from torch.nn.functional import layer_norm

        return layer_norm(states, (states.shape[-1],), self.weight, self.bias, self.eps)


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A matrix product plus bias: weight (out, in), bias (out,) or None.

    In bf16 the weight is stored in the blocked format of the CPU library, so that it need not be rearranged
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
        pieces: the kernel split into matrices (taps · in, out) of at most `stride` taps each, so that each
            one multiplies a view of the input whose rows do not overlap
        bias: shape (out,), or None
        norm: applied after the convolution, or None
        kernel, stride: in rows of the input
    """

    pieces: tuple["torch.Tensor", ...]
    bias: "torch.Tensor | None"
    norm: Norm | None
    kernel: int
    stride: int


@dataclass(frozen=True, kw_only=True)
class FirstConvolution:
    """The first convolution, on the signal, always in fp32: one input channel, weight (out, kernel).

    `group` is a norm over the whole time axis, `norm` a norm over channels; at most one of them is set.
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
        block: length of one transform in frames, of which block − kernel + 1 are kept
    """

    spectrum: "torch.Tensor"
    bias: "torch.Tensor"
    kernel: int
    block: int


@dataclass(frozen=True, kw_only=True)
class Gate:
    """WavLM's gate of relative positions: weight (2, d / heads), bias (2,), scale (heads,), all fp32."""

    weight: "torch.Tensor"
    bias: "torch.Tensor"
    scale: "torch.Tensor"


@dataclass(frozen=True, kw_only=True)
class Distances:
    """WavLM's relative positions: values (buckets, heads), and the distance where the last bucket begins."""

    values: "torch.Tensor"
    furthest: int


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One transformer layer; `attention` computes query, key and value in one product.

    `gate` is set only for WavLM.
    """

    gate: Gate | None
    attention: Linear
    output: Linear
    heads: int
    first_norm: Norm
    up: Linear
    down: Linear
    second_norm: Norm


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Convolutional front end and transformer, with the weights arranged for matrix products.

    Attributes:
        first: the convolution on the signal
        convolutions: the other convolutions of the front end
        feature_norm, projection: from the front end's channels to the transformer's
        positional: convolution whose output is added to the frames
        layers: transformer layers
        norm: applied before the layers, or after them if `norm_first`
        norm_first: whether each layer normalises its input (large models) or its output
        distances: relative positions of WavLM, or None
        dtype: of the factors of products in the front end; each layer has its own; sums, norms, softmax and
            states between layers are fp32
        rows: the number of rows in a product is padded to a multiple of this
        sizes: numbers of rows for which rows of all products keep their bits, see `packing.same_bits`; empty
            if each clip has to be computed alone
        channels: of the front end
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
    rows: int
    sizes: tuple[int, ...]
    channels: int
