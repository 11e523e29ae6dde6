"""Clips of different lengths in one batch, without any effect of the padding on the results."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def padded(inputs: Sequence["torch.Tensor"], device: "torch.device") -> "tuple[torch.Tensor, torch.Tensor]":
    """Zero-padded inputs (n, longest), and the mask (n, longest) that is 1 for samples of the clip.

    Args:
        inputs: n tensors of shape (1, samples)
        device: of the result
    """
    import torch

    lengths = [x.shape[1] for x in inputs]
    batch = torch.zeros(len(inputs), max(lengths), device=device)
    mask = torch.zeros(len(inputs), max(lengths), dtype=torch.long, device=device)
    for i, (x, length) in enumerate(zip(inputs, lengths, strict=True)):
        batch[i, :length] = x[0]
        mask[i, :length] = 1
    return batch, mask


def clip_by_clip(encoder: Any, lengths: list[int]) -> Any:
    """The convolutional encoder on each clip's own samples, zero-padded afterwards: (n, channels, frames)."""
    import torch

    class ClipByClip(torch.nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            features = [encoder(batch[i : i + 1, :length])[0] for i, length in enumerate(lengths)]
            frames = max(feature.shape[-1] for feature in features)
            return torch.stack([torch.nn.functional.pad(f, (0, frames - f.shape[-1])) for f in features])

    return ClipByClip()


def pooled(states: "torch.Tensor", frames: list[int] | None, pooling: str = "mean") -> "torch.Tensor":
    """Mean, max or sum over each clip's own frames, (n, frames, d) → (n, d)."""
    import torch

    def over_time(clip: torch.Tensor) -> torch.Tensor:
        if pooling == "max":
            return clip.amax(dim=-2)
        return clip.sum(dim=-2) if pooling == "sum" else clip.mean(dim=-2)

    if frames is None:
        return over_time(states)
    return torch.stack([over_time(state[:n]) for state, n in zip(states, frames, strict=True)])


def unmasked_frames(mask: "torch.Tensor | None", states: "torch.Tensor") -> list[int] | None:
    """Number of each clip's own frames in states (n, frames, d), from a mask (n, frames) at their rate.

    None if there is no such mask: then all frames are the clip's own.
    """
    if mask is None or mask.shape[:2] != states.shape[:2] or bool(mask.all()):
        return None
    return [int(n) for n in mask.sum(dim=1)]


def frames_by_clip(
    states: Sequence["torch.Tensor"], frames: list[int] | None
) -> list[list[NDArray[np.float32]]]:
    """The frames of each clip without padding, l times (n, frames, d) → n times l arrays (frames, d)."""
    arrays = [state.cpu().numpy() for state in states]
    n = len(arrays[0])
    return [[array[i, : frames[i] if frames else None] for array in arrays] for i in range(n)]
