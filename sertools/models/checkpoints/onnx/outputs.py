"""Names of the outputs of an ONNX network, and their conversion to scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, SYNONYMS, canonical
from sertools.models.checkpoints.onnx.network import Network
from sertools.models.checkpoints.onnx.settings import Settings
from sertools.models.checks import are_probabilities
from sertools.models.model import Task
from sertools.models.task import class_columns, task_of
from sertools.wording import plural

CHOICES = ("none", "softmax", "sigmoid")
"""What may be done to the outputs of a network."""


def declared(
    network: Network, stated: Mapping[str, Sequence[str]], metadata: Mapping[str, str], beside: Settings
) -> list[str]:
    """Names of the outputs from model.yaml or the file's metadata, or else from config.json.

    Raises:
        ModelError: they differ
    """
    if len(network.scores) > 1:
        return [label for name in network.scores for label in stated.get(name) or (name,)]
    own = list(stated.get(network.scores[0]) or _labels_in(metadata))
    if own and beside.labels and [canonical(x) for x in own] != [canonical(x) for x in beside.labels]:
        raise ModelError(
            f"{network.path} names its outputs {', '.join(own)}, but {beside.files[0]} names them "
            f"{', '.join(beside.labels)}",
            hint="name them in output order: --labels anger,neutral",
        )
    return own or list(beside.labels)


def emotional(stated: Mapping[str, Sequence[str]], known: Sequence[str]) -> list[str]:
    """The outputs with labels that are read: of several, those whose labels all are emotions or dimensions.

    An output of age or of sex beside them is no part of the answer.

    Args:
        stated: output → its labels, from model.yaml
        known: names that the corpus and the user have for labels
    """
    ours = {*SYNONYMS, *map(canonical, known)}
    found = [name for name, labels in stated.items() if {canonical(label) for label in labels} <= ours]
    return found or list(stated)


def check_widths(columns: Sequence[str], stated: Mapping[str, Sequence[str]], path: Path) -> None:
    """Refuses labels of model.yaml whose number differs from the width of their output.

    Raises:
        ModelError: an output has more or fewer labels than columns, or none beside other outputs
    """
    for name in dict.fromkeys(columns):
        width, labels = list(columns).count(name), stated.get(name, ())
        if width > 1 and not labels and len(set(columns)) > 1:
            raise ModelError(
                f"output {name!r} of {path} has {width} numbers without names",
                hint="name all outputs in their order with --labels, or leave this one out of --output",
            )
        if labels and len(labels) != width:
            raise ModelError(
                f"output {name!r} of {path} has {plural(width, 'number')}, but model.yaml names "
                f"{plural(len(labels), 'label')} for it: {', '.join(labels)}"
            )


def activation_of(
    wanted: str, problem: str | None, labels: Sequence[str], made: Sequence[str], raw: NDArray[np.float32]
) -> tuple[Task, str]:
    """The task, and the activation of the outputs: none if they are probabilities already.

    For a joint model it is what is done to the classes; its ratings stay as they are.

    Args:
        wanted: from `--activation`; empty to detect it
        problem: `problem_type` of config.json
        labels: of the columns
        made: for each column, `softmax` or `sigmoid` where such an operator computes it, otherwise empty
        raw: outputs for noise, (n, c)

    Raises:
        ModelError: an unknown activation
    """
    if wanted and wanted not in CHOICES:
        raise ModelError(f"unknown activation {wanted!r}", hint=f"use --activation {', '.join(CHOICES)}")
    task = task_of(problem, labels)
    classes = list(class_columns(labels, task))
    by_graph = {made[i] for i in classes}
    if task == "single_label" and not problem and "sigmoid" in {wanted, *by_graph}:
        task = "multi_label"
    if wanted:
        return task, wanted
    if task == "regression" or by_graph & {"softmax", "sigmoid"}:
        return task, "none"
    if task == "multi_label":
        return task, "sigmoid"
    return task, "none" if are_probabilities(raw[:, classes]) else "softmax"


def check_one_choice(columns: Sequence[str], labels: Sequence[str], path: Path) -> None:
    """Refuses classes in several outputs: the most probable class is sought within one output.

    Several outputs of one number each, one per class, count as one output.

    Args:
        columns: name of the output of each column
        labels: of the columns
        path: of the ONNX file

    Raises:
        ModelError: two outputs have classes, and one of them has several
    """
    if len(set(columns)) == 1:
        return
    classes = [
        name for name, label in zip(columns, labels, strict=True) if canonical(label) not in DIMENSIONS
    ]
    if len(set(classes)) > 1 and len(set(classes)) < len(classes):
        raise ModelError(
            f"{path} has classes in more than one output: {', '.join(dict.fromkeys(classes))}",
            hint="select the outputs with emotions and with ratings: --output NAME,NAME",
        )


def activated(
    raw: NDArray[np.float32], activation: str, classes: Sequence[int] | None = None
) -> NDArray[np.float32]:
    """Scores from the outputs of a network (n, c); only the columns `classes` are changed, or else all."""
    if classes is not None and len(classes) < raw.shape[1]:
        scores = raw.copy()
        scores[:, list(classes)] = activated(raw[:, list(classes)], activation)
        return scores
    if activation == "none":
        return raw
    if activation == "sigmoid":
        sigmoid: NDArray[np.float32] = 0.5 * (1 + np.tanh(0.5 * raw))  # does not overflow
        return sigmoid
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _labels_in(metadata: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in metadata.get("labels", "").split(",") if name.strip()]
