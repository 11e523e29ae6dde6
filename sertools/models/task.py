"""The task of a checkpoint, and the activation of its outputs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, canonical
from sertools.models.model import Task

if TYPE_CHECKING:
    import torch


def activated(logits: "torch.Tensor", task: Task) -> "torch.Tensor":
    """Scores from logits (n, c): softmax for single_label, sigmoid for multi_label, unchanged otherwise."""
    if task == "single_label":
        return logits.softmax(dim=-1)
    return logits.sigmoid() if task == "multi_label" else logits


def task_of(problem_type: str | None, labels: Sequence[str]) -> Task:
    """The task of a model: whether its outputs are ratings or probabilities.

    If the checkpoint gives `problem_type`, that decides. Otherwise a model with a single output, or with
    dimensions only, is a regression; any other is `single_label`.

    >>> task_of(None, ["arousal", "dominance", "valence"]), task_of(None, ["ang", "neu"])
    ('regression', 'single_label')
    """
    named: dict[str, Task] = {
        "regression": "regression",
        "single_label_classification": "single_label",
        "multi_label_classification": "multi_label",
    }
    if problem_type:
        if problem_type not in named:
            raise ModelError(
                f"unknown problem_type {problem_type!r} in config.json; it must be one of {', '.join(named)}"
            )
        return named[problem_type]
    ratings = len(labels) == 1 or all(canonical(label) in DIMENSIONS for label in labels)
    return "regression" if ratings else "single_label"
