"""The layers after an encoder, as modules that train, and as descriptions by which `--model` reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError, nearest
from sertools.models.checkpoints.described_heads import IN_CONFIG, layout_named
from sertools.models.checkpoints.layouts import ACTIVATIONS, Branch
from sertools.models.frames.clip_frames import masked_mean, own_frames

if TYPE_CHECKING:
    import torch

HEADS: Mapping[str, str] = {
    "dense-tanh": "pool={pooling}, dense=classifier.dense, act=tanh, out=classifier.out_proj",
    "relu-linear": "pool={pooling}, act=relu, out=classifier",
    "linear": "pool={pooling}, out=classifier",
    "frames-relu": "dense=projector, act=relu, pool={pooling}, out=classifier",
    "two-relu": "pool={pooling}, dense=classifier.0, act=relu, dense=classifier.1, act=relu, "
    "out=classifier.2",
}
"""Name → layers, in the order in which they are computed: of Wagner et al. 2023; of Chen & Rudnicky 2023; one
layer; a layer on every frame before pooling, as downstream of emotion2vec; two hidden layers, as in the
baseline of EMO-SUPERB's table 4."""


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """A head before it is built.

    Attributes:
        description: its layers, see `described_heads.py`
        hidden: size of hidden layers
        outputs: number of outputs
        dropout: share of the inputs of each layer of a clip that is set to 0 in training
    """

    description: str
    hidden: int
    outputs: int
    dropout: float


def described(head: str, pooling: str) -> str:
    """The description of a head by its name, or the description itself.

    Raises:
        ModelError: there is no such head
    """
    if "out=" in head:
        layout_named(head)
        return head
    if head not in HEADS:
        raise ModelError(f"the recipe has the unknown head {head!r}", hint=nearest(head, list(HEADS)))
    return HEADS[head].format(pooling=pooling)


def build_head(settings: HeadSettings, width: int) -> "torch.nn.Module":
    """The module of a head: `forward(states, frames)`, (n, frames, width) → (n, outputs).

    Its state dict has the keys that the description names. Dropout comes before each layer of a clip, that is
    on the pooled vector and on hidden ones.

    Args:
        settings: its layers
        width: of the encoder's states
    """
    import torch

    layout = layout_named(settings.description)
    of_frames, of_clip, pooling = layout.frames, layout.branches[0], layout.pooling or "mean"

    class Head(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            size = width
            self.linear = torch.nn.ModuleDict()
            for branch in (of_frames, of_clip):
                for stem in branch.layers if branch else ():
                    last = branch is of_clip and stem == of_clip.layers[-1]
                    made = torch.nn.Linear(size, settings.outputs if last else settings.hidden)
                    self.linear[stem.replace(".", "/")] = made
                    size = made.out_features
            self.dropout = torch.nn.Dropout(settings.dropout)

        def forward(self, states: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
            if of_frames is not None:
                states = self._through(of_frames, states, drop=False)
            return self._through(of_clip, pooled(states, frames, pooling), drop=True)

        def _through(self, branch: Branch, states: torch.Tensor, *, drop: bool) -> torch.Tensor:
            for i, stem in enumerate(branch.layers):
                states = _activated(states, branch.activation(i))
                states = self.linear[stem.replace(".", "/")](self.dropout(states) if drop else states)
            return _activated(states, branch.last)

        def exported(self) -> dict[str, torch.Tensor]:
            """Its weights by the keys of the description."""
            return {key.replace("/", "."): value for key, value in self.linear.state_dict().items()}

    return Head()


def pooled(states: "torch.Tensor", frames: "torch.Tensor", pooling: str) -> "torch.Tensor":
    """Mean, maximum or sum over each clip's own frames, (n, frames, d) → (n, d)."""
    if pooling == "mean":
        return masked_mean(states, frames)
    own = own_frames(frames, states.shape[1]).unsqueeze(-1)
    if pooling == "sum":
        return (states * own).sum(1)
    found: torch.Tensor = states.masked_fill(~own, float("-inf")).amax(1)
    return found


def _activated(states: "torch.Tensor", name: str) -> "torch.Tensor":
    import torch

    if name == "none":
        return states
    found: torch.Tensor = getattr(torch.nn.functional, ACTIVATIONS[name])(states)
    return found


def problem_type(dimensions: Sequence[str], classes: Sequence[str]) -> str | None:
    """The task in config.json; None for a joint model, which is recognised by the names of its outputs."""
    if dimensions and classes:
        return None
    return "regression" if dimensions else "single_label_classification"


def bare_config(config: Any) -> Any:
    """The configuration of an encoder without the description of a head that it may have had."""
    found = type(config).from_dict(config.to_dict())
    if hasattr(found, IN_CONFIG):
        delattr(found, IN_CONFIG)
    return found


def answering_config(config: Any, dimensions: Sequence[str], classes: Sequence[str], description: str) -> Any:
    """The configuration of an encoder with the names of the outputs and the description of the head."""
    found = type(config).from_dict(config.to_dict())
    labels = [*dimensions, *classes]
    found.id2label = dict(enumerate(labels))
    found.label2id = {name: i for i, name in enumerate(labels)}
    found.problem_type = problem_type(dimensions, classes)
    found.sertools_head = description
    return found
