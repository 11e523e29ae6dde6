"""The phases of a training: each gets the folder of the one before it and writes its own, once."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sertools.errors import ModelError
from sertools.files import atomic_folder
from sertools.training.data.batches import Clips
from sertools.training.data.select import Part
from sertools.training.loop import descend
from sertools.training.recipe import Optimisation, Recipe

if TYPE_CHECKING:
    import torch

Progress = Callable[[str, int, int, float], None]
"""Called with the name of a phase, the updates so far, all updates, and the loss of the last."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The input of a training method.

    Attributes:
        recipe: the complete recipe
        options: the method's own settings, validated; None if it has none
        train: labelled clips that train
        pool: all clips that may train, also without labels, for phases that need none
        dev: labelled clips that choose the best weights; None without
        test: clips of test speakers, for methods that answer them
        start: the encoder that `init` names; None for methods that build their own network
        work: folder of what has to survive an interruption
        progress: see `Progress`
        warn: called with sentences for the user
    """

    recipe: Recipe
    options: Any
    train: Clips
    pool: Clips
    dev: Clips | None
    test: Part
    start: Any
    work: Path
    progress: Progress
    warn: Callable[[str], None]

    def dropout(self) -> float:
        """Dropout of the head: the recipe's, or the encoder's."""
        if self.recipe.dropout is not None:
            return self.recipe.dropout
        found = getattr(self.start.encoder.config, "final_dropout", 0.1)
        return float(found)


class Phase(Protocol):
    """A part of a training that is done once."""

    @property
    def name(self) -> str:
        """Names its folder and its curves."""
        ...

    def run(self, before: Path | None, out: Path, setting: Setting) -> None:
        """Fills the folder `out`, from what the phase before wrote."""
        ...


@dataclass(frozen=True, kw_only=True)
class GradientPhase:
    """A phase in which a module descends, with transformers' Trainer.

    Attributes:
        name: see `Phase`
        build: makes the module, from the folder of the phase before (None for the first)
        write: writes the trained module into a folder
        clips: that train
        dev: that are scored; None without
        how: batches, updates and learning rate
    """

    name: str
    build: "Callable[[Path | None], torch.nn.Module]"
    write: "Callable[[torch.nn.Module, Path], None]"
    clips: Clips
    dev: Clips | None
    how: Optimisation

    def run(self, before: Path | None, out: Path, setting: Setting) -> None:
        """See `Phase`."""
        descend(self, self.build(before), out, setting)


def run_phases(phases: Sequence[Phase], setting: Setting) -> Path:
    """Runs the phases that are not done yet, and returns the folder of the last one.

    Raises:
        ModelError: a loss is not a number, or the disk is full
    """
    before: Path | None = None
    for i, phase in enumerate(phases):
        folder = setting.work / f"{i}-{phase.name}"
        if not folder.exists():
            with atomic_folder(folder, error=ModelError) as part:
                phase.run(before, part, setting)
            shutil.rmtree(setting.work / f"{phase.name}.steps", ignore_errors=True)
        before = folder
    assert before is not None, "a method has at least one phase"
    return before
