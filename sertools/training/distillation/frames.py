"""The frames of a student: with tokens in front of them, or only those that are not masked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sertools.models.checkpoints.padded_forward import pads_frames
from sertools.training.encoders import contextual, own_frames

if TYPE_CHECKING:
    import torch


def positioned(encoder: Any, states: "torch.Tensor", frames: "torch.Tensor") -> "torch.Tensor":
    """Inputs of the transformer with the positional convolution added, for each clip as if it were alone.

    Padding is 0.

    Args:
        encoder: module of transformers
        states: projected frames, shape (n, frames, d)
        frames: number of each clip's own frames, shape (n,)
    """
    import torch

    convolution = encoder.encoder.pos_conv_embed
    own = own_frames(frames, states.shape[1]).unsqueeze(-1)
    states = states * own
    if pads_frames(encoder) or len(set(frames.tolist())) == 1:
        added: torch.Tensor = (states + convolution(states)) * own
        return added
    alone = [
        state[None, :n] + convolution(state[None, :n])
        for state, n in zip(states, frames.tolist(), strict=True)
    ]
    longest = states.shape[1]
    return torch.cat([torch.nn.functional.pad(x, (0, 0, 0, longest - x.shape[1])) for x in alone])


def with_tokens(
    encoder: Any, states: "torch.Tensor", frames: "torch.Tensor", tokens: "torch.Tensor | None"
) -> "tuple[torch.Tensor, torch.Tensor | None]":
    """Outputs of the transformer for tokens in front of the frames (Eq. 5).

    Args:
        encoder: module of transformers
        states: from `positioned`, shape (n, frames, d); tokens have no position
        frames: number of each clip's own frames, shape (n,)
        tokens: shape (tokens, d); None for none

    Returns:
        the frames (n, frames, d) and the tokens (n, tokens, d), None if there are none
    """
    import torch

    if tokens is None:
        with _no_positions(encoder):
            return contextual(encoder, states, frames)[-1], None
    n = len(tokens)
    joined = torch.cat([tokens.to(states.dtype).expand(len(states), -1, -1), states], dim=1)
    with _no_positions(encoder):
        last = contextual(encoder, joined, frames + n)[-1]
    return last[:, n:], last[:, :n]


@contextmanager
def _no_positions(encoder: Any) -> Iterator[None]:
    """The transformer without its positional convolution."""
    import torch

    class Nothing(torch.nn.Module):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(states)

    convolution = encoder.encoder.pos_conv_embed
    encoder.encoder.pos_conv_embed = Nothing()
    try:
        yield
    finally:
        encoder.encoder.pos_conv_embed = convolution


def visible_frames(
    states: "torch.Tensor", hidden: "torch.Tensor", frames: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """The frames that are not masked, moved to the front, shape (n, most, d).

    Args:
        states: shape (n, frames, d)
        hidden: True for masked frames, shape (n, frames)
        frames: number of each clip's own frames, shape (n,)

    Returns:
        those frames, their number in each clip (n,), and the place of each in `states`, shape (n, most)
    """
    import torch

    seen = own_frames(frames, states.shape[1]) & ~hidden
    counts = seen.sum(dim=1)
    order = torch.argsort((~seen).to(torch.int8), dim=1, stable=True)[:, : int(counts.max())]
    found = torch.gather(states, 1, order[..., None].expand(-1, -1, states.shape[2]))
    return found * own_frames(counts, order.shape[1]).unsqueeze(-1), counts, order


def put_back(
    visible: "torch.Tensor", counts: "torch.Tensor", order: "torch.Tensor", filling: "torch.Tensor"
) -> "torch.Tensor":
    """Outputs of the visible frames at their places, and `filling` at all others, shape (n, frames, d).

    Args:
        visible: shape (n, most, d)
        counts: number of visible frames of each clip, shape (n,)
        order: the place of each, shape (n, most)
        filling: shape (n, frames, d)
    """
    import torch

    own = own_frames(counts, order.shape[1])
    places = torch.where(own, order, filling.shape[1])  # what is padding goes to a frame that is cut off
    longer = torch.nn.functional.pad(filling.to(visible.dtype), (0, 0, 0, 1))
    found = longer.scatter(1, places[..., None].expand_as(visible), visible)
    return found[:, :-1]
