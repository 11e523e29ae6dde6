"""The decoder between the student's frames and the loss."""

import itertools
from typing import TYPE_CHECKING

from sertools.models.frames.clip_frames import own_frames
from sertools.training.distillation.settings import Decoder

if TYPE_CHECKING:
    import torch

LAYERS, CHANNELS, KERNEL = 4, 384, 7
"""Of the decoder of data2vec 2.0 (Ma et al. 2024, appendix A)."""


def decoder(kind: Decoder, width: int) -> "torch.nn.Module":
    """A module whose `forward(states, frames)` decodes (n, frames, width) → (n, frames, width).

    Args:
        kind: a linear layer on every frame, convolutions over frames, or nothing
        width: of the frames
    """
    return _convolutions(width) if kind == "cnn" else _by_frame(width, linear=kind == "linear")


def _convolutions(width: int) -> "torch.nn.Module":
    """Convolutions with layer norm and GELU, and a linear layer (Baevski et al. 2023, "data2vec 2.0").

    Padding is set to 0 before each convolution. Those with as many outputs as inputs add to their inputs.
    """
    import torch

    class Convolutions(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolutions = torch.nn.ModuleList(
                torch.nn.Conv1d(before, after, KERNEL, padding=KERNEL // 2)
                for before, after in itertools.pairwise([width, *[CHANNELS] * LAYERS])
            )
            self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(CHANNELS) for _ in range(LAYERS))
            self.linear = torch.nn.Linear(CHANNELS, width)

        def forward(self, states: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
            own = own_frames(frames, states.shape[1]).unsqueeze(-1)
            for convolution, norm in zip(self.convolutions, self.norms, strict=True):
                made = convolution((states * own).transpose(1, 2)).transpose(1, 2)
                made = torch.nn.functional.gelu(norm(made))
                states = states + made if made.shape == states.shape else made
            found: torch.Tensor = self.linear(states)
            return found

    return Convolutions()


def _by_frame(width: int, *, linear: bool) -> "torch.nn.Module":
    import torch

    class ByFrame(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(width, width) if linear else torch.nn.Identity()

        def forward(self, states: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.layer(states)
            return found

    return ByFrame()
