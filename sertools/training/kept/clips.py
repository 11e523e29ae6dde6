"""Clips whose frozen-encoder states, stored on disk, are read in training instead of their audio."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.files import atomic
from sertools.training.data.batches import Batches, Clips, collate

if TYPE_CHECKING:
    import torch

BATCH_SAMPLES = 60 * 16_000
"""Most samples of a batch from which states are computed, padding included."""


@dataclass(kw_only=True)
class KeptClips(Clips):
    """Clips whose `signal` is their stored states, (rows, d), and whose lengths are numbers of rows.

    Attributes:
        kept: rows of all clips, one after the other, on disk
        starts: first row of each clip, shape (n,)
    """

    kept: NDArray[np.float32] = field(repr=False)
    starts: NDArray[np.int64]

    def signal(self, row: int) -> NDArray[np.float32]:
        """The states of a clip, shape (rows, d)."""
        start = int(self.starts[row])
        return self.kept[start : start + int(self.lengths[row])]


Compute = Callable[[Clips], Iterator[tuple[int, NDArray[np.float32]]]]
"""Yields the number of each clip and its states, shape (rows, d), in any order."""


def keep(clips: Clips, compute: Compute, path: Path) -> KeptClips:
    """Computes the states of all clips, unless they are there.

    Args:
        clips: whose signals are read
        compute: computes them
        path: .npy file with first row, number of rows and width of each clip's states; the rows are in a file
            of the same name with `.rows`

    Raises:
        ModelError: the disk is full
    """
    rows = path.with_suffix(".rows")
    if not path.is_file():
        found = np.zeros((3, len(clips)), dtype=np.int64)
        with atomic(path, error=ModelError) as index, atomic(rows, error=ModelError) as part:
            begin = 0
            with part.open("wb") as file:
                for row, states in compute(clips):
                    file.write(np.ascontiguousarray(states, dtype=np.float32).data)
                    found[:, row] = begin, *states.shape
                    begin += len(states)
            with index.open("wb") as file:
                np.save(file, found, allow_pickle=False)
    starts, lengths, widths = np.load(path, allow_pickle=False)
    kept = np.memmap(rows, dtype=np.float32, mode="r").reshape(-1, int(widths[0]))
    fields = {name: getattr(clips, name) for name in ("part", "targets", "seed")}
    return KeptClips(**fields, lengths=lengths, scaling="none", kept=kept, starts=starts)


def in_batches(
    clips: Clips, step: "Callable[[dict[str, torch.Tensor]], Sequence[Any]]"
) -> Iterator[tuple[int, Any]]:
    """The output of `step` for each clip of a batch of similar lengths, with the number of the clip."""
    import torch

    order = np.argsort(-clips.lengths, kind="stable")
    sorted_lengths = clips.lengths[order]
    for batch in Batches(lengths=sorted_lengths, size=1, samples=BATCH_SAMPLES, shuffled=False):
        rows = [int(order[i]) for i, _ in batch]
        with torch.no_grad():
            found = step(collate([clips[row, 0] for row in rows]))
        yield from zip(rows, found, strict=True)
