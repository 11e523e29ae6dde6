"""P-TAPT's pre-training: predict, at masked frames, the cluster of each frame in several clusterings."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sertools.models.frames.clip_frames import contextual, features, frame_counts, projected
from sertools.training.data.batches import generators
from sertools.training.encoders import seeded, spans

if TYPE_CHECKING:
    import torch

HIDDEN = 256
"""Size of the hidden layer of each head (Chen & Rudnicky 2023)."""


def pseudo_labelled(
    encoder: Any,
    convolutional: Any,
    centres: "Mapping[str, torch.Tensor]",
    *,
    mask: tuple[float, int],
    seed: int,
) -> "torch.nn.Module":
    """The module that is pre-trained; its loss is the sum over clusterings of the mean over masked frames.

    Args:
        encoder: whose weights it trains
        convolutional: trained model whose frames are labelled; it does not train
        centres: centres of each clustering, (k, width)
        mask: share of frames that start a span times its length, and the length of a span in frames
        seed: of random weights and masks
    """
    import torch
    from torch import nn

    width = int(encoder.config.hidden_size)

    class PseudoLabelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder
            self.encoder.feature_extractor._requires_grad = False
            self.heads = seeded(lambda: heads(width, centres), seed, "pseudo-labels").train()
            self.convolutional = convolutional.requires_grad_(False)  # has no dropout
            for k, value in centres.items():
                self.register_buffer(f"centres_{k}", value)

        def labels(self, batch: Mapping[str, Any], longest: int) -> dict[str, torch.Tensor]:
            """Cluster of each frame in each clustering, shape (n, longest); the last is repeated."""
            with torch.no_grad():
                found, own = self.convolutional.frames(batch["signals"], batch["lengths"])
                at = torch.arange(longest, device=found.device)[None].expand(len(found), -1)
                at = torch.minimum(at, (own - 1)[:, None])
                return {
                    k: torch.cdist(found, self.get_buffer(f"centres_{k}")[None]).argmin(-1).gather(1, at)
                    for k in centres
                }

        def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
            states = projected(self.encoder, features(self.encoder, batch["signals"], batch["lengths"]))
            frames = frame_counts(self.encoder, batch["lengths"])
            rngs = generators(seed, "pseudo-labels", batch)
            hidden = spans(frames.tolist(), mask[0] / mask[1], mask[1], rngs, least=1)
            chosen = torch.from_numpy(hidden).to(states.device)
            states = torch.where(chosen[..., None], self.encoder.masked_spec_embed.to(states.dtype), states)
            last = contextual(self.encoder, states, frames)[-1][chosen]
            wanted = self.labels(batch, states.shape[1])
            parts = {
                f"clusters_{k}": nn.functional.cross_entropy(self.heads[k](last).float(), wanted[k][chosen])
                for k in centres
            }
            return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    return PseudoLabelled()


def heads(width: int, clusters: Iterable[str]) -> "torch.nn.ModuleDict":
    """A head for each clustering: number of clusters → two layers with tanh between them."""
    from torch import nn

    def head(k: int) -> nn.Module:
        return nn.Sequential(nn.Linear(width, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, k))

    return nn.ModuleDict({k: head(int(k)) for k in clusters})
