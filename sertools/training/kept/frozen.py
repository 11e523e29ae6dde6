"""A head on an encoder that does not train, whose frames are computed once where clips do not change."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sertools.training.answering import answering_phase, write_answering
from sertools.training.kept.clips import KeptClips
from sertools.training.kept.frames import head_of, kept_frames
from sertools.training.kept.phase import HeadPhase
from sertools.training.phases import Phase, Setting

if TYPE_CHECKING:
    import torch


def frozen_phase(setting: Setting, name: str, encoder_of: Callable[[Path | None], Any]) -> Phase:
    """The phase in which the recipe's head learns the labels, on frames of a frozen encoder.

    The frames are kept on disk, unless the recipe perturbs or masks clips or lets the encoder train: then the
    encoder reads the clips in each epoch.

    Args:
        setting: recipe and clips
        name: of the phase
        encoder_of: makes the encoder, from the folder of the phase before (None for the first)
    """
    recipe = setting.recipe
    changes = recipe.augment or recipe.spec_augment.time or recipe.spec_augment.feature
    if changes or recipe.freeze != "encoder":
        return answering_phase(setting, name)

    def prepare(before: Path | None) -> "tuple[KeptClips, KeptClips | None, torch.nn.Module]":
        encoder = encoder_of(before).eval()
        train = kept_frames(encoder, setting.train, setting.work / f"{name}.train.npy")
        dev = None
        if setting.dev is not None:
            dev = kept_frames(encoder, setting.dev, setting.work / f"{name}.dev.npy")
        return train, dev, head_of(setting, int(encoder.config.hidden_size))

    def write(head: Any, before: Path | None, out: Path) -> None:
        write_answering(SimpleNamespace(encoder=encoder_of(before), head=head), setting, out)

    return HeadPhase(name=name, prepare=prepare, write=write, how=recipe)
