"""The network of CNN14, with parameters named as in the published checkpoints of PANNs."""

from typing import TYPE_CHECKING

from sertools.models.cnn14.spectrogram import BANDS

if TYPE_CHECKING:
    import torch

WIDTH, BLOCKS = 64, 6
"""Channels of the first block (each later block has twice as many as the one before); number of blocks."""


def build(outputs: int, head: str = "fc_out", width: int = WIDTH) -> "torch.nn.Module":
    """A CNN14 network with random weights.

    It maps log-mel spectrograms (n, 1, frames, 64) to logits (n, outputs) and, for each block, the mean over
    bands (n, channels, frames).

    Args:
        outputs: number of labels
        head: name of the last linear layer
        width: channels of the first block
    """
    import torch
    from torch import nn

    wide = [width * 2**i for i in range(BLOCKS)]

    class Cnn14(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn0 = nn.BatchNorm2d(BANDS)
            for i, (before, channels) in enumerate(zip((1, *wide), wide, strict=False), 1):
                self.add_module(f"conv_block{i}", _block(before, channels))
            self.fc1 = nn.Linear(wide[-1], wide[-1])
            self.add_module(head, nn.Linear(wide[-1], outputs))

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
            x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
            over_bands = []
            for i in range(1, BLOCKS + 1):
                x = self.get_submodule(f"conv_block{i}")(x)
                if i < BLOCKS:
                    x = nn.functional.avg_pool2d(x, 2)
                over_bands.append(x.mean(dim=3))
            last = over_bands[-1]
            pooled = last.amax(dim=2) + last.mean(dim=2)
            logits: torch.Tensor = self.get_submodule(head)(self.fc1(pooled).relu())
            return logits, over_bands

    return Cnn14()


def _block(before: int, channels: int) -> "torch.nn.Module":
    """Two 3×3 convolutions, each with batch norm and ReLU."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(before, channels, 3, padding=1, bias=False)
            self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.bn2 = nn.BatchNorm2d(channels)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.bn1(self.conv1(x)).relu()
            x = self.bn2(self.conv2(x)).relu()
            return x

    return Block()
