"""A phase in which only a head trains, on stored states of the clips."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.training.data.batches import Clips
from sertools.training.kept.clips import KeptClips
from sertools.training.loop import CURVES, descend
from sertools.training.losses import class_weights, joint_loss
from sertools.training.phases import GradientPhase, Setting
from sertools.training.recipe import Optimisation, Recipe

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class HeadPhase:
    """A phase in which only a head trains, on stored states of the clips.

    Attributes:
        name: see `Phase`
        prepare: makes the kept training clips and dev clips (None without), and the head's module, whose
            `forward` takes the kept rows (n, rows, d) and their numbers (n,) and returns outputs (n, c)
        write: writes the complete model, given the folder of the phase before
        how: batches, updates and learning rate
        facts: what is written beside the curves of the trained head
    """

    name: str
    prepare: "Callable[[Path | None], tuple[KeptClips, KeptClips | None, torch.nn.Module]]"
    write: "Callable[[torch.nn.Module, Path | None, Path], None]"
    how: Optimisation
    facts: "Callable[[torch.nn.Module], dict[str, Any]]" = lambda head: {}

    def run(self, before: Path | None, out: Path, setting: Setting) -> None:
        """See `Phase`."""
        train, dev, head = self.prepare(before)

        def write(module: Any, folder: Path) -> None:
            self.write(module.head, before, folder)

        phase = GradientPhase(
            name=self.name,
            build=lambda _: answering_head(head, train, setting.recipe),
            write=write,
            clips=train,
            dev=dev,
            how=self.how,
        )
        module: Any = phase.build(before)
        descend(phase, module, out, setting)
        path = out / CURVES
        curves = json.loads(path.read_text(encoding="utf-8")) | self.facts(module.head)
        path.write_text(json.dumps(curves, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def answering_head(head: "torch.nn.Module", clips: Clips, recipe: Recipe) -> "torch.nn.Module":
    """A head as a module that returns its loss and its outputs for a `Batch` of kept rows."""
    import torch

    targets = clips.targets
    assert targets is not None, "clips of this phase have labels"
    weights = class_weights(targets.shares, recipe.weights).tolist() if targets.classes else []

    class AnsweringHead(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = head

        def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
            outputs = self.head(batch["signals"], batch["lengths"])
            parts = joint_loss(
                outputs.float(),
                (batch["ratings"], batch["shares"]),
                loss=recipe.loss,
                weights=weights,
                weighting=recipe.weights,
                class_share=recipe.class_share,
            )
            return {**parts, "outputs": outputs}

    return AnsweringHead()
