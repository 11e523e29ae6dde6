"""The frames of an encoder's last layer, computed once, and the recipe's head on them."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.models.frames.clip_frames import contextual, features, frame_counts, projected
from sertools.training.data.batches import Clips
from sertools.training.encoders import seeded
from sertools.training.heads import HeadSettings, build_head, described
from sertools.training.kept.clips import KeptClips, in_batches, keep
from sertools.training.phases import Setting

if TYPE_CHECKING:
    import torch


def kept_frames(encoder: Any, clips: Clips, path: Path) -> KeptClips:
    """States of the last layer of an encoder, computed once.

    Args:
        encoder: module of transformers, in evaluation mode
        clips: to compute
        path: .npy file
    """

    def states(batch: "dict[str, torch.Tensor]") -> list[Any]:
        frames = frame_counts(encoder, batch["lengths"])
        found = projected(encoder, features(encoder, batch["signals"], batch["lengths"]))
        last = contextual(encoder, found, frames)[-1]
        return [state[:n].numpy() for state, n in zip(last, frames.tolist(), strict=True)]

    return keep(clips, partial(in_batches, step=states), path)


def head_of(setting: Setting, width: int) -> "torch.nn.Module":
    """The recipe's head with its first weights."""
    recipe, targets = setting.recipe, setting.train.targets
    assert targets is not None, "clips of this phase have labels"
    shape = HeadSettings(
        description=described(recipe.head, recipe.pooling),
        hidden=recipe.hidden or width,
        outputs=len(targets.labels),
        dropout=setting.dropout(),
    )
    head: torch.nn.Module = seeded(lambda: build_head(shape, width), recipe.seed, "head")
    return head.train()
