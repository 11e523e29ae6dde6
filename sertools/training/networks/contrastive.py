"""wav2vec 2.0's pre-training: identify the quantised features of a masked frame among distractors.

The quantiser and the projections are transformers' `Wav2Vec2ForPreTraining`; the loss is the same as there
(Baevski et al. 2020, Eq. 2 to 4), computed at masked frames only and for each clip as if it were alone.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.models.checkpoints.weights.files import weight_tensors
from sertools.models.frames.clip_frames import contextual, features, frame_counts
from sertools.training.data.batches import generators
from sertools.training.encoders import Start, seeded, spans

if TYPE_CHECKING:
    import torch

PARTS = ("quantizer", "project_hid", "project_q")
"""Prefixes of the keys besides those of the encoder."""

FAMILY = ("wav2vec2",)
"""Architectures that were pre-trained in this way."""


def contrastive(start: Start, seed: int) -> "tuple[torch.nn.Module, bool]":
    """The module that is pre-trained, and whether its quantiser comes from the checkpoint.

    Its `forward` returns `loss`, per masked frame, its parts `contrastive` and `diversity`, and
    `loss_per_clip`, the sum over the masked frames of a clip, averaged over clips.

    Args:
        start: the encoder, whose weights the module trains
        seed: of random weights, masks and negatives

    Raises:
        ModelError: the encoder has another architecture
    """
    import torch
    from transformers import Wav2Vec2ForPreTraining

    config = start.encoder.config
    if config.model_type not in FAMILY:
        raise ModelError(
            f"pre-training of wav2vec 2.0 needs an encoder of its kind, and this one is {config.model_type}",
            hint="choose another init, or the method p-tapt",
        )
    whole: Any = seeded(lambda: Wav2Vec2ForPreTraining(config), seed, "quantizer")
    stored = _stored(start)
    if stored:
        whole.load_state_dict(stored, strict=False)

    class Contrastive(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = start.encoder
            self.encoder.feature_extractor._requires_grad = False
            self.dropout = torch.nn.Dropout(config.feat_quantizer_dropout)
            for part in PARTS:
                self.add_module(part, getattr(whole, part))

        def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
            found = features(self.encoder, batch["signals"], batch["lengths"])
            frames = frame_counts(self.encoder, batch["lengths"])
            states, normed = self.encoder.feature_projection(found)
            rngs = generators(seed, "contrastive", batch)
            mask, negatives = drawn(config, frames.tolist(), rngs)
            chosen = torch.from_numpy(mask).to(states.device)
            states = torch.where(chosen[..., None], self.encoder.masked_spec_embed.to(states.dtype), states)
            last = contextual(self.encoder, states, frames)[-1]
            quantised, perplexity = self.get_submodule("quantizer")(self.dropout(normed), chosen)
            return losses(
                self.get_submodule("project_hid")(last[chosen]),
                self.get_submodule("project_q")(quantised[chosen]),
                torch.from_numpy(negatives).to(states.device),
                perplexity,
                config,
            ) | {"clips": torch.tensor(float(len(frames)))}

    return Contrastive(), bool(stored)


def losses(
    predicted: "torch.Tensor",
    quantised: "torch.Tensor",
    negatives: "torch.Tensor",
    perplexity: "torch.Tensor",
    config: Any,
) -> "dict[str, torch.Tensor]":
    """The loss per masked frame, and its parts.

    Args:
        predicted: projected states of the m masked frames, shape (m, d)
        quantised: their projected quantised features, shape (m, d)
        negatives: for each, which of the masked frames are its negatives, shape (m, k)
        perplexity: of the codebooks
        config: of the encoder
    """
    import torch

    others = quantised[negatives]
    candidates = torch.cat([quantised[:, None], others], dim=1)
    logits = torch.cosine_similarity(predicted[:, None].float(), candidates.float(), dim=-1)
    logits = logits / config.contrastive_logits_temperature
    same = (quantised[:, None] == others).all(-1)
    logits = torch.cat([logits[:, :1], logits[:, 1:].masked_fill(same, float("-inf"))], dim=1)
    contrast = torch.nn.functional.cross_entropy(logits, logits.new_zeros(len(logits), dtype=torch.long))
    codes = config.num_codevectors_per_group * config.num_codevector_groups
    diversity = (codes - perplexity) / codes
    loss = contrast + config.diversity_loss_weight * diversity
    return {
        "loss": loss,
        "contrastive": contrast,
        "diversity": diversity,
        "frames": logits.new_tensor(len(logits)),
    }


def drawn(
    config: Any, frames: Sequence[int], rngs: Sequence[np.random.Generator]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which frames are masked, and the negatives of each masked frame.

    Masks follow the encoder's configuration (`mask_time_prob`, `mask_time_length`), with at least
    `mask_time_min_masks` spans in a clip. Negatives are drawn from the other masked frames of the clip, with
    replacement; the only masked frame of a clip is its own negative, which does not count.

    Returns:
        masks (n, longest), and, for the m masked frames in order, numbers of masked frames (m, k)
    """
    length = int(config.mask_time_length)
    start = float(config.mask_time_prob) / length
    mask = spans(frames, start, length, rngs, least=max(1, int(config.mask_time_min_masks)))
    found, before = [], 0
    for row, rng in zip(mask, rngs, strict=True):
        m = int(row.sum())
        step = rng.integers(1, max(m, 2), size=(m, int(config.num_negatives)))
        found.append(before + (np.arange(m)[:, None] + step) % m)
        before += m
    return mask, np.concatenate(found)


def _stored(start: Start) -> "Mapping[str, torch.Tensor]":
    """Weights of quantiser and projections in the checkpoint; empty if it lacks any."""
    if start.folder is None:
        return {}
    tensors = weight_tensors(start.folder)
    found = {key: value for key, value in tensors.items() if key.startswith(PARTS)}
    return found if all(any(key.startswith(part) for key in found) for part in PARTS) else {}
