"""Interfaces of models: computed from signals, frame by frame, or looked up by clip.

Which of them a model has is asked by its methods (`hears`, `is_framed`, `is_by_clip`), not by `isinstance`: a
wrapper that passes everything on by `__getattr__` is no instance of a protocol since Python 3.12.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import TypeIs

from sertools.errors import ModelError
from sertools.tables.condition import Asked

Task = Literal["regression", "single_label", "multi_label", "joint", "encoder"]
"""Kind of scores: ratings; probabilities that sum to 1; independent probabilities; ratings of dimensions
beside probabilities of emotions; or no scores."""

Signal = NDArray[np.float32]
"""Samples of one clip in [-1, 1], shape (samples,)."""

Grid = tuple[float, float, int]
"""Times of frames: centre of the first frame in s, step in s, and number of frames."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Output of a model for n clips.

    Attributes:
        scores: shape (n, c), one column per label; c = 0 for a bare encoder
        layers: mean over time of every layer, shape (n, l, d); None if not requested
        reasons: for each clip the reason why scores are missing, or "" if all are there; () if the model
            gives no reasons
    """

    scores: NDArray[np.floating[Any]]
    layers: NDArray[np.floating[Any]] | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Frames:
    """The states of every layer for each frame of one clip.

    Attributes:
        states: l arrays of shape (t, d), float32; t and d may differ by layer
        first_s: centre of each layer's first frame, in s, shape (l,)
        step_s: time from one frame of a layer to the next, in s, shape (l,)
    """

    states: tuple[NDArray[np.float32], ...]
    first_s: tuple[float, ...]
    step_s: tuple[float, ...]

    @property
    def grids(self) -> list[Grid]:
        """The times of the frames of each layer."""
        return [
            (first, step, len(states))
            for first, step, states in zip(self.first_s, self.step_s, self.states, strict=True)
        ]


class Model(Protocol):
    """A model that computes scores from signals.

    Attributes:
        name: short name for reports and folders
        labels: names of the score columns, as given by the model
        task: kind of scores
        sampling_rate: of the signals that `predict` takes, in Hz
        shortest: minimum number of samples; a shorter clip counts as missing
        fingerprint: hex; changes whenever the model's results can change
        facts: kind, architecture, parameters, … for the report
    """

    name: str
    labels: tuple[str, ...]
    task: Task
    sampling_rate: int
    shortest: int
    fingerprint: str
    facts: Mapping[str, Any]

    def predict(self, signals: Sequence[Signal], *, layers: bool = False) -> Outputs:
        """Scores of signals, each float32 of shape (samples,) in [-1, 1]."""
        ...


class Framed(Model, Protocol):
    """A model whose layers can be read frame by frame, if `has_frames` is true."""

    @property
    def has_frames(self) -> bool:
        """Whether the states of its layers have a time axis that follows the clip."""
        ...

    def predict_frames(self, signals: Sequence[Signal]) -> tuple[Outputs, list[Frames]]:
        """Same as `predict` with layers, plus the frames of each clip, from one forward pass."""
        ...


class Repeated(Model, Protocol):
    """A model whose predictions may drift, such as a remote service, and that can be checked for it."""

    def check_drift(self) -> None:
        """Predicts the first clip once more, before anything that followed it is stored.

        Raises:
            ModelError: the prediction differs from the first one
        """
        ...


class ClipModel(Protocol):
    """A model that looks up scores by clip, without audio: a table of predictions, or the truth itself.

    `scores(clips, condition)` returns a data frame with the index of `clips` and one column per label, nan
    for a missing prediction; `conditions` lists the conditions it has predictions for, as text, including
    `clean`.
    """

    name: str
    labels: tuple[str, ...]
    task: Task
    fingerprint: str
    facts: Mapping[str, Any]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions for which it has predictions."""
        ...

    def scores(self, clips: pd.DataFrame, condition: str = "clean") -> pd.DataFrame:
        """Scores of clips under a condition, one row each."""
        ...


class Prompted(Model, Protocol):
    """A model with text prompts, so that prompts and orders of the classes may change its answers."""

    def asking(self, asked: Asked) -> "Prompted":
        """The same model with another prompt, order of the classes, or repetition."""
        ...

    def prompt_text(self, asked: Asked) -> str:
        """The text of the prompt."""
        ...


class Explaining(ClipModel, Protocol):
    """A model that looks up scores by clip, and knows why a clip has none, e.g. an answer without a class."""

    def reasons(self, clips: pd.DataFrame, condition: str = "clean") -> "pd.Series[str]":
        """For each clip the reason why scores are missing, or "" if all are there."""
        ...


class ReadsFunctionals(Model, Protocol):
    """A model whose scores depend only on the functionals of a clip, which are stored for all models."""

    def from_functionals(self, functionals: NDArray[np.float64]) -> Outputs:
        """Same as `predict` with layers, from the functionals of the clips, shape (n, 88)."""
        ...


def hears(model: object) -> TypeIs[Model]:
    """Whether a model computes scores from signals."""
    return callable(getattr(model, "predict", None))


def is_framed(model: object) -> TypeIs[Framed]:
    """Whether a model may have layers that can be read frame by frame."""
    return callable(getattr(model, "predict_frames", None)) and hasattr(model, "has_frames")


def packs_clips(model: object) -> bool:
    """Whether a model arranges clips into forward passes itself, and can take any number of them at once."""
    return bool(getattr(model, "packs_clips", False))


def repeats(model: object) -> TypeIs[Repeated]:
    """Whether a model can be checked for predictions that drift."""
    return callable(getattr(model, "check_drift", None))


def is_by_clip(model: object) -> TypeIs[ClipModel]:
    """Whether a model looks up scores by clip, without audio."""
    return callable(getattr(model, "scores", None)) and hasattr(model, "conditions")


def is_prompted(model: object) -> TypeIs[Prompted]:
    """Whether a model takes text prompts."""
    return hears(model) and callable(getattr(model, "asking", None))


def reads_functionals(model: object) -> TypeIs[ReadsFunctionals]:
    """Whether the scores of a model follow from the functionals of a clip."""
    return hears(model) and callable(getattr(model, "from_functionals", None))


def explains(model: object) -> TypeIs[Explaining]:
    """Whether a model by clip gives reasons for missing scores."""
    return is_by_clip(model) and callable(getattr(model, "reasons", None))


def get_ready(model: object) -> None:
    """Loads the weights of a model that is loaded when it computes, so that no step is timed with that."""
    load = getattr(model, "get_ready", None)
    if callable(load):
        load()


def random_twin(model: "Model | ClipModel", seed: int) -> Model:
    """An untrained model of the same architecture, with random weights, as a reference for layer audits.

    Raises:
        ModelError: this kind of model cannot be built with random weights
    """
    build = getattr(model, "random_twin", None)
    if build is None:
        raise ModelError(
            f"{model.name} has no random twin: only transformers checkpoints and CNN14 can be built "
            "with random weights",
            hint="use --no-random-twin",
        )
    twin: Model = build(seed)
    return twin
