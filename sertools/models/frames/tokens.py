"""A transformer with vectors in front of the frames of a clip, whose outputs represent the clip."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from sertools.models.checkpoints.padded_forward import pads_frames
from sertools.models.frames.clip_frames import contextual, features, frame_counts, own_frames, projected

if TYPE_CHECKING:
    import torch


Reads = Literal["utterance", "both"]
"""The mean of the outputs of the vectors in front, or each frame with that mean beside it."""


def read(
    encoder: Any, signals: "torch.Tensor", lengths: "torch.Tensor", tokens: "torch.Tensor", what: Reads
) -> "list[torch.Tensor]":
    """The representation of each clip: (1, d) for `utterance`, (frames, 2 d) for `both`.

    Args:
        encoder: module of transformers, in evaluation mode
        signals: shape (n, longest), zero-padded
        lengths: samples of each, shape (n,)
        tokens: vectors in front of the frames, shape (tokens, d)
        what: see `Reads`
    """
    import torch

    frames = frame_counts(encoder, lengths)
    states = positioned(encoder, projected(encoder, features(encoder, signals, lengths)), frames)
    outputs, summary = with_tokens(encoder, states, frames, tokens)
    assert summary is not None, "there are tokens"
    means = summary.mean(dim=1, keepdim=True)
    if what == "utterance":
        return list(means)
    return [
        torch.cat([clip[:n], mean.expand(n, -1)], dim=1)
        for clip, mean, n in zip(outputs, means, frames.tolist(), strict=True)
    ]


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
