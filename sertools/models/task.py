"""The task of a checkpoint, and the activation of its outputs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, canonical
from sertools.models.model import Task

if TYPE_CHECKING:
    import torch


def activated(logits: "torch.Tensor", task: Task, labels: Sequence[str] = ()) -> "torch.Tensor":
    """Scores from logits (n, c): softmax for single_label, sigmoid for multi_label, unchanged otherwise.

    For a joint model the softmax is taken over the classes, and the ratings stay as they are.

    Args:
        logits: outputs of the network
        task: of the model
        labels: names of the outputs, needed for a joint model
    """
    if task == "single_label":
        return logits.softmax(dim=-1)
    if task == "joint":
        scores, classes = logits.clone(), list(class_columns(labels, task))
        scores[:, classes] = logits[:, classes].softmax(dim=-1)
        return scores
    return logits.sigmoid() if task == "multi_label" else logits


def class_columns(labels: Sequence[str], task: Task) -> tuple[int, ...]:
    """The positions of the classes among the labels of a model; none for ratings alone.

    >>> class_columns(["arousal", "anger", "neutral"], "joint")
    (1, 2)
    """
    if task in {"regression", "encoder"}:
        return ()
    return tuple(i for i, label in enumerate(labels) if task != "joint" or canonical(label) not in DIMENSIONS)


def task_of(problem_type: str | None, labels: Sequence[str]) -> Task:
    """The task of a model: whether its outputs are ratings or probabilities.

    If the checkpoint gives `problem_type`, that decides. Otherwise a model with a single output, or with
    dimensions only, is a regression; one with dimensions and at least two other labels is joint; any other is
    `single_label`, also where one of two classes is called like a dimension (`control`, `patient`).

    >>> task_of(None, ["arousal", "dominance", "valence"]), task_of(None, ["ang", "neu"])
    ('regression', 'single_label')
    >>> task_of(None, ["arousal", "anger", "neutral"]), task_of(None, ["control", "patient"])
    ('joint', 'single_label')
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
    classes = [label for label in labels if canonical(label) not in DIMENSIONS]
    if len(labels) == 1 or not classes:
        return "regression"
    return "joint" if 2 <= len(classes) < len(labels) else "single_label"
