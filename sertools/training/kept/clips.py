"""Clips of which not the sound is read in training, but what a frozen encoder made of it, kept on disk."""

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
    """Clips whose `signal` is what was computed of them, (rows, d), and whose lengths are numbers of rows.

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


def keep(clips: Clips, lengths: NDArray[np.int64], compute: Compute, path: Path) -> KeptClips:
    """Computes the states of all clips, unless a file of them is there.

    Args:
        clips: whose signals are read
        lengths: rows of each clip, shape (n,)
        compute: computes them
        path: .npy file

    Raises:
        OSError: the disk is full
    """
    ends = np.cumsum(lengths)
    starts = ends - lengths
    if not path.is_file():
        with atomic(path, error=ModelError) as part:
            array: Any = None
            for row, states in compute(clips):
                if array is None:
                    shape = (int(ends[-1]), states.shape[1])
                    array = np.lib.format.open_memmap(part, "w+", np.float32, shape)
                array[starts[row] : ends[row]] = states
            array.flush()
    fields = {name: getattr(clips, name) for name in ("part", "targets", "seed")}
    kept = np.load(path, mmap_mode="r", allow_pickle=False)
    return KeptClips(**fields, lengths=lengths, scaling="none", kept=kept, starts=starts)


def in_batches(
    clips: Clips, step: "Callable[[dict[str, torch.Tensor]], Sequence[Any]]"
) -> Iterator[tuple[int, Any]]:
    """What `step` returns for each clip of a batch of similar lengths, with the number of the clip."""
    import torch

    order = np.argsort(-clips.lengths, kind="stable")
    sorted_lengths = clips.lengths[order]
    for batch in Batches(lengths=sorted_lengths, size=1, samples=BATCH_SAMPLES, shuffled=False):
        rows = [int(order[i]) for i, _ in batch]
        with torch.no_grad():
            found = step(collate([clips[row, 0] for row in rows]))
        yield from zip(rows, found, strict=True)
