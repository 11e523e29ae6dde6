"""Layer means, computed once by the engine of the audits, and a head on a weighted sum of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.inference.predict import predict
from sertools.inference.settings import Settings
from sertools.training.data.batches import Clips
from sertools.training.encoders import seeded
from sertools.training.kept.clips import KeptClips, keep

if TYPE_CHECKING:
    import torch


def kept_layers(model: Any, clips: Clips, path: Path) -> KeptClips:
    """Mean over time of every layer, (layers, d) for each clip, from the store where it has them.

    The store keeps them for the whole of each corpus, so that other folds and other heads find them there.

    Args:
        model: computes layers from signals
        clips: whose layers are read
        path: .npy file

    Raises:
        ModelError: the model has no layers, or none for one of the clips
    """

    def compute(_: Clips) -> Iterator[tuple[int, NDArray[np.float32]]]:
        table = clips.part.table
        for source in sorted(set(table["source"])):
            corpus = clips.part.corpora[source]
            layers = predict(model, corpus, settings=Settings(), layers=True)["clean"].layers
            if layers is None or not layers.n_layers:
                raise ModelError(f"{model.name} has no layers that a head could read")
            ends = np.cumsum([len(shard) for shard in layers.shards])
            names, keys = table["clip"].tolist(), table["key"].tolist()
            places = {clip: i for i, clip in enumerate(corpus.clips.index)}
            for row in np.flatnonzero(table["source"] == source):
                place = places[keys[row]]
                k = int(np.searchsorted(ends, place, side="right"))
                found = layers.shards[k][place - ends[k]]
                if not found.size or not np.isfinite(found).all():
                    raise ModelError(f"{model.name} has no layers of {names[row]}")
                yield int(row), found

    return keep(clips, compute, path)


def weighted_sum_head(width: int, layers: int, hidden: int, outputs: int, seed: int) -> "torch.nn.Module":
    """The head of SUPERB and EMO-SUPERB: `forward(rows, lengths)`, (n, layers, width) → (n, outputs).

    A weighted sum of the layers, whose weights are a softmax of what is learnt and begin equal, a linear
    projection, and a linear layer. The authors project every frame and average then, which is the same,
    because nothing but linear steps stands between.

    Args:
        width: of the layers
        layers: their number
        hidden: size of the projection
        outputs: number of outputs
        seed: of the initial weights
    """
    import torch

    class WeightedSum(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer_weights = torch.nn.Parameter(torch.zeros(layers))
            self.projector = torch.nn.Linear(width, hidden)
            self.classifier = torch.nn.Linear(hidden, outputs)

        def forward(self, rows: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            mixed = torch.einsum("nld,l->nd", rows, self.layer_weights.softmax(dim=0))
            found: torch.Tensor = self.classifier(self.projector(mixed))
            return found

    head: torch.nn.Module = seeded(WeightedSum, seed, "head")
    return head.train()


def scaling_of(clips: Clips) -> tuple[float, float]:
    """Mean and standard deviation of all samples of the clips, each read once."""
    n, total, squares = 0, 0.0, 0.0
    for row in range(len(clips)):
        signal = clips.signal(row).astype(np.float64)
        n += len(signal)
        total += float(signal.sum())
        squares += float((signal**2).sum())
    mean = total / n
    return mean, float(np.sqrt(max(squares / n - mean**2, 0.0)))
