"""Recipes: all settings that affect the result of a training, read from a TOML file.

A recipe states what it changes; a method brings the published values of the rest (`DEFAULTS` of its file in
`objectives/`), and `sertools train` writes the complete recipe beside the weights.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sertools.audio.files import MAX_MINUTES
from sertools.errors import ModelError, nearest
from sertools.files import read_toml
from sertools.training.objectives import defaults_of, objectives, options_of

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

FIRST = "first"
"""Value of `best_by` for the first measure of the targets."""


class Strict(BaseModel):
    """A table of a recipe: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SpecAugment(Strict):
    """Masks on the encoder's frames in training (Park et al. 2019), as transformers defines them.

    `time` and `feature` are probabilities with which a span starts; `time_length` frames and
    `feature_length` dimensions are set to the learnt mask vector and to 0.
    """

    time: Share = 0.0
    time_length: Annotated[int, Field(gt=0)] = 10
    feature: Share = 0.0
    feature_length: Annotated[int, Field(gt=0)] = 10


class Optimisation(Strict):
    """How one phase of a training descends.

    Attributes:
        epochs: passes over the training clips
        steps: updates, in place of `epochs`; 0 to count epochs
        batch: clips per batch
        batch_samples: largest number of samples in a batch, padding included, in place of `batch`; 0 for none
        accumulate: batches per update
        optimiser: `adam` or `adamw`, which are the same here (weight decay is decoupled, as in fairseq), or
            `sgd` with Nesterov momentum 0.9
        learning_rate: the highest
        schedule: of the learning rate after warm-up
        warm_up: share of the updates in which the rate rises linearly from 0; from 1 on, their number
        weight_decay: of matrices; biases and norms have none
        clip_norm: largest norm of the gradient; 0 for no limit
        every: updates after which dev clips are scored and a checkpoint is kept; 0 for each epoch
        best_by: measure on dev clips by which the best weights are chosen; empty for the last ones; `first`
            for CCC, or else UAR, where there are dev clips
        patience: scorings without improvement after which training stops; 0 for never
    """

    epochs: Count = 5
    steps: Count = 0
    batch: Annotated[int, Field(gt=0)] = 32
    batch_samples: Count = 0
    accumulate: Annotated[int, Field(gt=0)] = 1
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Positive = 1e-4
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warm_up: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    clip_norm: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    every: Count = 0
    best_by: str = ""
    patience: Count = 0

    @model_validator(mode="after")
    def _can_begin(self) -> "Optimisation":
        if not (self.epochs or self.steps):
            raise ValueError("epochs and steps are both 0")
        if self.patience and not self.best_by:
            raise ValueError('patience needs best_by, such as best_by = "uar"')
        return self


class Recipe(Optimisation):
    """All settings that affect the result of a training.

    Attributes:
        method: name of a file in `objectives/`, such as `fine-tune`
        init: where the weights come from: a checkpoint folder, a hub id, `default`, `random:ARCHITECTURE`
        architecture: settings of config.json that differ, for `random:`
        corpora, dev, test: corpora of each part, as after `--data`; dev and test may be empty
        label_map: emotion label of a corpus → name that is trained, as excited = "happiness"
        scale: dimension (`*` for all) → lowest and highest rating, for tables with ratings on a scale
        raters: what raters said, as after `--raters`; empty for columns `votes_…`
        max_minutes: longest clip that is read; a longer one is left out
        speakers: who trains, `ID` or `CORPUS:ID`; empty for all who are not dev or test speakers
        dev_speakers, test_speakers: who never trains; dev speakers choose the best weights
        share: share of the training clips that is used; a smaller one is part of a larger one
        share_by: whether clips or whole speakers are left out
        cut_s: longest excerpt in training, in s, from the start of the clip; 0 for whole clips
        target: what is predicted; `soft` are the shares of the raters' votes, `sentiment` whether valence is
            above or below the middle of its scale, where clips in the middle are left out
        labels: outputs in order; empty for all dimensions, or all emotions of the training clips
        norms: norms from which dimensions are derived, by emotion; empty for ratings
        smoothing: ε of smoothed labels, (1 − ε) p + ε (1 − p) / (C − 1)
        loss: of the dimensions
        weights: of the classes in cross-entropy
        class_share: weight of the classes in a joint loss, 0 to 1; the dimensions have the rest
        pooling: of the frames of a clip
        head: layers between pooled states and outputs
        hidden: size of hidden layers of the head; 0 for the encoder's own
        dropout: share of inputs of each layer of the head that is set to 0; none for that of the encoder
        layers_kept: lowest layers of the encoder that are kept; 0 for all
        freeze: what does not train
        spec_augment: masks on frames
        augment: perturbations of training clips, `NAME` or `NAME@LEVEL`, one of which is drawn
        augment_share: share of the training clips that are perturbed in an epoch
        precision: number format of matrix products
        seed: of initial weights, order, dropout, masks and perturbations
        pretrain: how a first phase on unlabelled clips descends, for methods that have one
        options: further settings of the method
    """

    method: str
    init: str = "default"
    architecture: dict[str, Any] = {}
    corpora: list[str] = Field(min_length=1)
    dev: list[str] = []
    test: list[str] = []
    label_map: dict[str, str] = {}
    scale: dict[str, tuple[float, float]] = {}
    raters: str = ""
    max_minutes: Positive = MAX_MINUTES
    speakers: list[str] = []
    dev_speakers: list[str] = []
    test_speakers: list[str] = []
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    share_by: Literal["clip", "speaker"] = "clip"
    cut_s: Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)] = 0.0
    target: Literal["dimensions", "categories", "joint", "soft", "sentiment"] = "categories"
    labels: list[str] = []
    norms: Literal["", "russell_mehrabian_1977"] = ""
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    loss: Literal["ccc", "mse"] = "ccc"
    weights: Literal["none", "inverse", "balanced", "balanced-clips"] = "none"
    class_share: Share = 0.5
    pooling: Literal["mean", "max", "sum"] = "mean"
    head: str = "dense-tanh"
    hidden: Count = 0
    dropout: Share | None = None
    layers_kept: Count = 0
    freeze: Literal["nothing", "cnn", "encoder"] = "cnn"
    spec_augment: SpecAugment = SpecAugment()
    augment: list[str] = []
    augment_share: Share = 0.5
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    pretrain: Optimisation = Optimisation()
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _pretraining_is_chosen_by_its_loss(self) -> "Recipe":
        if self.pretrain.best_by not in ("", "loss"):
            raise ValueError('pretrain.best_by can only be "loss": nothing else is measured without labels')
        return self


def read_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Reads a recipe, with the values of its method for what it does not state.

    Args:
        path: TOML file
        changes: `key=value`, which replace values of the file; `pretrain.steps=100` in a table

    Raises:
        ModelError: the file is missing or is not valid TOML, or a key or value in it is not valid
    """
    table = read_toml(path, error=ModelError, what="the recipe")
    return recipe_of(table, changes, str(path))


def recipe_of(table: Mapping[str, Any], changes: Sequence[str] = (), source: str = "the recipe") -> Recipe:
    """The recipe of a table, see `read_recipe`."""
    stated = changed(table, changes)
    method = stated.get("method")
    if not isinstance(method, str) or method not in objectives():
        raise ModelError(
            f"{source}: unknown method {method!r}", hint=nearest(str(method), list(objectives()))
        )
    complete = joined(defaults_of(method), stated)
    unknown = list(_unknown_keys(Recipe, complete))
    if unknown:
        raise ModelError(f"{source}: {'; '.join(unknown)}")
    try:
        recipe = Recipe.model_validate(complete)
        options_of(recipe.method, recipe.options)
    except ValidationError as error:
        raise explained(error, source) from error
    return recipe


def joined(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A table with the values of another in place of its own, table by table.

    >>> joined({"a": 1, "t": {"b": 2, "c": 3}}, {"t": {"b": 4}})
    {'a': 1, 't': {'b': 4, 'c': 3}}
    """
    deep = {
        key: joined(base[key], value)
        for key, value in changes.items()
        if isinstance(base.get(key), Mapping) and isinstance(value, Mapping)
    }
    return {**base, **changes, **deep}


def changed(table: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """The table with the values of `--set` in it.

    Raises:
        ModelError: one is not of the form `key=value`
    """
    found = dict(table)
    for change in changes:
        found = _changed(found, change)
    return found


def _changed(table: dict[str, Any], change: str) -> dict[str, Any]:
    key, equals, text = change.partition("=")
    names = _names(key)
    if not equals or not all(names):
        raise ModelError(f"--set {change!r} is not of the form key=value", hint="such as --set epochs=10")
    return _put(table, names, _value(text.strip()))


def _put(table: Mapping[str, Any], names: Sequence[str], value: Any) -> dict[str, Any]:
    """The table with a value below some names; a table joins the one that is there, and `{}` empties it.

    >>> _put({"a": {"b": 1}}, ["a"], {"c": 2}), _put({"a": {"b": 1}}, ["a"], {})
    ({'a': {'b': 1, 'c': 2}}, {'a': {}})
    """
    name, *rest = names
    there = table.get(name)
    below: Mapping[str, Any] = there if isinstance(there, Mapping) else {}
    if rest:
        value = _put(below, rest, value)
    elif isinstance(value, Mapping) and value:
        value = joined(below, value)
    return {**table, name: value}


def _names(key: str) -> list[str]:
    """The names of a dotted key; one with a dot in it stands in quotes, as in TOML.

    >>> _names("pretrain.steps"), _names('variants."α 0.1".options'), _names("variants.WavLM Large.init")
    (['pretrain', 'steps'], ['variants', 'α 0.1', 'options'], ['variants', 'WavLM Large', 'init'])
    """
    try:
        table: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return [name.strip() for name in key.split(".")]
    found = []
    while isinstance(table, dict) and table:
        (name, table), *_ = table.items()
        found.append(name)
    return found


def _value(text: str) -> Any:
    """The value of a text: as in TOML, or else the text itself.

    >>> _value("5"), _value("uar"), _value("[1, 2]")
    (5, 'uar', [1, 2])
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _unknown_keys(table: type[BaseModel], given: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """A sentence on each unknown key, with the nearest known one."""
    known = table.model_fields
    for key, value in given.items():
        if key not in known:
            yield f"unknown key {above + key!r} ({nearest(key, list(known))})"
            continue
        kind = known[key].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, Mapping):
            yield from _unknown_keys(kind, value, f"{above}{key}.")


def explained(error: ValidationError, source: str, keys: list[str] | None = None) -> ModelError:
    """The first problem of a table, in one sentence; for an unknown key with the nearest of some keys."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    said = first["msg"].removeprefix("Value error, ")
    hint = nearest(str(first["loc"][-1]), keys) if keys and first["type"] == "extra_forbidden" else ""
    return ModelError(f"{source} has an error{f' at {where!r}' if where else ''}: {said}", hint=hint)
