"""Exact CPU inference for the wav2vec2 family, several times faster than one clip at a time.

The frames of many clips form one matrix (frames, channels) without padding, which every linear layer
multiplies in blocks of a fixed number of rows; see `packing`. Only attention, the convolutional front end and
the positional convolution, a product in the frequency domain, work on each clip separately. The results of a
clip have the same bits in any batch, in any order, and with any number of threads: packs are computed
by threads side by side, each of which uses one core.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from sertools.models.wav2vec2_cpu.arranged import SPECTRA, Encoder, Layer, Positional
from sertools.models.wav2vec2_cpu.attention import attended, position_biases
from sertools.models.wav2vec2_cpu.front import frames_of, front, gelu_
from sertools.models.wav2vec2_cpu.packing import blocks, filled, packs
from sertools.threads import side_by_side

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Computed:
    """The encoder output for one clip.

    Attributes:
        last: mean over time of its output, (d,)
        layers: mean over time of every hidden state, (l, d); the first is the input of the first layer
        frames: every hidden state, l times (frames, d); empty if they are not kept
    """

    last: "torch.Tensor"
    layers: "torch.Tensor"
    frames: "tuple[torch.Tensor, ...]"


def means(encoder: Encoder, signals: Sequence["torch.Tensor"]) -> "tuple[torch.Tensor, torch.Tensor]":
    """Means over time, fp32: of the encoder's output (n, d), and of every hidden state (n, l, d)."""
    import torch

    found = computed(encoder, signals)
    return torch.stack([clip.last for clip in found]), torch.stack([clip.layers for clip in found])


def computed(encoder: Encoder, signals: Sequence["torch.Tensor"], *, keep: bool = False) -> list[Computed]:
    """The encoder output for each clip, in order.

    Args:
        encoder: as made by `weights.encoder`
        signals: each (samples,), fp32, at least as long as the receptive field
        keep: whether to keep the frames of hidden states
    """
    import torch

    frames = [frames_of(encoder, len(signal)) for signal in signals]
    together = packs(frames, encoder.sizes, torch.get_num_threads())
    tasks = [partial(computed_together, encoder, [signals[i] for i in pack], keep=keep) for pack in together]
    clips = zip(chain(*together), chain(*side_by_side(tasks)), strict=True)
    found = dict(clips)
    return [found[i] for i in range(len(signals))]


def computed_together(encoder: Encoder, signals: Sequence["torch.Tensor"], *, keep: bool) -> list[Computed]:
    """The encoder output for the clips of one pack."""
    import torch

    frames = [frames_of(encoder, len(signal)) for signal in signals]
    rows = filled(sum(frames), encoder.sizes, encoder.rows)
    cuts = list(blocks(rows, encoder.sizes))
    packed = _projected(encoder, signals, frames, rows, cuts)
    packed += _position(encoder.positional, packed, frames)
    if not encoder.norm_first:
        packed = encoder.norm(packed)
    biases = position_biases(encoder.distances, frames)
    pooled, kept = [_pooled(packed, frames)], [packed.clone()] if keep else []
    for layer in encoder.layers:
        _transformed(layer, packed, frames, cuts, biases, norm_first=encoder.norm_first)
        pooled.append(_pooled(packed, frames))
        if keep:
            kept.append(packed.clone())
    last = _pooled(encoder.norm(packed), frames) if encoder.norm_first else pooled[-1]
    layers = torch.stack(pooled, dim=1)
    by_clip = zip(*(torch.split(state, [*frames, rows - sum(frames)]) for state in kept), strict=True)
    states = [tuple(clip) for clip in by_clip] if keep else [()] * len(frames)
    return [Computed(last=last[i], layers=layers[i], frames=states[i]) for i in range(len(frames))]


def _projected(
    encoder: Encoder,
    signals: Sequence["torch.Tensor"],
    frames: Sequence[int],
    rows: int,
    cuts: Sequence[tuple[int, int]],
) -> "torch.Tensor":
    """The output of the front end as input of the transformer, packed into (rows, d), fp32."""
    import torch

    weight = encoder.positional.bias
    packed = torch.zeros(rows, len(weight))
    features = torch.zeros(rows, encoder.channels, dtype=encoder.dtype)
    for signal, part in zip(signals, torch.split(features, [*frames, rows - sum(frames)]), strict=False):
        part.copy_(front(encoder, signal))
    for start, stop in cuts:
        block = features[start:stop]
        if encoder.feature_norm is not None:
            block = encoder.feature_norm(block)
        packed[start:stop] = encoder.projection(block)
    return packed


def _pooled(packed: "torch.Tensor", frames: Sequence[int]) -> "torch.Tensor":
    import torch

    clips = torch.split(packed, [*frames, len(packed) - sum(frames)])
    return torch.stack([clip.mean(dim=0) for clip in clips[: len(frames)]])


def _position(positional: Positional, packed: "torch.Tensor", frames: Sequence[int]) -> "torch.Tensor":
    """GELU of the positional convolution of each clip, (rows, d) → (rows, d), in fp32; zero beyond the clips.

    Overlap-save: each clip, padded by kernel // 2 on both sides, is cut into blocks that overlap by
    kernel − 1; a block's spectrum times the kernel's conjugate spectrum gives their circular correlation,
    whose first block − kernel + 1 values are free of wrap-around. Spectra are multiplied in groups of a
    fixed number, filled up with zeros, so that neither the number of clips nor their order changes a bit.
    """
    import torch
    from torch.nn.functional import pad

    step, left = positional.block - positional.kernel + 1, positional.kernel // 2
    counts = [-(-n // step) for n in frames]
    windows = []
    for clip, n, count in zip(torch.split(packed[: sum(frames)], list(frames)), frames, counts, strict=True):
        padded = pad(clip, (0, 0, left, (count - 1) * step + positional.block - n - left))
        windows.append(padded.unfold(0, positional.block, step))  # (blocks, d, block)
    signals = torch.cat(windows)
    moved = torch.cat([_correlated(positional, some) for some in torch.split(signals, SPECTRA)])
    found = torch.zeros_like(packed)
    start = 0
    for part, n in zip(torch.split(moved[: sum(counts)], counts), frames, strict=True):
        found[start : start + n] = part.reshape(-1, packed.shape[1])[:n] + positional.bias
        start += n
    return gelu_(found)


def _correlated(positional: Positional, signals: "torch.Tensor") -> "torch.Tensor":
    """Blocks of frames (n, d, block), n ≤ SPECTRA, correlated with the kernel: (n, block − kernel + 1, d)."""
    import torch

    n, step = len(signals), positional.block - positional.kernel + 1
    frequencies, groups, inner, _ = positional.spectrum.shape
    spectra = torch.zeros(frequencies, groups, SPECTRA, inner, dtype=positional.spectrum.dtype)
    spectra[:, :, :n] = torch.fft.rfft(signals).view(n, groups, inner, frequencies).permute(3, 1, 0, 2)
    product = torch.matmul(spectra, positional.spectrum)[:, :, :n]  # (frequencies, groups, n, out)
    product = product.permute(2, 1, 3, 0).reshape(n, -1, frequencies)
    moved: torch.Tensor = torch.fft.irfft(product, n=positional.block)
    return moved[..., :step].transpose(1, 2)


def _transformed(
    layer: Layer,
    packed: "torch.Tensor",
    frames: Sequence[int],
    cuts: Sequence[tuple[int, int]],
    biases: "Sequence[torch.Tensor]",
    *,
    norm_first: bool,
) -> None:
    """One transformer layer, in place: (rows, d), fp32."""
    import torch

    joint = torch.empty(len(packed), 3 * packed.shape[1], dtype=layer.attention.weight.dtype)
    gated = layer.gate is not None
    read = torch.empty_like(packed) if gated and norm_first else packed if gated else None
    for start, stop in cuts:
        block = packed[start:stop]
        if norm_first:
            block = layer.first_norm(block)
            if read is not None:
                read[start:stop] = block
        joint[start:stop] = layer.attention(block)
    found = attended(layer, joint, read, frames, biases)
    for start, stop in cuts:
        block = packed[start:stop]
        block += layer.output(found[start:stop])
        if norm_first:
            block += layer.down(gelu_(layer.up(layer.second_norm(block))))
        else:
            normed = layer.first_norm(block)
            normed += layer.down(gelu_(layer.up(normed)))
            block.copy_(layer.second_norm(normed))
