"""Heads that a user describes: `--head "pool=mean, dense=classifier.dense, act=tanh, out=classifier.output"`.

Parts are separated by commas and stand in the order in which they are computed: how the frames are pooled,
linear layers by the keys of their weights, activations, and the last layer. What stands before `pool=` is
computed for every frame. A checkpoint can bring such a description as `sertools_head` in its config.json.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError, nearest
from sertools.models.checkpoints.layouts import ACTIVATIONS, LAYOUTS, POOLINGS, Branch, Layout

if TYPE_CHECKING:
    import torch

FORM = "pool=mean, dense=classifier.dense, act=tanh, out=classifier.output"
"""An example for messages."""

IN_CONFIG = "sertools_head"
"""Key of config.json whose value describes the head."""

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


def head_in(config: Any, folder: Path) -> dict[str, str]:
    """The head that config.json describes as `sertools_head`, as after `--head`; none if it has no such key.

    Raises:
        ModelError: the value is not a description
    """
    text = getattr(config, IN_CONFIG, None)
    if text is None:
        return {}
    if not isinstance(text, str) or not describes(text):
        raise ModelError(
            f"{folder / 'config.json'}: {IN_CONFIG} is {str(text)[:60]!r}, which does not describe a head",
            hint=f'for example "{FORM}"',
        )
    return {"": text}


def suggestion(unread: Sequence[str], tensors: Mapping[str, "torch.Tensor"], width: int | None) -> str:
    """Suggested options for an unknown head, to be checked by the user; empty if there are none.

    The keys must be those of linear layers. If each takes what the one before it returns, they are described;
    what stands between them is not in the checkpoint, and tanh, the commonest, is suggested. Several heads
    side by side are named with their layouts.

    Args:
        unread: keys that would not be read
        tensors: of the checkpoint, by key
        width: of the encoder's states; None if it is not known
    """
    shapes = linear_layers(unread, tensors)
    if not shapes or len(shapes) > MOST_LAYERS:
        return ""
    chain: list[str] = []
    size = width
    while len(chain) < len(shapes):
        fitting = [stem for stem in shapes if stem not in chain and size in {None, shapes[stem][1]}]
        if not fitting:
            return _side_by_side(shapes, width)
        # of two that fit, the one that leaves room for the other comes first
        chain.append(max(fitting, key=lambda stem: shapes[stem][0] == shapes[stem][1]))
        size = shapes[chain[-1]][0]
    hidden = "".join(f"dense={stem}, act=tanh, " for stem in chain[:-1])
    return f'--head "pool=mean, {hidden}out={chain[-1]}"'


def linear_layers(keys: Sequence[str], tensors: Mapping[str, "torch.Tensor"]) -> dict[str, tuple[int, ...]]:
    """Stems of the keys and shapes of the weights, in order of names; empty if not all are linear layers."""
    stems = sorted({key.rpartition(".")[0] for key in keys})
    possible = {f"{stem}.{kind}" for stem in stems for kind in ("weight", "bias")}
    needed = {f"{stem}.weight" for stem in stems}
    if not needed <= set(keys) <= possible:
        return {}
    shapes = {stem: tuple(tensors[f"{stem}.weight"].shape) for stem in stems}
    return shapes if all(len(shape) == 2 for shape in shapes.values()) else {}


def _side_by_side(shapes: Mapping[str, tuple[int, ...]], width: int | None) -> str:
    """Options that name several heads, each with its layout; empty if one of them has no known layout."""
    prefixes = dict.fromkeys(stem.partition(".")[0] for stem in shapes)
    if len(prefixes) < 2:
        prefixes = dict.fromkeys(stem.rpartition(".")[0] for stem in shapes)
    named = []
    for prefix in prefixes:
        stems = {stem for stem in shapes if stem == prefix or stem.startswith(f"{prefix}.")}
        fits = [
            name
            for name, entry in LAYOUTS.items()
            if len(entry.branches) == 1 and set(entry.stems(prefix)) == stems
        ]
        if not prefix or not fits or all(shapes[stem][1] != width for stem in stems):
            return ""
        named.append(f"--head {prefix}={fits[0]}")
    return " ".join(named)


def _parsed(text: str) -> Layout:
    """The layout that a description describes."""
    parts = [_part(each) for each in text.split(",")]
    kinds = [kind for kind, _ in parts]
    if kinds.count("out") != 1 or kinds[-1] != "out":
        raise ModelError("--head: out=… has to be the last part", hint=f'for example --head "{FORM}"')
    if kinds.count("pool") > 1:
        raise ModelError("--head: pool=… is given twice", hint=f'for example --head "{FORM}"')
    at = kinds.index("pool") if "pool" in kinds else -1
    pooling = _one_of(parts[at][1], POOLINGS, "pool") if at >= 0 else "mean"
    return Layout(
        description="described with --head",
        branches=(_branch(parts[at + 1 :]),),
        frames=_branch(parts[:at]) if at > 0 else None,
        pooling=pooling,
        needs_biases=False,
    )


def _part(text: str) -> tuple[str, str]:
    """Kind and value of a part."""
    kind, equals, value = (piece.strip() for piece in text.partition("="))
    if not equals or not value or kind not in {"pool", "dense", "act", "out"}:
        raise ModelError(
            f"--head: {text.strip()!r} is none of pool=…, dense=…, act=… and out=…",
            hint=f'for example --head "{FORM}"',
        )
    return kind, value


def _branch(parts: Sequence[tuple[str, str]]) -> Branch:
    """Linear layers with the activations before, between and after them."""
    layers: list[str] = []
    activations = ["none"]  # before each layer, and after the last
    for kind, value in parts:
        if kind != "act":
            layers.append(value)
            activations.append("none")
        elif activations[-1] == "none":
            activations[-1] = _one_of(value, tuple(ACTIVATIONS), "act")
        else:
            raise ModelError(
                f"--head: {kind}={value} is in the wrong place", hint=f'the order is that of "{FORM}"'
            )
    return Branch(
        layers=tuple(layers),
        activations=tuple(activations[1:-1]),
        first=activations[0],
        last=activations[-1] if layers else "none",
    )


def _one_of(value: str, known: Sequence[str], kind: str) -> str:
    if value not in known:
        raise ModelError(f"--head: unknown {kind}={value}", hint=nearest(value, list(known)))
    return value
