"""The student and the teacher of emotion2vec's pre-training as one module (Ma et al. 2024, figure 1)."""

import copy
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.models.frames import tokens as tokens_in_front
from sertools.models.frames.clip_frames import contextual, features, frame_counts, masked_mean, projected
from sertools.randomness import identity_rng
from sertools.training.data.batches import generators
from sertools.training.distillation import frames as of_frames
from sertools.training.distillation import losses
from sertools.training.distillation.decoder import decoder
from sertools.training.distillation.settings import Distillation
from sertools.training.encoders import seeded, spans

if TYPE_CHECKING:
    import torch

NOISE = 0.01
"""Standard deviation of what stands for masked frames before the convolutional decoder (data2vec 2.0)."""

Generators = Sequence[np.random.Generator]


def student_and_teacher(encoder: Any, how: Distillation) -> "torch.nn.Module":
    """A module whose `forward` returns the loss of a `Batch`, and whose teacher follows after each update.

    `spreads` has the `target_spread` of the first and of the last batch that trained.

    The convolutional encoder and the projection of the teacher are those of the student, without dropout; its
    transformer is the average of the student's. The teacher's blocks are taken before a norm that may follow
    the last of them.

    Args:
        encoder: module of transformers, which becomes the student
        how: losses, masks and decay
    """
    import torch

    width = int(encoder.config.hidden_size)

    class StudentAndTeacher(torch.nn.Module):
        spreads: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.how = how
            self.encoder = encoder
            self.teacher = _teacher(encoder)
            self.tokens = _vectors("tokens", how.tokens, width, how.seed) if how.tokens else None
            self.mask = None
            if getattr(encoder, "masked_spec_embed", None) is None:
                self.mask = _vectors("mask", 1, width, how.seed)
            self.decoder = seeded(lambda: decoder(how.decoder, width), how.seed, "decoder")
            self.register_buffer("spreads", torch.full((2,), torch.nan))

        def train(self, mode: bool = True) -> "StudentAndTeacher":
            super().train(mode)
            self.teacher.eval()
            return self

        def after_update(self, step: int, steps: int) -> None:
            """The teacher follows the student after update `step`, from 1, of `steps`."""
            tau = losses.tau_at(step, steps, how.tau_start, how.tau_end)
            losses.follow(self.teacher, self.encoder.encoder, tau)

        def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
            found = loss_of(self, batch)
            if self.training:
                now = found["target_spread"].detach()
                first = torch.where(self.spreads[0].isnan(), now, self.spreads[0])
                self.spreads = torch.stack([first, now])
            return found

    return StudentAndTeacher()


def loss_of(module: Any, batch: Mapping[str, Any]) -> "dict[str, torch.Tensor]":
    """The loss, its two parts, and how much the targets differ between frames."""
    how, encoder = module.how, module.encoder
    heard = features(encoder, batch["signals"], batch["lengths"])
    frames = frame_counts(encoder, batch["lengths"])
    rngs = generators(how.seed, "masks", batch)
    wanted = _wanted(module, heard, frames)
    hidden = _hidden(how, frames, wanted.shape[1], rngs).to(wanted.device)
    states = projected(encoder, heard)
    if how.decoder == "cnn":
        outputs, tokens = from_visible(module, states, frames, hidden, rngs)
    else:
        outputs, tokens = from_masked(module, states, frames, hidden)
    summary = masked_mean(outputs, frames) if tokens is None else tokens.mean(dim=1)
    by_frame = losses.frame_loss(outputs, wanted, hidden)
    by_clip = losses.utterance_loss(summary, wanted, frames)
    return {
        "loss": how.frame_weight * by_frame + how.utterance_weight * by_clip,
        "frame_loss": by_frame,
        "utterance_loss": by_clip,
        "target_spread": losses.spread(wanted, frames),
    }


def _wanted(module: Any, heard: "torch.Tensor", frames: "torch.Tensor") -> "torch.Tensor":
    """What the teacher makes of all frames, (n, frames, d), from the convolutional encoder's outputs."""
    import torch

    projection = module.encoder.feature_projection
    trains = projection.training
    with torch.no_grad():
        states = projected(SimpleNamespace(feature_projection=projection.eval()), heard.detach())
        projection.train(trains)
        both = SimpleNamespace(encoder=module.teacher, config=module.encoder.config)
        blocks = contextual(both, states, frames)[1:]
        made = losses.targets(blocks, frames, module.how.top_layers, normalised=module.how.normalised)
    return made.float()


def _hidden(how: Distillation, frames: "torch.Tensor", longest: int, rngs: Generators) -> "torch.Tensor":
    """Masked frames, shape (n, longest). The decoder `cnn` needs a frame of each clip that is not masked."""
    import torch

    counts = frames.tolist()
    found = spans(counts, how.mask_start, how.mask_length, rngs)
    if how.decoder == "cnn":
        for row, n, rng in zip(found, counts, rngs, strict=True):
            if row[:n].all():
                row[int(rng.integers(n))] = False
    return torch.from_numpy(np.pad(found, ((0, 0), (0, longest - found.shape[1]))))


def from_masked(
    module: Any, states: "torch.Tensor", frames: "torch.Tensor", hidden: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor | None]":
    """The student's output for all frames, with masked frames replaced by a learnt vector.

    Args:
        module: student and teacher
        states: projected frames, shape (n, frames, d)
        frames: number of each clip's own frames, shape (n,)
        hidden: masked frames, shape (n, frames)

    Returns:
        the decoded frames (n, frames, d), and the tokens (n, tokens, d), None without
    """
    import torch

    mask = module.encoder.masked_spec_embed if module.mask is None else module.mask[0]
    states = torch.where(hidden[..., None], mask.to(states.dtype), states)
    states = tokens_in_front.positioned(module.encoder, states, frames)
    outputs, tokens = tokens_in_front.with_tokens(module.encoder, states, frames, module.tokens)
    return module.decoder(outputs, frames).float(), None if tokens is None else tokens.float()


def from_visible(
    module: Any, states: "torch.Tensor", frames: "torch.Tensor", hidden: "torch.Tensor", rngs: Generators
) -> "tuple[torch.Tensor, torch.Tensor | None]":
    """Same as `from_masked` for a student that reads only the frames that are not masked.

    The decoder reads its outputs, and noise from `rngs` in place of the others.
    """
    import torch

    states = torch.where(hidden[..., None], 0.0, states)
    states = tokens_in_front.positioned(module.encoder, states, frames)
    visible, counts, order = of_frames.visible_frames(states, hidden, frames)
    outputs, tokens = tokens_in_front.with_tokens(module.encoder, visible, counts, module.tokens)
    noise = torch.from_numpy(_noise(frames.tolist(), states.shape, rngs)).to(states.device)
    whole = of_frames.put_back(outputs, counts, order, noise)
    return module.decoder(whole, frames).float(), None if tokens is None else tokens.float()


def _teacher(encoder: Any) -> Any:
    """A copy of the transformer that does not train, without the norm after its last block."""
    import torch

    teacher = copy.deepcopy(encoder.encoder).requires_grad_(False)
    if getattr(encoder.config, "do_stable_layer_norm", False):
        teacher.layer_norm = torch.nn.Identity()
    return teacher.eval()


def _vectors(name: str, n: int, width: int, seed: int) -> "torch.nn.Parameter":
    """Vectors to be learnt, shape (n, width), drawn from a normal distribution with deviation .02."""
    import torch

    values = identity_rng(seed, "weights", name).normal(0, 0.02, (n, width))
    return torch.nn.Parameter(torch.from_numpy(values.astype(np.float32)))


def _noise(frames: Sequence[int], shape: Sequence[int], rngs: Generators) -> NDArray[np.float32]:
    """Normally distributed values for each clip's own frames, shape (n, frames, d)."""
    found = np.zeros(shape, np.float32)
    for row, n, rng in zip(found, frames, rngs, strict=True):
        row[:n] = NOISE * rng.standard_normal((n, shape[2]), dtype=np.float32)
    return found
