"""The wav2vec2 family on a CPU, exactly and several times faster than one clip at a time.

Frames of all clips of a batch stand in one matrix (frames, channels) without padding; only attention and the
two convolutions look at a clip by itself. The convolutional front end is strided matrix products on views of
that matrix, the positional convolution a product in the frequency domain, and the group norm of the first
layer is folded into its weights, from moments of the signal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

FAMILY = ("wav2vec2", "hubert", "unispeech", "unispeech-sat")
"""Architectures that are the same network; WavLM has another attention."""

CHUNK = 256
"""Frames that the front end computes at a time: what bounds its memory, whatever the clip's length."""


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
    """A matrix product and a shift: weight (out, in), bias (out,) or None."""

    weight: "torch.Tensor"
    bias: "torch.Tensor | None"

    def __call__(self, states: "torch.Tensor") -> "torch.Tensor":
        """States (frames, in) in the precision of the weight → (frames, out)."""
        from torch.nn.functional import linear

        return linear(states.to(self.weight.dtype), self.weight, self.bias)


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
    )


def _norm(module: Any) -> Norm | None:
    if module is None:
        return None
    return Norm(weight=module.weight.detach(), bias=module.bias.detach(), eps=module.eps)


def _linear(modules: Sequence[Any], dtype: "torch.dtype") -> Linear:
    import torch

    weights = [module.weight.detach().to(dtype) for module in modules]
    biases = [module.bias.detach().to(dtype) for module in modules]
    if len(modules) == 1:
        return Linear(weight=weights[0], bias=biases[0])
    return Linear(weight=torch.cat(weights), bias=torch.cat(biases))


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


def states(encoder: Encoder, signals: Sequence["torch.Tensor"]) -> Iterator[list["torch.Tensor"]]:
    """The hidden states of every layer in turn, then the encoder's output, which may be the last of them.

    Args:
        encoder: from `encoder`
        signals: each (samples,), fp32, at least as long as the receptive field

    Yields:
        one matrix (frames, d), fp32, per signal; the first are what the first layer reads
    """
    import torch

    front = [_front(encoder, signal) for signal in signals]
    frames = [len(features) for features in front]
    packed = _packed(front)
    if encoder.feature_norm is not None:
        packed = encoder.feature_norm(packed)
    packed = encoder.projection(packed).float()
    packed = packed + _position(encoder.positional, packed, frames)
    if not encoder.norm_first:
        packed = encoder.norm(packed)
    yield list(torch.split(packed, frames))
    for layer in encoder.layers:
        packed = (_norm_first if encoder.norm_first else _norm_last)(layer, packed, frames)
        yield list(torch.split(packed, frames))
    yield list(torch.split(encoder.norm(packed) if encoder.norm_first else packed, frames))


def means(encoder: Encoder, signals: Sequence["torch.Tensor"]) -> "tuple[torch.Tensor, torch.Tensor]":
    """Means over time, fp32: of the encoder's output (n, d), and of every hidden state (n, l, d)."""
    import torch

    pooled = [torch.stack([clip.mean(dim=0) for clip in clips]) for clips in states(encoder, signals)]
    return pooled[-1], torch.stack(pooled[:-1], dim=1)


def _packed(parts: Sequence["torch.Tensor"]) -> "torch.Tensor":
    import torch

    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _front(encoder: Encoder, signal: "torch.Tensor") -> "torch.Tensor":
    """The front end of one clip, (samples,) → (frames, channels), some frames at a time.

    A frame depends on its receptive field alone, once the moments of the whole clip are known.
    """
    first = encoder.first
    weight, bias = first.weight, first.bias
    if first.group is not None:
        # a constant does not get through the norm; without it, nothing large cancels in fp32
        signal = (signal.double() - signal.double().mean()).float()
        weight, bias = _folded(first, signal)
    field, step = first.kernel, first.stride
    for convolution in encoder.convolutions:
        field += (convolution.kernel - 1) * step
        step *= convolution.stride
    frames = (len(signal) - field) // step + 1
    parts = []
    for start in range(0, frames, CHUNK):
        stop = min(start + CHUNK, frames)
        heard = signal[start * step : (stop - 1) * step + field]
        parts.append(_chunk(encoder, heard, weight, bias))
    return _packed(parts)


def _folded(first: FirstConvolution, signal: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """Weight and bias of the first convolution with its group norm in them, for this clip.

    With X the windows of the signal, mean and variance over time of X w are those of X, multiplied by w:
    m(X) w and wᵀ cov(X) w, moments divided by the number of windows, in float64. A bias of the convolution
    moves the mean alone, which the norm takes away.
    """
    import torch

    assert first.group is not None, "called only where there is one"
    windows = signal.double().unfold(0, first.kernel, first.stride)
    mean = windows.mean(dim=0)
    centred = windows - mean
    covariance = centred.T @ centred / len(windows)
    weight = first.weight.double()
    variance = ((weight @ covariance) * weight).sum(dim=1)
    scale = first.group.weight.double() / torch.sqrt(variance + first.group.eps)
    folded = weight * scale[:, None]
    return folded.float(), (first.group.bias.double() - folded @ mean).float()


def _chunk(
    encoder: Encoder, signal: "torch.Tensor", weight: "torch.Tensor", bias: "torch.Tensor | None"
) -> "torch.Tensor":
    from torch.nn.functional import gelu, linear

    first = encoder.first
    rows = linear(signal.unfold(0, first.kernel, first.stride), weight, bias)
    if first.norm is not None:
        rows = first.norm(rows)
    rows = gelu(rows).to(encoder.dtype)
    for convolution in encoder.convolutions:
        rows = _convolved(convolution, rows)
        if convolution.norm is not None:
            rows = convolution.norm(rows)
        rows = gelu(rows)
    return rows


def _convolved(convolution: Convolution, rows: "torch.Tensor") -> "torch.Tensor":
    """A convolution over time, (time, in) → (time, out): one matrix product per piece, and no copy."""
    import torch

    channels, stride = rows.shape[1], convolution.stride
    n = (len(rows) - convolution.kernel) // stride + 1
    total: torch.Tensor | None = convolution.bias
    for i, piece in enumerate(convolution.pieces):
        view = rows.as_strided(
            (n, len(piece)), (stride * channels, 1), rows.storage_offset() + i * stride * channels
        )
        total = view @ piece if total is None else torch.addmm(total, view, piece)
    assert total is not None, "a kernel has a tap"
    return total


def _position(positional: Positional, packed: "torch.Tensor", frames: Sequence[int]) -> "torch.Tensor":
    """GELU of the positional convolution of each clip, (frames, d) → (frames, d), in fp32.

    Overlap-save: each clip, padded by kernel // 2 on both sides, is cut into blocks that overlap by
    kernel − 1; a block's spectrum times the kernel's conjugate spectrum is their correlation, whose first
    block − kernel + 1 values have not wrapped round.
    """
    import torch
    from torch.nn.functional import gelu, pad

    kept = positional.block - positional.kernel + 1
    counts = [-(-n // kept) for n in frames]
    blocks = []
    for clip, n, count in zip(torch.split(packed, list(frames)), frames, counts, strict=True):
        left = positional.kernel // 2
        padded = pad(clip, (0, 0, left, (count - 1) * kept + positional.block - n - left))
        blocks.append(padded.unfold(0, positional.block, kept))  # (blocks, d, block)
    spectra = torch.fft.rfft(_packed(blocks))
    frequencies, groups, inner, _ = positional.spectrum.shape
    spectra = spectra.view(-1, groups, inner, frequencies).permute(3, 1, 0, 2)
    product = torch.matmul(spectra, positional.spectrum)  # (frequencies, groups, blocks, out)
    product = product.permute(2, 1, 3, 0).reshape(sum(counts), -1, frequencies)
    moved = torch.fft.irfft(product, n=positional.block)[..., :kept].transpose(1, 2)
    clips = [
        part.reshape(-1, packed.shape[1])[:n]
        for part, n in zip(torch.split(moved, counts), frames, strict=True)
    ]
    return gelu(_packed(clips) + positional.bias)


def _norm_first(layer: Layer, packed: "torch.Tensor", frames: Sequence[int]) -> "torch.Tensor":
    packed = packed + _attended(layer, layer.first_norm(packed), frames)
    return packed + _fed_forward(layer, layer.second_norm(packed))


def _norm_last(layer: Layer, packed: "torch.Tensor", frames: Sequence[int]) -> "torch.Tensor":
    packed = layer.first_norm(packed + _attended(layer, packed, frames))
    return layer.second_norm(packed + _fed_forward(layer, packed))


def _fed_forward(layer: Layer, packed: "torch.Tensor") -> "torch.Tensor":
    from torch.nn.functional import gelu

    return layer.down(gelu(layer.up(packed)))


def _attended(layer: Layer, packed: "torch.Tensor", frames: Sequence[int]) -> "torch.Tensor":
    """Self-attention of each clip over its own frames, so that no mask is needed."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    joint = layer.attention(packed)
    joint = joint.view(len(packed), 3, layer.heads, -1)
    clips = []
    for clip in torch.split(joint, list(frames)):
        query, key, value = clip.permute(1, 2, 0, 3)[:, None]  # each (1, heads, frames, d / heads)
        clips.append(scaled_dot_product_attention(query, key, value)[0].transpose(0, 1).flatten(1))
    return layer.output(_packed(clips))
