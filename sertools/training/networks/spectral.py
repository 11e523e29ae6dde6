"""CNN14 as a module that trains: spectrogram, network, and pooling over each clip's own frames."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.models.cnn14.network import BLOCKS, build
from sertools.models.cnn14.spectrogram import Config, log_mel
from sertools.models.frames.clip_frames import own_frames
from sertools.training.answering import loss_of
from sertools.training.data.targets import Targets
from sertools.training.encoders import seeded
from sertools.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

DROPOUT = 0.2, 0.5
"""Shares of channels after each block, and of hidden units, that are set to 0 in training, as in PANNs."""


def spectral(recipe: Recipe, targets: Targets, width: int) -> "torch.nn.Module":
    """A CNN14 that returns its loss and its outputs for a `Batch` of signals in full scale ±1.

    Args:
        recipe: loss and seed
        targets: of the training clips
        width: channels of the first block
    """
    import torch
    from torch.nn import functional

    config = Config()
    loss = loss_of(recipe, targets)
    after_block, hidden = (recipe.dropout, recipe.dropout) if recipe.dropout is not None else DROPOUT

    class Spectral(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = seeded(
                lambda: build(len(targets.labels), width=width), recipe.seed, "cnn14"
            ).train()

        def outputs(self, signals: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            """Outputs (n, c), pooled over each clip's own frames."""
            found = [log_mel(row, config) for row in signals.cpu().numpy().astype(np.float32)]
            bands = torch.from_numpy(np.stack(found)).to(signals.device)[:, None]
            frames = 1 + lengths // config.hop
            x = self.network.bn0(bands.transpose(1, 3)).transpose(1, 3)
            for i in range(1, BLOCKS + 1):
                x = self.network.get_submodule(f"conv_block{i}")(x)
                if i < BLOCKS:
                    x, frames = functional.avg_pool2d(x, 2), frames // 2
                x = functional.dropout(x, after_block, self.training)
            last = x.mean(dim=3).transpose(1, 2)
            own = own_frames(frames, last.shape[1]).unsqueeze(-1)
            mean = (last * own).sum(1) / own.sum(1)
            pooled = last.masked_fill(~own, float("-inf")).amax(1) + mean
            dropped = functional.dropout(pooled, hidden, self.training)
            states = functional.dropout(self.network.fc1(dropped).relu(), hidden, self.training)
            found_logits: torch.Tensor = self.network.fc_out(states)
            return found_logits

        def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
            outputs = self.outputs(batch["signals"], batch["lengths"])
            return {**loss(outputs, (batch["ratings"], batch["shares"])), "outputs": outputs}

    return Spectral()
