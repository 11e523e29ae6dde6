"""Interfaces of models, and the function that loads the model named by `--model`."""

import importlib
import os
import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from sertools.errors import ModelError, nearest

Task = Literal["regression", "single_label", "multi_label", "encoder"]
"""Kind of scores: ratings, probabilities that sum to 1, independent probabilities, or no scores."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Output of a model for n clips.

    Attributes:
        scores: shape (n, c), one column per label; c = 0 for a bare encoder
        layers: mean over time of every layer, shape (n, l, d); None if not requested
    """

    scores: np.ndarray
    layers: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Frames:
    """The states of every layer for each frame of one clip.

    Attributes:
        states: l arrays of shape (t, d), float32; t and d may differ by layer
        first_s: centre of each layer's first frame, in s, shape (l,)
        step_s: time from one frame of a layer to the next, in s, shape (l,)
    """

    states: tuple[np.ndarray, ...]
    first_s: tuple[float, ...]
    step_s: tuple[float, ...]


@runtime_checkable
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

    def predict(self, signals: Sequence[np.ndarray], *, layers: bool = False) -> Outputs:
        """Scores of signals, each float32 of shape (samples,) in [-1, 1]."""
        ...


@runtime_checkable
class Framed(Model, Protocol):
    """A model whose layers can be read frame by frame, if `has_frames` is true."""

    @property
    def has_frames(self) -> bool:
        """Whether the states of its layers have a time axis that follows the clip."""
        ...

    def predict_frames(self, signals: Sequence[np.ndarray]) -> tuple[Outputs, list[Frames]]:
        """Same as `predict` with layers, plus the frames of each clip, from one forward pass."""
        ...


@runtime_checkable
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


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Options for loading a model.

    Attributes:
        device: `cpu`, `cuda`, `cuda:N`, `mps`, or `auto`
        precision: `auto`, `fp32` or `bf16`
        head: key prefix → layout of the head, for checkpoints whose head is not recognised automatically
        trust_remote_code: whether code that comes with a checkpoint may run
        labels: names of the outputs, for kinds of models that do not include them
        output: name of the output with the scores, if a model has several
        sampling_rate: of the model's input signals, in Hz; 0 to use the rate given by the model
    """

    device: str = "auto"
    precision: str = "auto"
    head: Mapping[str, str] = field(default_factory=dict)
    trust_remote_code: bool = False
    labels: tuple[str, ...] = ()
    output: str = ""
    sampling_rate: int = 0


OF_SOME_KINDS = ("head", "labels", "output", "sampling_rate")
"""Options that only some kinds of models support; each model file lists the ones it supports in `READS`."""

DEVICES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def schemes() -> dict[str, str]:
    """Kinds of models, scheme → description, found by listing the modules in `models/`."""
    import sertools.models

    found = {}
    for info in pkgutil.iter_modules(sertools.models.__path__):
        module = importlib.import_module(f"sertools.models.{info.name}")
        if hasattr(module, "SCHEME"):
            found[module.SCHEME] = (module.__doc__ or "").partition("\n")[0]
    return found


def load_model(spec: str, options: LoadOptions | None = None) -> Model | ClipModel:
    """Loads the model named by `spec`.

    Args:
        spec: `default` (the embedded one), a directory, `hf:` and a hub id (or the id alone), or another
            scheme of `sertools list models`, such as `predictions:FILE` or `toy:random`
        options: device, precision, head and others; None for the defaults

    Raises:
        ModelError: there is no such model, or it cannot be loaded
    """
    options = options or LoadOptions()
    known = schemes()
    scheme, colon, rest = spec.partition(":")
    if spec == "default":
        scheme, rest = "hf", str(Path(__file__).parent / "data" / "default")
    elif colon and scheme in known:
        if not rest:
            raise ModelError(f"--model {spec!r} has nothing after {scheme}:")
    elif os.path.exists(spec) or spec.startswith((".", "/", "~")):
        scheme, rest = "hf", str(Path(spec).expanduser())
    elif colon:
        raise ModelError(
            f"unknown kind of model {scheme!r} in --model {spec!r}", hint=nearest(scheme, list(known))
        )
    elif spec.count("/") == 1:
        scheme, rest = "hf", spec
    else:
        raise ModelError(
            f"no model named {spec!r}",
            hint=f"{nearest(spec, ['default'])}; or a directory, a hub id such as owner/name, or one of "
            + ", ".join(f"{name}:…" for name in sorted(known)),
        )
    for info in pkgutil.iter_modules(importlib.import_module("sertools.models").__path__):
        module = importlib.import_module(f"sertools.models.{info.name}")
        if getattr(module, "SCHEME", None) == scheme:
            _check(options, scheme, getattr(module, "READS", ()))
            model: Model | ClipModel = module.load(rest, options)
            if spec == "default":
                model.name = "default"
                model.facts = {**model.facts, "source": "embedded in sertools"}
            return model
    raise ModelError(f"unknown kind of model {scheme!r}", hint=nearest(scheme, list(known)))


def _check(options: LoadOptions, scheme: str, reads: Sequence[str]) -> None:
    """Refuses options that this kind of model does not support.

    Raises:
        ModelError: an unsupported option, or an invalid device name
    """
    for name in OF_SOME_KINDS:
        if getattr(options, name) and name not in reads:
            others = " and ".join(f"--{known.replace('_', '-')}" for known in reads)
            raise ModelError(
                f"--{name.replace('_', '-')} is not supported by {scheme}: models",
                hint=f"supported here: {others}" if others else "leave it out",
            )
    if not DEVICES.fullmatch(options.device):
        raise ModelError(
            f"unknown device {options.device!r}", hint="use --device cpu, cuda, cuda:N, mps or auto"
        )
