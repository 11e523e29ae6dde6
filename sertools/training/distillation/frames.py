"""The frames of a clip that are not masked, apart from the others and back at their places."""

from typing import TYPE_CHECKING

from sertools.models.frames.clip_frames import own_frames

if TYPE_CHECKING:
    import torch


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
