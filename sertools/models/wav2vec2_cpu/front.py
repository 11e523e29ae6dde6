"""The convolutional front end of the wav2vec2 family, clip by clip, as strided matrix products on views.

The group norm of the first layer is folded into its weights, using moments of the signal.
"""

from typing import TYPE_CHECKING

from sertools.models.wav2vec2_cpu.arranged import Convolution, Encoder, FirstConvolution

if TYPE_CHECKING:
    import torch

CHUNK = 256
"""Number of frames that the front end computes at a time; bounds its memory use for clips of any length."""


def receptive_field(encoder: Encoder) -> tuple[int, int]:
    """Samples that a frame depends on, and samples from one frame to the next."""
    field, step = encoder.first.kernel, encoder.first.stride
    for convolution in encoder.convolutions:
        field += (convolution.kernel - 1) * step
        step *= convolution.stride
    return field, step


def frames_of(encoder: Encoder, samples: int) -> int:
    """Number of frames of a clip of so many samples."""
    field, step = receptive_field(encoder)
    return (samples - field) // step + 1


def gelu_(states: "torch.Tensor") -> "torch.Tensor":
    """GELU in place, without another tensor of this size."""
    import torch

    activated: torch.Tensor = torch.ops.aten.gelu_(states)
    return activated


def front(encoder: Encoder, signal: "torch.Tensor") -> "torch.Tensor":
    """Output of the front end for one clip, (samples,) → (frames, channels), computed in chunks of frames.

    A frame depends only on its receptive field, once the moments of the whole clip are known. Where chunks
    begin depends on the clip alone, so that its frames have the same bits in any batch.
    """
    import torch
    from torch.nn.functional import pad

    first = encoder.first
    weight, bias = first.weight, first.bias
    if first.group is not None:
        # the norm removes any constant offset; subtracting it first avoids cancellation in fp32
        signal = (signal.double() - signal.double().mean()).float()
        weight, bias = _folded(first, signal)
    field, step = receptive_field(encoder)
    frames = frames_of(encoder, len(signal))
    parts = []
    for start in range(0, frames, CHUNK):
        stop = min(start + CHUNK, frames)
        samples = signal[start * step : (stop - 1) * step + field]
        filler = (start - stop) % encoder.rows
        parts.append(_chunk(encoder, pad(samples, (0, filler * step)), weight, bias)[: stop - start])
    return parts[0] if len(parts) == 1 else torch.cat(parts)


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
    from torch.nn.functional import linear

    first = encoder.first
    rows = linear(signal.unfold(0, first.kernel, first.stride), weight, bias)
    if first.norm is not None:
        rows = first.norm(rows)
    rows = gelu_(rows).to(encoder.dtype)
    for convolution in encoder.convolutions:
        rows = _convolved(convolution, rows)
        if convolution.norm is not None:
            rows = convolution.norm(rows)
        rows = gelu_(rows)
    return rows


def _convolved(convolution: Convolution, rows: "torch.Tensor") -> "torch.Tensor":
    """A convolution over time, (time, in) → (time, out): one matrix product per piece, without copying."""
    import torch

    channels, stride = rows.shape[1], convolution.stride
    n = (len(rows) - convolution.kernel) // stride + 1
    total: torch.Tensor | None = None
    for i, piece in enumerate(convolution.pieces):
        view = rows.as_strided(
            (n, len(piece)), (stride * channels, 1), rows.storage_offset() + i * stride * channels
        )
        if total is not None:
            total.addmm_(view, piece)
        elif convolution.bias is None:
            total = view @ piece
        else:
            total = torch.addmm(convolution.bias, view, piece)
    assert total is not None, "a kernel has a tap"
    return total
