"""The losses of the student, and the update of the teacher (Ma et al. 2024, "emotion2vec", section 3).

Means are over a clip's own frames, never over padding.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sertools.models.frames.clip_frames import masked_mean, own_frames

if TYPE_CHECKING:
    import torch

EPSILON = 1e-5
"""Added to variances, as in torch's norms."""

COLLAPSED = 0.1
"""Share of their first spread below which targets are said to have collapsed."""


def tau_at(step: int, steps: int, start: float, end: float) -> float:
    """The decay τ of the teacher after an update, linear.

    Args:
        step: number of the update, from 1
        steps: number of all updates
        start: after the first update
        end: after the last

    >>> [tau_at(step, 3, 0.9, 1.0) for step in (1, 2, 3)]
    [0.9, 0.95, 1.0]
    """
    progress = (step - 1) / (steps - 1) if steps > 1 else 0.0
    return start + (end - start) * min(max(progress, 0.0), 1.0)


def follow(teacher: "torch.nn.Module", student: "torch.nn.Module", tau: float) -> None:
    """Moves the teacher's weights to τ · teacher + (1 − τ) · student (Eq. 11); buffers are copied.

    The teacher may lack modules of the student.
    """
    import torch

    weights, buffers = dict(student.named_parameters()), dict(student.named_buffers())
    with torch.no_grad():
        for name, weight in teacher.named_parameters():
            weight.mul_(tau).add_(weights[name], alpha=1 - tau)
        for name, buffer in teacher.named_buffers():
            buffer.copy_(buffers[name])


def targets(
    blocks: "Sequence[torch.Tensor]", frames: "torch.Tensor", top: int, *, normalised: bool = False
) -> "torch.Tensor":
    """Mean of the outputs of the top blocks (Eq. 4), shape (n, frames, d).

    Args:
        blocks: outputs of all blocks, each (n, frames, d)
        frames: number of each clip's own frames, shape (n,)
        top: number of blocks
        normalised: whether each dimension of each block is first scaled to mean 0 and variance 1 over the
            clip's own frames (instance normalisation, as in data2vec 2.0)
    """
    import torch

    chosen = [normalised_by_clip(block, frames) if normalised else block for block in blocks[-top:]]
    return torch.stack(chosen).mean(dim=0)


def normalised_by_clip(states: "torch.Tensor", frames: "torch.Tensor") -> "torch.Tensor":
    """Each dimension with mean 0 and variance 1 over the clip's own frames, (n, frames, d); padding is 0."""
    own = own_frames(frames, states.shape[1]).unsqueeze(-1)
    centred = (states - masked_mean(states, frames)[:, None]) * own
    variance = masked_mean(centred**2, frames)[:, None]
    found: torch.Tensor = centred / (variance + EPSILON).sqrt()
    return found


def spread(states: "torch.Tensor", frames: "torch.Tensor") -> "torch.Tensor":
    """Standard deviation over the frames of a clip, averaged; it goes to 0 if targets collapse.

    Args:
        states: shape (n, frames, d)
        frames: number of each clip's own frames, shape (n,)
    """
    own = own_frames(frames, states.shape[1]).unsqueeze(-1)
    centred = (states - masked_mean(states, frames)[:, None]) * own
    found: torch.Tensor = masked_mean(centred**2, frames).sqrt().mean()
    return found


def collapse(first: float, last: float) -> list[str]:
    """A sentence if the teacher's targets have collapsed; nothing otherwise.

    Args:
        first: their `spread` in the first batch
        last: the same in the last batch
    """
    if last >= COLLAPSED * first:
        return []
    return [
        f"the teacher's targets have collapsed: they differ within a clip by {last:.2g} at "
        f"the end, by {first:.2g} at the beginning, so the student learnt little about speech; "
        "normalise_targets = true, a slower teacher or a pre-trained encoder may help"
    ]


def frame_loss(outputs: "torch.Tensor", wanted: "torch.Tensor", hidden: "torch.Tensor") -> "torch.Tensor":
    """Mean squared error over the masked frames and the dimensions (Eq. 9); 0 if no frame is masked.

    Args:
        outputs: of the student, shape (n, frames, d)
        wanted: of the teacher, shape (n, frames, d)
        hidden: True for masked frames, shape (n, frames)
    """
    import torch

    squares = ((outputs - wanted) ** 2).mean(dim=-1)
    found: torch.Tensor = torch.where(hidden, squares, 0.0).sum() / hidden.sum().clamp(min=1)
    return found


def utterance_loss(summary: "torch.Tensor", wanted: "torch.Tensor", frames: "torch.Tensor") -> "torch.Tensor":
    """Mean squared error between summaries of the clips and the teacher's mean over their frames (Eq. 6).

    Args:
        summary: of the student, shape (n, d)
        wanted: of the teacher, shape (n, frames, d)
        frames: number of each clip's own frames, shape (n,)
    """
    found: torch.Tensor = ((masked_mean(wanted, frames) - summary) ** 2).mean()
    return found
