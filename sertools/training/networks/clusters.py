"""P-TAPT's pseudo-labels: frames of a convolutional model, trained on utterance labels, clustered by k-means.

The convolutional model is of wav2vec's shape (Schneider et al. 2019): a frame every 10 ms, followed by a
convolution with stride 2, so that its frames fall on those of wav2vec 2.0, one every 20 ms.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sertools.models.frames.clip_frames import masked_mean
from sertools.randomness import identity_rng
from sertools.training.data.batches import Clips, collate
from sertools.training.encoders import seeded
from sertools.training.losses import cross_entropy

if TYPE_CHECKING:
    import torch

KERNELS = (10, 8, 4, 4, 4, 3)
STRIDES = (5, 4, 2, 2, 2, 2)
"""Of the convolutions; the last is the one that aligns frames, and the strides multiply to 320 samples."""

BATCH = 4096
"""Frames with which k-means updates its centres at a time."""


def convolutional(width: int, outputs: int, seed: int) -> "torch.nn.Module":
    """The convolutional model with a linear layer on the mean over frames; `frames(signals, lengths)`.

    Every layer is followed by a norm over channels and ReLU, so that padding cannot reach a clip's frames.

    Args:
        width: channels
        outputs: number of classes
        seed: of its weights
    """
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, before: int, kernel: int, stride: int) -> None:
            super().__init__()
            self.conv = nn.Conv1d(before, width, kernel, stride, bias=False)
            self.norm = nn.LayerNorm(width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.norm(self.conv(x).transpose(1, 2)).transpose(1, 2).relu()
            return found

    class Convolutional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            before = (1, *[width] * (len(KERNELS) - 1))
            self.blocks = nn.Sequential(*map(Block, before, KERNELS, STRIDES))
            self.out = nn.Linear(width, outputs)

        def frames(self, signals: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            """Features (n, frames, width), and the number of each clip's own frames (n,)."""
            found = self.blocks(signals[:, None]).transpose(1, 2)
            for kernel, stride in zip(KERNELS, STRIDES, strict=True):
                lengths = (lengths - kernel) // stride + 1
            return found, lengths

        def forward(self, **batch: Any) -> dict[str, torch.Tensor]:
            logits = self.out(masked_mean(*self.frames(batch["signals"], batch["lengths"])))
            loss = cross_entropy(logits, batch["shares"], [1.0] * outputs, "none")
            return {"loss": loss, "outputs": logits}

    network: torch.nn.Module = seeded(Convolutional, seed, "convolutional").train()
    return network


SHORTEST = 465
"""Samples of which the convolutional model makes one frame."""


def centres(module: Any, clips: Clips, clusters: Sequence[int], seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Centres of k-means for each number of clusters, `k` → (k, width), on all frames of the clips.

    Frames are read clip by clip in a drawn order, so that memory does not grow with the corpus.

    Args:
        module: from `convolutional`, trained
        clips: whose frames are clustered
        clusters: numbers of clusters
        seed: of the order of clips, and of the first centres
    """
    import torch
    from sklearn.cluster import MiniBatchKMeans

    models = {
        k: MiniBatchKMeans(
            k, random_state=int(identity_rng(seed, "k-means", str(k)).integers(2**31)), n_init=1
        )
        for k in clusters
    }
    least = max(clusters)
    waiting: list[np.ndarray[Any, Any]] = []
    held = 0
    order = identity_rng(seed, "k-means", "order").permutation(len(clips))
    for row in order:
        batch = collate([clips[(int(row), 0)]])
        with torch.no_grad():
            found, _ = module.frames(batch["signals"], batch["lengths"])
        waiting.append(found[0].numpy())
        held += len(waiting[-1])
        if held >= max(BATCH, least):
            _update(models, np.concatenate(waiting))
            waiting, held = [], 0
    if waiting:
        rest = np.concatenate(waiting)
        missing = {k: m for k, m in models.items() if not hasattr(m, "cluster_centers_") and len(rest) < k}
        _update({k: m for k, m in models.items() if k not in missing}, rest)
        if missing:
            raise ValueError(f"{len(rest)} frames cannot have {max(missing)} clusters")
    return {str(k): model.cluster_centers_.astype(np.float32) for k, model in models.items()}


def _update(models: dict[int, Any], frames: np.ndarray[Any, Any]) -> None:
    for k, model in models.items():
        if len(frames) >= k or hasattr(model, "cluster_centers_"):
            model.partial_fit(frames)


def save(module: Any, folder: Path, facts: dict[str, int]) -> None:
    """Writes the convolutional model and its shape."""
    from safetensors.torch import save_file

    save_file(module.state_dict(), folder / "convolutional.safetensors")
    (folder / "convolutional.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


def load(folder: Path) -> Any:
    """The convolutional model that `save` has written."""
    from safetensors.torch import load_file

    facts = json.loads((folder / "convolutional.json").read_text(encoding="utf-8"))
    module = convolutional(facts["width"], facts["outputs"], 0)
    module.load_state_dict(load_file(folder / "convolutional.safetensors"))
    return module.eval()
