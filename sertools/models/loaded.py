"""Fields that all kinds of models share, and the facts about a model for the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sertools.models.checks import NEVER_TRAINED, never_trained
from sertools.models.model import Task

if TYPE_CHECKING:
    import torch


@dataclass(kw_only=True)
class LoadedModel:
    """The fields of every model.

    Attributes:
        name: short name for reports and folders
        labels: names of the score columns, as given by the model; empty for a bare encoder
        task: kind of scores
        fingerprint: hex; changes whenever the model's results can change
        facts: kind, source, architecture, parameters, … for the report
    """

    name: str
    labels: tuple[str, ...]
    task: Task
    fingerprint: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class LoadedSignalModel(LoadedModel):
    """The fields of every model that computes scores from signals.

    Attributes:
        sampling_rate: of the signals that `predict` takes, in Hz
        shortest: minimum number of samples; a shorter clip counts as missing
    """

    sampling_rate: int
    shortest: int


def trained_facts(network: "torch.nn.Module", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The facts `notes` and, only for a network that was never trained, `never_trained`."""
    if not never_trained(network):
        return {"notes": [*notes]}
    return {"never_trained": True, "notes": [*notes, NEVER_TRAINED]}


def signal_facts(
    kind: str,
    source: str,
    network: Mapping[str, Any],
    *,
    labels: Sequence[str],
    task: Task,
    sampling_rate: int,
    further: Mapping[str, Any],
) -> dict[str, Any]:
    """The facts about a model that computes scores from signals, in the order in which results store them.

    Args:
        kind: the kind of model, for the report
        source: file, folder or id that it was loaded from
        network: facts that come before the labels: architecture, parameters, head …
        labels: names of the score columns; empty for a bare encoder
        task: kind of scores
        sampling_rate: of the signals, in Hz
        further: facts that come after the sampling rate: features, device, precision, notes …
    """
    outputs = {"labels": list(labels), "task": task, "sampling_rate": sampling_rate}
    return {"kind": kind, "source": source, **network, **outputs, **further}
