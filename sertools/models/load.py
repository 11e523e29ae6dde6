"""Loads the model given by `--model`."""

import importlib
import os
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sertools.corpora.seen import record
from sertools.errors import ModelError, foreign, nearest
from sertools.models import kinds
from sertools.models.checkpoints.hub.files import check_known, hub_id
from sertools.models.derived.windowed import Window, windowed
from sertools.models.loaded import LoadedModel
from sertools.models.model import ClipModel, Model, hears


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Options for loading a model.

    Attributes:
        device: `cpu`, `cuda`, `cuda:N`, `mps`, or `auto`
        precision: `auto`, `fp32` or `bf16`
        head: key prefix → layout of the head, for checkpoints whose head is not recognised automatically;
            with an empty prefix, a description such as `pool=mean, dense=top.dense, act=tanh, out=top.last`
        trust_remote_code: whether code that comes with a checkpoint may run
        labels: names of the outputs, for kinds of models that do not include them
        output: name of the output with the scores, if a model has several
        activation: `none`, `softmax` or `sigmoid` for the outputs of a model; empty to detect it
        model_scale: rating (`*` for all) → lowest and highest value in which the model predicts it
        sampling_rate: of the model's input signals, in Hz; 0 to use the rate given by the model
        known: names that the corpus and the user have for labels; of a table of predictions, columns with
            other names are not answers
        prompt: files with templates of prompts, for audio language models
        emotions: the emotions of the corpus, which answers in words may name
        label_map: theirs → ours, for answers in words
        window: how long clips are cut into windows; None to predict every clip whole
    """

    device: str = "auto"
    precision: str = "auto"
    head: Mapping[str, str] = field(default_factory=dict)
    trust_remote_code: bool = False
    labels: tuple[str, ...] = ()
    output: str = ""
    sampling_rate: int = 0
    activation: str = ""
    model_scale: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    emotions: tuple[str, ...] = ()
    label_map: Mapping[str, str] = field(default_factory=dict)
    window: Window | None = None


OPTIONS_OF_SOME_SCHEMES = ("head", "labels", "output", "sampling_rate", "activation", "model_scale", "prompt")
"""Options that only some kinds of models support; each module in `models/kinds/` lists its own in `READS`."""

FILES = ("predictions", "features", "sklearn")
"""Kinds of models that are always a file or a folder here."""

OF_HUB = ("hf", "onnx", "speechbrain", "cnn14", "emotion2vec", "sensevoice")
"""Kinds of models that may be named by their id on the model hub."""

DEVICES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def _modules() -> dict[str, Any]:
    """Scheme → module, for all modules in `models/kinds/`."""
    found = {}
    for info in pkgutil.iter_modules(kinds.__path__):
        module = importlib.import_module(f"{kinds.__name__}.{info.name}")
        if hasattr(module, "SCHEME"):
            found[module.SCHEME] = module
    return found


def schemes() -> dict[str, str]:
    """Kinds of models, scheme → description, found by listing the modules in `models/kinds/`."""
    return {scheme: (module.__doc__ or "").partition("\n")[0] for scheme, module in _modules().items()}


def originals() -> dict[str, str]:
    """Kinds of models that read one architecture → the reference that tests compare it with."""
    found = {scheme: getattr(module, "ORIGINAL", "") for scheme, module in _modules().items()}
    return {scheme: original for scheme, original in found.items() if original}


def load_model(spec: str | Callable[..., Any], options: LoadOptions | None = None) -> Model | ClipModel:
    """Loads the model named by `spec`.

    Args:
        spec: `default` (the embedded one), a directory, `hf:` and a hub id (or the id alone), or another
            scheme of `sertools list models`, such as `predictions:FILE` or `toy:random`; or a function of
            signals and their sampling rate, as after `py:`
        options: device, precision, head and others; None for the defaults

    Raises:
        ModelError: there is no such model, or it cannot be loaded
    """
    options = options or LoadOptions()
    modules = _modules()
    scheme, rest = scheme_and_rest(spec) if isinstance(spec, str) else ("py", "")
    _check(options, scheme, getattr(modules[scheme], "READS", ()))
    # whatever a file contains, the answer is a model or one sentence
    with foreign(f"{spec} cannot be loaded", ModelError):
        module: Any = modules[scheme]
        model: Model | ClipModel = (
            module.load(rest, options) if isinstance(spec, str) else module.load_callable(spec, options)
        )
        if rest and isinstance(model, LoadedModel) and model.training is None:
            model.training = record.beside(Path(rest).expanduser())
    if options.model_scale:
        model = _scaled(model, options.model_scale)
    if options.window is not None:
        if not hears(model):
            raise ModelError(f"--window does not apply to {spec}, which does not take audio")
        model = windowed(model, options.window)
    if spec == "default":
        model.name = "default"
        model.facts = {**model.facts, "source": "embedded in sertools"}
    return model


def check_spec(spec: str) -> None:
    """Checks that `load_model` would find a kind of model for `spec`, and its file if it names one.

    Nothing is loaded, and no hub is asked.

    Raises:
        ModelError: there is no such kind, directory or file
    """
    scheme, rest = scheme_and_rest(spec)
    path = Path(rest).expanduser()
    if not path.exists() and (rest.startswith((".", "/", "~")) or scheme in FILES):
        raise ModelError(f"{spec} names {rest}, which does not exist")
    check = getattr(_modules()[scheme], "check", None)
    if check is not None:
        check(rest)


def check_on_hub(spec: str) -> None:
    """Checks that a model that is an id of the model hub is in its cache, or that the hub has it.

    Nothing is downloaded, and the hub is asked only for what is not in the cache.

    Raises:
        ModelError: the hub has no such model, does not show it, or cannot be reached
    """
    scheme, rest = scheme_and_rest(spec)
    if scheme in OF_HUB:
        check_known(rest)


def _scaled(model: Model | ClipModel, scale: Mapping[str, tuple[float, float]]) -> Model | ClipModel:
    """The model with its ratings mapped from `scale` to [0, 1].

    Raises:
        ModelError: it has no ratings, or none of that name
    """
    assert isinstance(model, LoadedModel), "kinds that support --model-scale are of this class"
    scaled: Any = model.with_scale(scale)
    found: Model | ClipModel = scaled
    return found


def scheme_and_rest(spec: str) -> tuple[str, str]:
    """The kind of model that `spec`, the text after `--model`, names, and what its module loads.

    Raises:
        ModelError: there is no such kind, or `spec` names nothing
    """
    modules = _modules()
    known, alone = list(modules), [name for name, each in modules.items() if getattr(each, "ALONE", False)]
    scheme, colon, rest = spec.partition(":")
    if spec == "default":
        return "hf", str(Path(__file__).parents[1] / "data" / "default")
    if spec in alone and not os.path.exists(spec):
        return spec, ""
    if colon and scheme in known:
        if not rest:
            raise ModelError(f"--model {spec!r} has nothing after {scheme}:")
        return scheme, rest
    if os.path.exists(spec) or spec.startswith((".", "/", "~")):
        path = Path(spec).expanduser()
        return _scheme_of_folder(path), str(path)
    if colon:
        raise ModelError(f"unknown kind of model {scheme!r} in --model {spec!r}", hint=nearest(scheme, known))
    if hub_id(spec):
        return "hf", spec
    raise ModelError(
        f"no model named {spec!r}",
        hint=f"{nearest(spec, ['default'])}; or a directory, a hub id such as owner/name@revision, or one of "
        + ", ".join(f"{name}:…" for name in sorted(known)),
    )


def _scheme_of_folder(path: Path) -> str:
    """The kind of model in a directory: one whose file `MARK` is there, or that of transformers."""
    marked = ((scheme, getattr(module, "MARK", None)) for scheme, module in _modules().items())
    return next((scheme for scheme, mark in marked if mark and (path / mark).is_file()), "hf")


def _check(options: LoadOptions, scheme: str, reads: Sequence[str]) -> None:
    """Refuses options that this kind of model does not support.

    Raises:
        ModelError: an unsupported option, or an invalid device name
    """
    if not DEVICES.fullmatch(options.device):
        raise ModelError(
            f"unknown device {options.device!r}", hint="use --device cpu, cuda, cuda:N, mps or auto"
        )
    given = {name: "" for name in OPTIONS_OF_SOME_SCHEMES if getattr(options, name)}
    given |= {"device": f" {options.device}"} if options.device not in ("auto", "cpu") else {}
    given |= {"precision": f" {options.precision}"} if options.precision not in ("auto", "fp32") else {}
    for name, value in given.items():
        if name not in reads:
            others = " and ".join(f"--{known.replace('_', '-')}" for known in reads)
            raise ModelError(
                f"--{name.replace('_', '-')}{value} is not supported by {scheme}: models",
                hint=f"supported here: {others}" if others else "leave it out",
            )
