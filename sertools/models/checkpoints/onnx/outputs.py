"""What the outputs of an ONNX network are called, and what makes scores of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.labels import canonical
from sertools.models.checkpoints.onnx.network import Network
from sertools.models.checkpoints.onnx.settings import Settings
from sertools.models.checks import are_probabilities
from sertools.models.model import Task
from sertools.models.task import task_of

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
        return [next(iter(stated.get(name, ())), name) for name in network.scores]
    own = list(stated.get(network.scores[0]) or _labels_in(metadata))
    if own and beside.labels and [canonical(x) for x in own] != [canonical(x) for x in beside.labels]:
        raise ModelError(
            f"{network.path} names its outputs {', '.join(own)}, but {beside.files[0]} names them "
            f"{', '.join(beside.labels)}",
            hint="name them in output order: --labels anger,neutral",
        )
    return own or list(beside.labels)


def activation_of(
    wanted: str, problem: str | None, labels: Sequence[str], made: set[str], raw: NDArray[np.float32]
) -> tuple[Task, str]:
    """The task, and what is done to the outputs: nothing if they are probabilities already.

    Args:
        wanted: from `--activation`; empty to detect it
        problem: `problem_type` of config.json
        labels: of the outputs
        made: `softmax` or `sigmoid` where such an operator computes an output, otherwise empty
        raw: outputs for noise, (n, c)

    Raises:
        ModelError: an unknown activation
    """
    if wanted and wanted not in CHOICES:
        raise ModelError(f"unknown activation {wanted!r}", hint=f"use --activation {', '.join(CHOICES)}")
    task = task_of(problem, labels)
    if task == "single_label" and not problem and "sigmoid" in {wanted, *made}:
        task = "multi_label"
    if wanted:
        return task, wanted
    if task == "regression" or made & {"softmax", "sigmoid"}:
        return task, "none"
    if task == "multi_label":
        return task, "sigmoid"
    return task, "none" if are_probabilities(raw) else "softmax"


def activated(raw: NDArray[np.float32], activation: str) -> NDArray[np.float32]:
    """Scores from the outputs of a network (n, c)."""
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
