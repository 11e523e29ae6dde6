"""Attention within each clip of a packed matrix, for WavLM with its gated relative positions."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sertools.models.wav2vec2_cpu.arranged import Distances, Gate, Layer

if TYPE_CHECKING:
    import torch


def attended(
    layer: Layer,
    joint: "torch.Tensor",
    rows: "torch.Tensor | None",
    frames: Sequence[int],
    biases: "Sequence[torch.Tensor]",
) -> "torch.Tensor":
    """Self-attention within each clip separately, so that no mask for other clips is needed.

    Args:
        layer: its number of heads and, for WavLM, its gate
        joint: query, key and value of the packed frames, (frames, 3 d)
        rows: the input of the layer's attention, (frames, d), fp32, which the gate reads; None without one
        frames: of each clip; rows of the matrix beyond them are filled up and stay zero
        biases: of each clip, from `position_biases`; empty for models without relative positions
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    joint = joint.view(len(joint), 3, layer.heads, -1)
    found = torch.zeros(len(joint), layer.heads, joint.shape[3], dtype=joint.dtype)
    start = 0
    for i, n in enumerate(frames):
        query, key, value = joint[start : start + n].permute(1, 2, 0, 3)[:, None]  # (1, heads, n, d / heads)
        mask = None
        if layer.gate is not None and rows is not None:
            opened = gate_of(layer.gate, rows[start : start + n].view(n, layer.heads, -1))
            mask = (opened * biases[i]).to(joint.dtype)[None]
        found[start : start + n] = scaled_dot_product_attention(query, key, value, attn_mask=mask)[
            0
        ].transpose(0, 1)
        start += n
    return found.flatten(1)


def gate_of(gate: Gate, states: "torch.Tensor") -> "torch.Tensor":
    """How far the gate of each head opens for each frame, (frames, heads, d / heads) → (heads, frames, 1)."""
    import torch

    first, second = torch.sigmoid(states @ gate.weight.T + gate.bias).unbind(dim=-1)  # each (frames, heads)
    return (first * (second * gate.scale - 1) + 2).T[..., None]


def position_biases(distances: Distances | None, frames: Sequence[int]) -> "list[torch.Tensor]":
    """Bias that each pair of frames adds to attention before the gate, (heads, frames, frames) for each clip.

    A value depends only on the distance of two frames, by its logarithm in buckets (Chen et al. 2022).
    """
    import torch

    if distances is None:
        return []
    known: dict[int, torch.Tensor] = {}
    for n in set(frames):
        places = torch.arange(n, device=distances.values.device)
        apart = places[None] - places[:, None]
        known[n] = distances.values[_buckets(distances, apart)].permute(2, 0, 1).contiguous()
    return [known[n] for n in frames]


def _buckets(distances: Distances, apart: "torch.Tensor") -> "torch.Tensor":
    import torch

    half = len(distances.values) // 2
    exact = half // 2
    far = apart.abs().float().clamp(min=1) / exact
    steps = torch.log(far) / math.log(distances.furthest / exact) * (half - exact)
    large = (exact + steps).long().clamp(max=half - 1)
    return (apart > 0).long() * half + torch.where(apart.abs() < exact, apart.abs(), large)
