"""What a model is, and how the text after `--model` becomes one."""

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
"""What the scores are: ratings, probabilities that sum to 1, probabilities each for itself, or nothing."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a model returns for n clips.

    Attributes:
        scores: shape (n, c), one column per label; c = 0 for a bare encoder
        layers: mean over time of every layer, shape (n, l, d); None where not asked for
    """

    scores: np.ndarray
    layers: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Frames:
    """The states of every layer over the time of one clip.

    Attributes:
        states: l arrays of shape (t, d), float32; t and d may differ by layer
        first_s: centre of a layer's first frame, in s, shape (l,)
        step_s: from one frame of a layer to the next, in s, shape (l,)
    """

    states: tuple[np.ndarray, ...]
    first_s: tuple[float, ...]
    step_s: tuple[float, ...]


@runtime_checkable
class Model(Protocol):
    """Anything that turns signals into scores.

    Attributes:
        name: short name for reports and folders
        labels: names of the score columns as the model gives them
        task: what the scores are
        sampling_rate: Hz of the signals that `predict` takes
        shortest: fewest samples that it accepts; a shorter clip is missing
        fingerprint: hex; changes whenever the model's numbers can change
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
    """A model whose layers can be read frame by frame, if `has_frames` says that they stand for times."""

    @property
    def has_frames(self) -> bool:
        """Whether the states of its layers stand for moments of the clip."""
        ...

    def predict_frames(self, signals: Sequence[np.ndarray]) -> tuple[Outputs, list[Frames]]:
        """As `predict` with layers, and the frames of each clip, from one forward pass."""
        ...


@runtime_checkable
class ClipModel(Protocol):
    """A model that answers by clip, without sound: a table of predictions, or the truth itself.

    `scores(clips, condition)` gives a frame with the index of `clips` and one column per label, nan where it
    has no answer; `conditions` are those it can answer for, printable, `clean` among them.
    """

    name: str
    labels: tuple[str, ...]
    task: Task
    fingerprint: str
    facts: Mapping[str, Any]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Under which sound it has answers."""
        ...

    def scores(self, clips: pd.DataFrame, condition: str = "clean") -> pd.DataFrame:
        """Scores of clips under a condition, one row each."""
        ...


def random_twin(model: "Model | ClipModel", seed: int) -> Model:
    """The same architecture with random weights: what a model knows because of how it is built.

    Raises:
        ModelError: nothing is known of the model from which it could be built anew
    """
    build = getattr(model, "random_twin", None)
    if build is None:
        raise ModelError(
            f"{model.name} has no random twin: only transformers checkpoints and CNN14 can be built anew "
            "with random weights",
            hint="--no-random-twin",
        )
    twin: Model = build(seed)
    return twin


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How to load a model.

    Attributes:
        device: `cpu`, `cuda`, `cuda:N`, `mps`, or `auto`
        precision: `auto`, `fp32` or `bf16`
        head: key prefix → layout of the head, for checkpoints whose head no rule recognises
        trust_remote_code: whether code that comes with a checkpoint may run
        labels: names of the outputs, for kinds of models that do not carry them
        output: name of the output that is read, where a model has several
        sampling_rate: Hz of the signals that the model takes; 0 for what the model itself says
    """

    device: str = "auto"
    precision: str = "auto"
    head: Mapping[str, str] = field(default_factory=dict)
    trust_remote_code: bool = False
    labels: tuple[str, ...] = ()
    output: str = ""
    sampling_rate: int = 0


OF_SOME_KINDS = ("head", "labels", "output", "sampling_rate")
"""Options that not every kind of model can follow; `READS` of its file names those that it does."""

DEVICES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def schemes() -> dict[str, str]:
    """Kinds of models, scheme → what it is; the folder `models/` is the registry."""
    import sertools.models

    found = {}
    for info in pkgutil.iter_modules(sertools.models.__path__):
        module = importlib.import_module(f"sertools.models.{info.name}")
        if hasattr(module, "SCHEME"):
            found[module.SCHEME] = (module.__doc__ or "").partition("\n")[0]
    return found


def load_model(spec: str, options: LoadOptions | None = None) -> Model | ClipModel:
    """The model that a text names.

    Args:
        spec: `default` (the embedded one), a directory, `hf:` and a hub id (or the id alone), or another
            scheme of `sertools list models`, such as `predictions:FILE` or `toy:random`
        options: device, precision, head

    Raises:
        ModelError: there is no such model, or it cannot be loaded as it is
    """
    options = options or LoadOptions()
    known = schemes()
    scheme, colon, rest = spec.partition(":")
    if spec == "default":
        scheme, rest = "hf", str(Path(__file__).parent / "data" / "default")
    elif colon and scheme in known:
        if not rest:
            raise ModelError(f"--model {spec!r} names nothing after {scheme}:")
    elif os.path.exists(spec) or spec.startswith((".", "/", "~")):
        scheme, rest = "hf", str(Path(spec).expanduser())
    elif colon:
        raise ModelError(
            f"no kind of model {scheme!r} in --model {spec!r}", hint=nearest(scheme, list(known))
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
    raise ModelError(f"no kind of model {scheme!r}", hint=nearest(scheme, list(known)))


def _check(options: LoadOptions, scheme: str, reads: Sequence[str]) -> None:
    """Refuses what this kind of model would silently not follow.

    Raises:
        ModelError: an option that means nothing to it, or a name that no device has
    """
    for name in OF_SOME_KINDS:
        if getattr(options, name) and name not in reads:
            others = " and ".join(f"--{known.replace('_', '-')}" for known in reads)
            raise ModelError(
                f"--{name.replace('_', '-')} means nothing to a model of the kind {scheme}:",
                hint=f"it follows {others}" if others else "leave it out",
            )
    if not DEVICES.fullmatch(options.device):
        raise ModelError(
            f"no device is called {options.device!r}", hint="--device cpu, cuda, cuda:N, mps or auto"
        )
