"""Layer means of a corpus, memory-mapped from the shards of the store."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Mean over time of every layer of a model, for every clip; each layer is read on demand.

    Attributes:
        shards: arrays of shape (n_i, l, d), float32, usually memory-mapped, clips in corpus order; rows of a
            missing clip are nan, and a shard with only missing clips may have l = d = 0
    """

    shards: tuple[NDArray[np.float32], ...]

    @property
    def n_layers(self) -> int:
        """Number of layers; 0 for a model without layers."""
        return max((shard.shape[1] for shard in self.shards), default=0)

    @property
    def dimensions(self) -> int:
        """Number of dimensions of a layer."""
        return max((shard.shape[2] for shard in self.shards), default=0)

    def layer(self, i: int) -> NDArray[np.float32]:
        """Layer i of all clips, shape (n, d), float32; −1 is the last one."""
        if not -self.n_layers <= i < self.n_layers:
            raise IndexError(f"layer {i} is out of range: there are {self.n_layers} layers")
        empty = [np.full((len(s), self.dimensions), np.nan, dtype=np.float32) for s in self.shards]
        return np.concatenate(
            [shard[:, i] if shard.shape[1] else e for shard, e in zip(self.shards, empty, strict=True)]
        )
