"""A loss that is not a number ends a training; the last weights with a finite loss are kept."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError

if TYPE_CHECKING:
    import torch

    from sertools.training.phases import GradientPhase, Setting

LAST_GOOD = "last-good"
"""Folder of the last weights whose loss was a finite number."""


class NotFiniteError(Exception):
    """The loss or a gradient is not a finite number.

    Args:
        what: `gradient`, `loss`, or `loss on dev clips`
        step: number of the update, from 1
    """

    def __init__(self, what: str, step: int) -> None:
        super().__init__(f"the {what} is not finite at step {step}")
        self.what = what
        self.step = step


class Good:
    """The last values of learnt parameters and buffers whose loss was finite, copied before each update."""

    def __init__(self) -> None:
        self.step = -1
        self.values: dict[str, torch.Tensor] = {}

    def keep(self, module: "torch.nn.Module", step: int) -> None:
        """Copies the values, which update `step` made, into the place of those before."""
        self.step = step
        for name, tensor in _changing(module):
            if name in self.values:
                self.values[name].copy_(tensor)
            else:
                self.values[name] = tensor.detach().clone()

    def restore(self, module: "torch.nn.Module") -> None:
        """Puts them back."""
        for name, tensor in _changing(module):
            tensor.data.copy_(self.values[name])


def _changing(module: "torch.nn.Module") -> "Iterator[tuple[str, torch.Tensor]]":
    """What training changes."""
    yield from (pair for pair in module.named_parameters() if pair[1].requires_grad)
    yield from module.named_buffers()


def stopped(problem: NotFiniteError, phase: "GradientPhase", trainer: Any, setting: "Setting") -> ModelError:
    """The error for a loss that is not a number; the last weights with a finite loss are kept.

    Where the gradient is not finite, these are the weights that it was taken of. Where the loss is not, they
    are the ones before: more often than the clips of a step, its weights are the cause.
    """
    what = f"the {problem.what} became infinite or not a number at step {problem.step} of {phase.name}"
    good, step = trainer.good, problem.step - 1
    if problem.what != "gradient":
        step = good.step
        if step < 0:
            return ModelError(
                f"{what}, and no step before it in this run had a finite loss, so no weights are kept",
                hint="look at the checkpoint that init names and at the clips, or lower learning_rate",
            )
        good.restore(trainer.model)
    place = setting.work / LAST_GOOD
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    phase.write(trainer.model.eval(), place)
    which = f"those after step {step}" if step else "those from before the first step"
    return ModelError(
        f"{what}; the last weights with a finite loss, {which}, are kept in {place}",
        hint="lower learning_rate, or set clip_norm, and use another --out",
    )
