"""Heads that a user describes: `--head "pool=mean, dense=classifier.dense, act=tanh, out=classifier.output"`.

Parts are separated by commas and stand in the order in which they are computed: how the frames are pooled,
linear layers by the keys of their weights, activations between them, and the last layer.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sertools.errors import ModelError, nearest
from sertools.models.checkpoints.layouts import ACTIVATIONS, LAYOUTS, POOLINGS, Branch, Layout

if TYPE_CHECKING:
    import torch

FORM = "pool=mean, dense=classifier.dense, act=tanh, out=classifier.output"
"""An example for messages."""

MOST_LAYERS = 8
"""Largest number of linear layers that is suggested for the keys of an unknown head."""


def describes(text: str) -> bool:
    """Whether a value of `--head` describes a head, rather than naming a layout.

    >>> describes("pool=mean, out=classifier"), describes("classifier=dense-tanh-out")
    (True, False)
    """
    return any(part.partition("=")[0].strip() == "out" for part in text.split(","))


def layout_named(name: str) -> Layout:
    """The layout of this name, or the one that a description describes.

    Raises:
        ModelError: a description has an unknown part, two layers without an activation, or no last layer
    """
    if name in LAYOUTS:
        return LAYOUTS[name]
    return _parsed(name) if describes(name) else Layout(description=name)


def suggestion(unread: Sequence[str], tensors: Mapping[str, "torch.Tensor"], width: int | None) -> str:
    """A description that fits the keys of an unknown head, to be checked by the user; empty if there is none.

    The keys must be those of linear layers, each of which takes what the one before it returns. What stands
    between them is not in the checkpoint; tanh, the commonest, is suggested.

    Args:
        unread: keys that would stay unread
        tensors: of the checkpoint, by key
        width: of the encoder's states; None if it is not known
    """
    stems = sorted({key.rpartition(".")[0] for key in unread})
    wanted = {f"{stem}.{kind}" for stem in stems for kind in ("weight", "bias")}
    if not stems or wanted != set(unread) or len(stems) > MOST_LAYERS:
        return ""
    shapes = {stem: tuple(tensors[f"{stem}.weight"].shape) for stem in stems}
    if any(len(shape) != 2 for shape in shapes.values()):
        return ""
    chain: list[str] = []
    size = width
    while len(chain) < len(stems):
        fitting = [stem for stem in stems if stem not in chain and size in {None, shapes[stem][1]}]
        if not fitting:
            return ""
        # of two that fit, the one that leaves room for the other comes first
        chain.append(max(fitting, key=lambda stem: shapes[stem][0] == shapes[stem][1]))
        size = shapes[chain[-1]][0]
    hidden = "".join(f"dense={stem}, act=tanh, " for stem in chain[:-1])
    return f"pool=mean, {hidden}out={chain[-1]}"


def _parsed(text: str) -> Layout:
    """The layout that a description describes."""
    pooling = "mean"
    layers: list[tuple[str, str]] = []
    activations: list[str] = []
    waiting = ""  # the activation since the last layer
    for part in text.split(","):
        kind, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value or kind not in {"pool", "dense", "act", "out"}:
            raise ModelError(
                f"--head: {part.strip()!r} is none of pool=…, dense=…, act=… and out=…",
                hint=f'for example --head "{FORM}"',
            )
        if kind == "pool" and not layers:
            pooling = _one_of(value, POOLINGS, "pool")
        elif kind == "act" and layers and not waiting:
            waiting = _one_of(value, tuple(ACTIVATIONS), "act")
        elif kind in {"dense", "out"}:
            if layers:
                activations.append(waiting or "none")
            layers.append((kind, value))
            waiting = ""
        else:
            raise ModelError(
                f"--head: {part.strip()} stands in the wrong place", hint=f'the order is that of "{FORM}"'
            )
    if not layers or [kind for kind, _ in layers].index("out") != len(layers) - 1 or waiting:
        raise ModelError("--head: out=… has to be the last part", hint=f'for example --head "{FORM}"')
    branch = Branch(layers=tuple(value for _, value in layers), activations=tuple(activations))
    return Layout(description="described with --head", branches=(branch,), pooling=pooling)


def _one_of(value: str, known: Sequence[str], kind: str) -> str:
    if value not in known:
        raise ModelError(f"--head: unknown {kind}={value}", hint=nearest(value, list(known)))
    return value
