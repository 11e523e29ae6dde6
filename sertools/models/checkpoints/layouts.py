"""The table of heads: the keys of a checkpoint's head, and the computation that its authors use.

Each entry repeats the forward pass of the class with which the checkpoint was trained. These classes come
with the checkpoints and not with transformers, which would replace the head by a random one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError
from sertools.models.model import Task

if TYPE_CHECKING:
    import torch

ACTIVATIONS = {"none": "identity", "tanh": "tanh", "relu": "relu", "gelu": "gelu", "silu": "silu"}
"""Activation between two layers of a head → its name in torch."""

POOLINGS = ("mean", "max", "sum")
"""Values of `pooling_mode` in config.json: how the frames of a clip become one vector."""

AUTHORS = "equal to the class of its authors, written again, with random weights"
"""What most layouts were compared with."""

Weights = tuple["torch.Tensor", "torch.Tensor"]
"""Weight (out, in) and bias (out,) of one linear layer."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """Linear layers one after the other on the pooled frames.

    Attributes:
        layers: stems of the keys below the prefix; empty for the prefix itself
        softmax: whether the outputs pass through a softmax
        activations: between the layers, names of ACTIVATIONS; tanh everywhere if there are none
        first: activation before the first layer
        last: activation after the last layer
    """

    layers: tuple[str, ...]
    softmax: bool = False
    activations: tuple[str, ...] = ()
    first: str = "none"
    last: str = "none"

    def activation(self, layer: int) -> str:
        """Name of the activation before a layer, counted from 0."""
        if layer == 0:
            return self.first
        return self.activations[layer - 1] if self.activations else "tanh"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One kind of head.

    Attributes:
        description: what is computed, and whose checkpoints have it
        branches: whose outputs stand side by side; none if transformers computes the head, or there is none
        frames: linear layers on every frame, before they are pooled; None for none
        prefix: of the keys by which the head is recognised; None if it must be named with `--head`
        labels: names of the outputs, for checkpoints whose config.json does not name as many
        task: of the outputs, if it does not follow from config.json
        pooling: one of POOLINGS; empty for what `pooling_mode` in config.json says
        needs_biases: whether a checkpoint without the bias of a layer is incomplete
        original: what the tests compare the outputs with; empty if with nothing
    """

    description: str
    branches: tuple[Branch, ...] = ()
    frames: Branch | None = None
    prefix: str | None = None
    labels: tuple[str, ...] = ()
    task: Task | None = None
    pooling: str = ""
    needs_biases: bool = True
    original: str = ""

    def stems(self, prefix: str) -> list[str]:
        """Stems of the keys of all linear layers."""
        every = self.branches if self.frames is None else (self.frames, *self.branches)
        return [_joined(prefix, layer) for branch in every for layer in branch.layers]


LAYOUTS: Mapping[str, Layout] = {
    "native": Layout(
        description="the head of the transformers class named in config.json",
        original="equal to the class of transformers on one clip, with random weights",
    ),
    "dense-tanh-out": Layout(
        description="pooling → dense → tanh → out_proj (audEERING's dimensions, m3hrdadfi's emotions)",
        branches=(Branch(layers=("dense", "out_proj")),),
        prefix="classifier",
        original=AUTHORS,
    ),
    "dense-tanh-output": Layout(
        description="pooling → dense → tanh → output (ehcalabres' emotions)",
        branches=(Branch(layers=("dense", "output")),),
        prefix="classifier",
        original=AUTHORS,
    ),
    "age-gender": Layout(
        description="pooling → age: dense → tanh → out_proj; gender: the same, then softmax (audEERING)",
        branches=(
            Branch(layers=("age.dense", "age.out_proj")),
            Branch(layers=("gender.dense", "gender.out_proj"), softmax=True),
        ),
        prefix="",
        labels=("age", "female", "male", "child"),
        task="regression",
        original=AUTHORS,
    ),
    "linear": Layout(description="pooling → one linear layer", branches=(Branch(layers=("",)),)),
    "none": Layout(description="a bare encoder"),
}
"""Name → layout; pooling is the mean over all frames, or what `pooling_mode` in config.json says."""

NATIVE_KEYS = {"projector.weight", "classifier.weight", "classifier.dense.weight"}
"""Keys by which a head of transformers is recognised where config.json names no class."""


@dataclass(frozen=True, kw_only=True)
class OwnHead:
    """Linear layers of a head that transformers does not compute: pooled states (n, d) → logits (n, c).

    Attributes:
        branches: weights and activations of each branch
        frames: those of the layers on every frame, before pooling; None for none
    """

    branches: tuple[tuple[tuple[Weights, ...], Branch], ...]
    frames: tuple[tuple[Weights, ...], Branch] | None = None

    def __call__(self, pooled: "torch.Tensor") -> "torch.Tensor":
        """Logits, or ratings, of each clip."""
        import torch

        found = []
        for layers, branch in self.branches:
            states = _through(layers, branch, pooled)
            found.append(states.softmax(dim=-1) if branch.softmax else states)
        return torch.cat(found, dim=-1)

    def of_frames(self, states: "torch.Tensor") -> "torch.Tensor":
        """The pooled states, from states (n, frames, d)."""
        return states if self.frames is None else _through(*self.frames, states)

    def hidden(self, pooled: "torch.Tensor") -> "torch.Tensor":
        """The input of the last layers of all branches from pooled states, shape (n, d)."""
        import torch

        found = []
        for layers, branch in self.branches:
            before = _through(layers[:-1], replace(branch, last="none"), pooled)
            found.append(_activated(before, branch.activation(len(layers) - 1)))
        return torch.cat(found, dim=-1)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return sum(len(layers[-1][1]) for layers, _ in self.branches)


def _through(layers: Sequence[Weights], branch: Branch, states: "torch.Tensor") -> "torch.Tensor":
    """Outputs of the linear layers of a branch, with its activations."""
    from torch.nn import functional

    for i, (weight, bias) in enumerate(layers):
        states = functional.linear(
            _activated(states, branch.activation(i)), weight.to(states), bias.to(states)
        )
    return _activated(states, branch.last)


def _activated(states: "torch.Tensor", name: str) -> "torch.Tensor":
    from torch.nn import functional

    if name == "none":
        return states
    found: torch.Tensor = getattr(functional, ACTIVATIONS[name])(states)
    return found


def layout_of(keys: set[str], architectures: Sequence[str], head: Mapping[str, str]) -> tuple[str, str]:
    """The layout of a checkpoint's head and the prefix of its keys, determined from the keys.

    Several heads that the user names stand side by side, in the order in which they are named; `entry_of` has
    their prefixes.

    Raises:
        ModelError: `head` names an unknown layout, keys that do not exist, or heads that cannot be combined
    """
    for prefix, layout in head.items():
        if not prefix:
            return layout, prefix  # a description, which names whole keys
        if layout not in LAYOUTS:
            raise ModelError(
                f"--head {prefix}={layout}: unknown layout",
                hint=f"known: {', '.join(LAYOUTS)}; a description of the layers ends with out=…",
            )
        if not any(key.startswith(f"{prefix}.") for key in keys):
            raise ModelError(f"--head {prefix}={layout}: the checkpoint has no keys {prefix}.…")
        if len(head) > 1 and not LAYOUTS[layout].branches:
            known = [name for name, entry in LAYOUTS.items() if entry.branches]
            raise ModelError(
                f"--head {prefix}={layout} cannot be combined with another head",
                hint=f"several heads are read side by side if each has one of the layouts {', '.join(known)}",
            )
    if head:
        return " + ".join(head.values()), "" if len(head) > 1 else next(iter(head))
    for name, entry in LAYOUTS.items():
        if entry.prefix is None:
            continue
        if {f"{stem}.weight" for stem in entry.stems(entry.prefix)} <= keys:
            return name, entry.prefix
    claims = any(
        name.endswith(("ForSequenceClassification", "ForAudioClassification")) for name in architectures
    )
    return ("native" if claims or keys & NATIVE_KEYS else "none"), ""


def entry_of(layout: str, head: Mapping[str, str]) -> Layout:
    """The entry of a layout in the table; for several heads, one with the branches of all, in their order.

    Args:
        layout: from `layout_of`
        head: prefix → layout, as given by the user
    """
    if len(head) < 2:
        return LAYOUTS[layout]
    branches = [
        replace(branch, layers=tuple(_joined(prefix, layer) for layer in branch.layers))
        for prefix, name in head.items()
        for branch in LAYOUTS[name].branches
    ]
    return Layout(description=f"{layout} side by side", branches=tuple(branches))


def pooling_of(config: Any, folder: Path) -> str:
    """How a head that transformers does not compute pools the frames: `pooling_mode`, or else the mean.

    Raises:
        ModelError: `pooling_mode` is none of `POOLINGS`
    """
    stated = getattr(config, "pooling_mode", None)
    if stated is None:
        return "mean"
    if stated not in POOLINGS:
        raise ModelError(
            f"{folder / 'config.json'}: pooling_mode is {str(stated)[:60]!r}, which is not one of "
            f"{', '.join(POOLINGS)}"
        )
    return str(stated)


def own_head(
    tensors: Mapping[str, "torch.Tensor"], layout: Layout, prefix: str, width: int | None, folder: Path
) -> OwnHead:
    """The linear layers of a head, after checking their shapes and values.

    Args:
        tensors: of the checkpoint, by key
        layout: one with branches
        prefix: of the keys
        width: of the encoder's states; None if it is not known
        folder: of the checkpoint, for messages

    Raises:
        ModelError: a key is missing, has a shape that does not fit, or holds nan or infinity
    """

    def weights_of(branch: Branch, size: int | None) -> tuple[tuple[Weights, ...], Branch]:
        layers = []
        for layer in branch.layers:
            stem = _joined(prefix, layer)
            needed = (f"{stem}.weight", *([f"{stem}.bias"] if layout.needs_biases else []))
            absent = [key for key in needed if key not in tensors]
            if absent:
                raise ModelError(f"{folder} lacks keys of a head ({layout.description}): {', '.join(absent)}")
            weight = tensors[f"{stem}.weight"].float()
            given = tensors.get(f"{stem}.bias")
            bias = weight.new_zeros(len(weight)) if given is None else given.float()
            _check_layer(stem, weight, bias, size, folder)
            size = len(bias)
            layers.append((weight, bias))
        return tuple(layers), branch

    frames = weights_of(layout.frames, width) if layout.frames else None
    pooled = len(frames[0][-1][1]) if frames and frames[0] else width
    return OwnHead(branches=tuple(weights_of(each, pooled) for each in layout.branches), frames=frames)


def _check_layer(
    stem: str, weight: "torch.Tensor", bias: "torch.Tensor", inputs: int | None, folder: Path
) -> None:
    """Refuses a linear layer that does not fit the one before it, or whose numbers are not finite."""
    shape = tuple(weight.shape)
    fits = len(shape) == 2 and min(shape) > 0 and inputs in {None, shape[-1]}
    if not fits:
        wanted = "(outputs, inputs)" if inputs is None else f"(outputs, {inputs})"
        raise ModelError(
            f"the head in {folder} does not fit: {stem}.weight has shape {shape}, but must have {wanted}"
        )
    if tuple(bias.shape) != shape[:1]:
        raise ModelError(
            f"the head in {folder} does not fit: {stem}.bias has shape {tuple(bias.shape)}, but "
            f"{stem}.weight has {shape[0]} outputs"
        )
    for name, tensor in (("weight", weight), ("bias", bias)):
        if not tensor.isfinite().all():
            raise ModelError(
                f"{folder} has weights that are not finite numbers: {stem}.{name}",
                hint="training diverged, or the file is damaged",
            )


def _joined(prefix: str, layer: str) -> str:
    return ".".join(part for part in (prefix, layer) if part)
