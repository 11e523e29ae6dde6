"""Exact CPU inference for the wav2vec2 family, several times faster than one clip at a time.

The frames of all clips in a batch form one matrix (frames, channels) without padding; only attention, the
convolutional front end and the positional convolution work on each clip separately. The front end consists of
strided matrix products on views of a clip's frames, the positional convolution is a product in the frequency
domain, and the group norm of the first layer is folded into its weights, using moments of the signal.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sertools.models.wav2vec2_cpu.weights import (
    Convolution,
    Encoder,
    FirstConvolution,
    Layer,
    Positional,
)

if TYPE_CHECKING:
    import torch

CHUNK = 256
"""Number of frames that the front end computes at a time; bounds its memory use for clips of any length."""


def states(encoder: Encoder, signals: Sequence["torch.Tensor"]) -> Iterator[list["torch.Tensor"]]:
    """Yields the hidden states layer by layer, then the encoder's output, which may equal the last of them.

    Args:
        encoder: as made by `layout.encoder`
        signals: each (samples,), fp32, at least as long as the receptive field

    Yields:
        one matrix (frames, d), fp32, per signal; the first yield is the input of the first layer
    """
    import torch

    front = [_front(encoder, signal) for signal in signals]
    n, filler = len(front), -sum(map(len, front)) % encoder.rows
    if filler:  # a dummy clip, whose output is discarded
        front.append(front[0].new_zeros(filler, front[0].shape[1]))
    frames = [len(features) for features in front]
    packed = _packed(front)
    if encoder.feature_norm is not None:
        packed = encoder.feature_norm(packed)
    packed = encoder.projection(packed).float()
    packed = packed + _position(encoder.positional, packed, frames)
    if not encoder.norm_first:
        packed = encoder.norm(packed)
    yield list(torch.split(packed, frames))[:n]
    for layer in encoder.layers:
        packed = (_norm_first if encoder.norm_first else _norm_last)(layer, packed, frames)
        yield list(torch.split(packed, frames))[:n]
    yield list(torch.split(encoder.norm(packed) if encoder.norm_first else packed, frames))[:n]


def means(encoder: Encoder, signals: Sequence["torch.Tensor"]) -> "tuple[torch.Tensor, torch.Tensor]":
    """Means over time, fp32: of the encoder's output (n, d), and of every hidden state (n, l, d)."""
    last, layers, _ = means_and_frames(encoder, signals, keep=False)
    return last, layers


def means_and_frames(
    encoder: Encoder, signals: Sequence["torch.Tensor"], *, keep: bool
) -> "tuple[torch.Tensor, torch.Tensor, list[list[torch.Tensor]]]":
    """Same as `means`; with `keep`, also the hidden states by layer and clip, each (frames, d)."""
    import torch

    pooled, frames = [], []
    for clips in states(encoder, signals):
        pooled.append(torch.stack([clip.mean(dim=0) for clip in clips]))
        if keep:
            frames.append(clips)
    return pooled[-1], torch.stack(pooled[:-1], dim=1), frames[:-1]


def _packed(parts: Sequence["torch.Tensor"]) -> "torch.Tensor":
    import torch

    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _front(encoder: Encoder, signal: "torch.Tensor") -> "torch.Tensor":
    """Output of the front end for one clip, (samples,) → (frames, channels), computed in chunks of frames.

    A frame depends only on its receptive field, once the moments of the whole clip are known.
    """
    from torch.nn.functional import pad

    first = encoder.first
    weight, bias = first.weight, first.bias
    if first.group is not None:
        # the norm removes any constant offset; subtracting it first avoids cancellation in fp32
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
        samples = signal[start * step : (stop - 1) * step + field]
        filler = (start - stop) % encoder.rows
        parts.append(_chunk(encoder, pad(samples, (0, filler * step)), weight, bias)[: stop - start])
    return _packed(parts)


def _folded(first: FirstConvolution, signal: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """Weight and bias of the first convolution with its group norm folded in, for this clip.

    With X the windows of the signal, the mean and variance over time of X w are m(X) w and wᵀ cov(X) w, with
    moments divided by the number of windows, in float64. A bias of the convolution shifts only the mean,
    which the norm removes.
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
    """A convolution over time, (time, in) → (time, out): one matrix product per piece, without copying."""
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
    kernel − 1; a block's spectrum times the kernel's conjugate spectrum gives their circular correlation,
    whose first block − kernel + 1 values are free of wrap-around.
    """
    import torch
    from torch.nn.functional import gelu, pad

    step = positional.block - positional.kernel + 1
    counts = [-(-n // step) for n in frames]
    blocks = []
    for clip, n, count in zip(torch.split(packed, list(frames)), frames, counts, strict=True):
        left = positional.kernel // 2
        padded = pad(clip, (0, 0, left, (count - 1) * step + positional.block - n - left))
        blocks.append(padded.unfold(0, positional.block, step))  # (blocks, d, block)
    spectra = torch.fft.rfft(_packed(blocks))
    frequencies, groups, inner, _ = positional.spectrum.shape
    spectra = spectra.view(-1, groups, inner, frequencies).permute(3, 1, 0, 2)
    product = torch.matmul(spectra, positional.spectrum)  # (frequencies, groups, blocks, out)
    product = product.permute(2, 1, 3, 0).reshape(sum(counts), -1, frequencies)
    moved = torch.fft.irfft(product, n=positional.block)[..., :step].transpose(1, 2)
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
    """Self-attention within each clip separately, so that no mask is needed."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    joint = layer.attention(packed)
    joint = joint.view(len(packed), 3, layer.heads, -1)
    clips = []
    for clip in torch.split(joint, list(frames)):
        query, key, value = clip.permute(1, 2, 0, 3)[:, None]  # each (1, heads, frames, d / heads)
        clips.append(scaled_dot_product_attention(query, key, value)[0].transpose(0, 1).flatten(1))
    return layer.output(_packed(clips))
