"""Fields that all kinds of models share, and the facts about a model for the report."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sertools.corpora.seen.record import TrainingRecord
from sertools.errors import ModelError
from sertools.labels import DIMENSIONS, canonical
from sertools.models.checks import NEVER_TRAINED, never_trained
from sertools.models.model import Task

if TYPE_CHECKING:
    import torch

Number = TypeVar("Number", bound=np.floating[Any])


@dataclass(kw_only=True)
class LoadedModel:
    """The fields of every model.

    Attributes:
        name: short name for reports and folders
        labels: names of the score columns, as given by the model; empty for a bare encoder
        task: kind of scores
        fingerprint: hex; changes whenever the model's results can change
        facts: kind, source, architecture, parameters, … for the report
        ranges: lowest and highest value of each score that is mapped to [0, 1], None for the others; empty if
            no score is
        training: what it was trained on, if the record of that is beside its weights
        files: names of the files that decide its predictions
        keys_read: number of the tensors in its weight files that are used; None if they were not counted
        compared_with: what the tests compare its outputs with; empty if with nothing
        of_corpus: whether the labels of the corpus decided how it was loaded, as for answers in words; any
            other model is the same for all corpora
    """

    name: str
    labels: tuple[str, ...]
    task: Task
    fingerprint: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    ranges: tuple[tuple[float, float] | None, ...] = ()
    training: TrainingRecord | None = None
    files: tuple[str, ...] = ()
    keys_read: int | None = None
    compared_with: str = ""
    of_corpus: bool = False

    def rated(self, scores: NDArray[Number]) -> NDArray[Number]:
        """Scores (n, c) with ratings mapped from the model's scale to [0, 1]: (x − low) / (high − low)."""
        if not any(self.ranges):
            return scores
        found = scores.copy()
        for i, ends in enumerate(self.ranges):
            if ends is not None:
                found[:, i] = (scores[:, i] - ends[0]) / (ends[1] - ends[0])
        return found

    def with_scale(self, scale: Mapping[str, tuple[float, float]]) -> Self:
        """This model with its ratings mapped to [0, 1].

        Args:
            scale: label, or standard name of a dimension → lowest and highest value; `*` for all dimensions,
                and for all labels of a model that predicts ratings only

        Raises:
            ModelError: no label has such a name
        """
        unknown = [name for name in scale if name != "*" and not any(_means(x, name) for x in self.labels)]
        ranges = tuple(self._range(label, scale) for label in self.labels)
        if unknown or not any(ranges):
            raise ModelError(
                f"--model-scale is about {unknown[0] if unknown else 'ratings'}, but {self.name} predicts "
                f"{', '.join(self.labels) or 'nothing'}",
                hint="use --model-scale only for ratings such as arousal, e.g. 1:7, or valence=1:7",
            )
        changed: dict[str, Any] = {
            name: hashlib.blake2b(f"{value} {ranges}".encode(), digest_size=16).hexdigest()
            for name in ("fingerprint", "content")
            if (value := getattr(self, name, None)) is not None
        }
        stated = {x: list(ends) for x, ends in zip(self.labels, ranges, strict=True) if ends}
        return replace(self, ranges=ranges, facts={**self.facts, "scale": stated}, **changed)

    def _range(self, label: str, scale: Mapping[str, tuple[float, float]]) -> tuple[float, float] | None:
        for name, ends in scale.items():
            if name != "*" and _means(label, name):
                return ends
        rating = self.task == "regression" or canonical(label) in DIMENSIONS
        return scale.get("*") if rating else None


def _means(label: str, name: str) -> bool:
    return canonical(label) == canonical(name)


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
    return facts_of_training(notes, never=never_trained(network))


def facts_of_training(notes: Sequence[str], *, never: bool) -> dict[str, Any]:
    """The same for a network of which it is known whether it was never trained."""
    if not never:
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
