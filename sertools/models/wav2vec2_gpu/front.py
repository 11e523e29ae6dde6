"""The convolutional front end for clips of similar lengths at once, as batched matrix products on views.

Clips are padded behind their last sample, and frames that would read the padding are cut off. The group norm
of the first layer is folded into its weights, for each clip with the moments of its own samples.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sertools.models.wav2vec2_cpu.arranged import Convolution, FirstConvolution
from sertools.models.wav2vec2_gpu.weights import GpuEncoder

if TYPE_CHECKING:
    import torch


def front(encoder: GpuEncoder, batch: "torch.Tensor", lengths: Sequence[int]) -> "torch.Tensor":
    """Output of the front end, (n, samples) → (n, frames, channels); frames beyond a clip's own mean nothing.

    Args:
        encoder: from `weights.encoder`
        batch: signals, fp32, zero behind the end of each clip
        lengths: samples of each clip, at least one of which is the width of the batch
    """
    import torch
    from torch.nn.functional import gelu

    first = encoder.first
    n = batch.shape[0]
    weight = first.weight.expand(n, *first.weight.shape)
    bias = (
        torch.zeros(n, len(first.weight), device=batch.device)
        if first.bias is None
        else first.bias.expand(n, -1)
    )
    if first.group is not None:
        batch, weight, bias = _folded(first, batch, lengths)
    windows = batch.unfold(1, first.kernel, first.stride)  # (n, time, kernel)
    rows = torch.baddbmm(bias[:, None], windows, weight.transpose(1, 2))
    if first.norm is not None:
        rows = first.norm(rows)
    rows = gelu(rows).to(encoder.dtype)
    for convolution in encoder.convolutions:
        rows = _convolved(convolution, rows)
        if convolution.norm is not None:
            rows = convolution.norm(rows.float()).to(encoder.dtype)
        rows = gelu(rows)
    return rows


def _folded(
    first: FirstConvolution, batch: "torch.Tensor", lengths: Sequence[int]
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Signals without their means, and each clip's weight (n, out, kernel) and bias (n, out) with its norm.

    With X the windows of the signal, the mean and variance over time of X w are m(X) w and wᵀ cov(X) w, with
    moments divided by the number of windows, in float64, as `wav2vec2_cpu.front` computes them.
    """
    import torch

    assert first.group is not None, "called only where there is one"
    samples = torch.tensor(lengths, device=batch.device)[:, None]
    own = torch.arange(batch.shape[1], device=batch.device)[None] < samples
    signal = batch.double()
    signal = torch.where(own, signal - signal.sum(dim=1, keepdim=True) / samples, 0.0)
    batch = signal.float()
    windows = batch.double().unfold(1, first.kernel, first.stride)
    counts = (samples - first.kernel) // first.stride + 1  # (n, 1)
    whole = torch.arange(windows.shape[1], device=batch.device)[None] < counts
    windows = torch.where(whole[..., None], windows, 0.0)
    mean = windows.sum(dim=1) / counts
    centred = torch.where(whole[..., None], windows - mean[:, None], 0.0)
    covariance = centred.transpose(1, 2) @ centred / counts[..., None]
    weight = first.weight.double()
    variance = torch.einsum("ok,nkl,ol->no", weight, covariance, weight)
    scale = first.group.weight.double() / torch.sqrt(variance + first.group.eps)
    folded = weight[None] * scale[..., None]
    bias = first.group.bias.double() - torch.einsum("nok,nk->no", folded, mean)
    return batch, folded.float(), bias.float()


def _convolved(convolution: Convolution, rows: "torch.Tensor") -> "torch.Tensor":
    """A convolution over time, (n, time, in) → (n, time, out): one batched product per piece."""
    import torch

    rows = rows.contiguous()
    n, time, channels = rows.shape
    stride = convolution.stride
    steps = (time - convolution.kernel) // stride + 1
    total: torch.Tensor | None = None
    for i, piece in enumerate(convolution.pieces):
        view = rows.as_strided(
            (n, steps, len(piece)),
            (time * channels, stride * channels, 1),
            rows.storage_offset() + i * stride * channels,
        )
        factor = piece.expand(n, *piece.shape)
        if total is not None:
            total = total.baddbmm_(view, factor)
        elif convolution.bias is None:
            total = torch.bmm(view, factor)
        else:
            total = torch.baddbmm(convolution.bias, view, factor)
    assert total is not None, "a kernel has a tap"
    return total
