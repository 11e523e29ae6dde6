"""Clips as padded batches of similar lengths; order and changes depend only on the names.

The order of an epoch, the perturbation of a clip in it, and the masks on its frames are drawn from the seed,
the clip and the epoch. So neither the number of workers nor an interruption changes what a model is shown.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AudioError
from sertools.randomness import identity_rng
from sertools.training.data.augment import Augmenter
from sertools.training.data.select import Part
from sertools.training.data.targets import Targets

if TYPE_CHECKING:
    import torch

RATE_HZ = 16_000
"""Sampling rate of all encoders that are trained, in Hz."""

BATCHES_PER_BUCKET = 16
"""Clips of this many batches are drawn, sorted by length and dealt to them, so that padding is short."""

MAX_CACHED_BYTES = 2**28
"""Decoded clips that are kept in memory for the next epoch; all others are decoded again."""

Scaling = Literal["clip", "none"] | tuple[float, float]
"""Each clip to mean 0 and variance 1, not at all, or by a mean and a standard deviation for all clips."""

Row = tuple[int, int]
"""Number of a clip and number of the epoch."""


@dataclass(kw_only=True)
class Clips:
    """Clips that can be indexed by (row, epoch), as torch's data loader does.

    Attributes:
        part: which clips they are
        targets: their truth, in the same order; None without
        lengths: their samples at 16 kHz, after `cut`, shape (n,)
        seed: of perturbations
        cut: longest excerpt in samples; 0 for whole clips
        augmenter: perturbs clips; None for dev clips
        scaling: how the network's input is scaled, see `Scaling`
        padding: what follows a clip in a batch of longer ones: zeros, or the clip again
    """

    part: Part
    targets: Targets | None
    lengths: NDArray[np.int64]
    seed: int
    cut: int = 0
    augmenter: Augmenter | None = None
    scaling: Scaling = "clip"
    padding: Literal["zeros", "repeat"] = "zeros"
    cached: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    cached_bytes: int = 0

    def __len__(self) -> int:
        return len(self.part)

    def with_input(self, *, scaling: Scaling, padding: Literal["zeros", "repeat"] = "zeros") -> "Clips":
        """The same clips, scaled and padded in another way."""
        return dataclasses.replace(self, scaling=scaling, padding=padding)

    def subset(self, rows: NDArray[np.bool_]) -> "Clips":
        """Some of the clips, chosen by a mask of shape (n,)."""
        table = self.part.table[rows].reset_index(drop=True)
        return dataclasses.replace(
            self,
            part=dataclasses.replace(self.part, table=table),
            targets=None if self.targets is None else self.targets.at(rows),
            lengths=self.lengths[rows],
            cached={},
            cached_bytes=0,
        )

    @property
    def names(self) -> list[str]:
        """CORPUS/CLIP of each clip."""
        return list(map(str, self.part.table["clip"]))

    def signal(self, row: int) -> NDArray[np.float32]:
        """A clip, cut, shape (samples,).

        Raises:
            AudioError: it cannot be decoded
        """
        if row in self.cached:
            return self.cached[row]
        table: Any = self.part.table
        source, key = table["source"].iat[row], table["key"].iat[row]
        signal: NDArray[np.float32] = self.part.corpora[source].signal(key, RATE_HZ)
        if 0 < self.cut < len(signal):
            signal = signal[: self.cut].copy()  # a view would keep the whole clip in memory
        if self.cached_bytes + signal.nbytes <= MAX_CACHED_BYTES:
            self.cached[row] = signal
            self.cached_bytes += signal.nbytes
        return signal

    def __getitem__(self, index: Row) -> dict[str, Any]:
        row, epoch = index
        name = str(self.part.table["clip"].iat[row])
        signal = self.signal(row)
        if self.augmenter is not None:
            signal = self.augmenter(signal, RATE_HZ, name, epoch)
        item: dict[str, Any] = {"signal": scaled(signal, self.scaling), "key": key_of(name), "epoch": epoch}
        if self.targets is not None:
            item |= {"ratings": self.targets.ratings[row], "shares": self.targets.shares[row]}
        return item


def readable(part: Part, shortest: int) -> tuple[NDArray[np.int64], list[str]]:
    """Samples at 16 kHz of each clip, 0 if it cannot be used, and sentences on those that cannot.

    Args:
        part: the clips
        shortest: fewest samples that can be used
    """
    lengths, reasons, short = [], [], []
    for source, key, name in part.table[["source", "key", "clip"]].itertuples(index=False, name=None):
        try:
            n = len(part.corpora[source].signal(key, RATE_HZ))
        except AudioError as error:
            reasons.append(f"{name}: {error.message}")
            n = 0
        if 0 < n < shortest:
            short.append(str(name))
            n = 0
        lengths.append(n)
    notes = []
    if reasons:
        notes.append(f"{_clips(len(reasons))} left out that cannot be decoded, such as {reasons[0]}")
    if short:
        need = f"the network needs {1000 * shortest / RATE_HZ:.0f} ms"
        notes.append(f"{_clips(len(short))} left out that are too short, such as {short[0]}: {need}")
    return np.array(lengths, dtype=np.int64), notes


def _clips(n: int) -> str:
    return f"{n} clip is" if n == 1 else f"{n} clips are"


def scaled(signal: NDArray[np.floating[Any]], scaling: Scaling) -> NDArray[np.float32]:
    """The network's input, shape (samples,), float32. `clip` is what transformers' feature extractor does.

    >>> scaled(np.array([1.0, 3.0]), (1.0, 2.0)).tolist()
    [0.0, 1.0]
    """
    if scaling == "none":
        return signal.astype(np.float32)
    if scaling == "clip":
        return np.asarray((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7), dtype=np.float32)
    mean, deviation = scaling
    return np.asarray((signal - mean) / deviation, dtype=np.float32)


def key_of(name: str) -> int:
    """A number derived from a name, below 2⁶³."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) >> 1


def generators(seed: int, purpose: str, batch: Mapping[str, Any]) -> list[np.random.Generator]:
    """A generator for each clip of a batch, which depends on clip and epoch and on nothing else.

    Args:
        seed: of the recipe
        purpose: what is drawn
        batch: with `keys` and `epochs`
    """
    pairs = zip(batch["keys"].tolist(), batch["epochs"].tolist(), strict=True)
    return [identity_rng(seed, purpose, str(key), str(epoch)) for key, epoch in pairs]


def collate(items: Sequence[dict[str, Any]], padding: str = "zeros") -> dict[str, "torch.Tensor"]:
    """A batch: what a module's `forward` takes.

    Args:
        items: as from `Clips`
        padding: see `Clips`

    Returns:
        `signals` (n, longest), or (n, longest, d) for states in place of samples, padded; `lengths` (n,)
        of them; `keys` (n,) and `epochs` (n,), by which random masks are drawn; `ratings` (n, d) and `shares`
        (n, c) if the clips have them
    """
    import torch

    lengths = [len(item["signal"]) for item in items]
    signals = np.zeros((len(items), max(lengths), *items[0]["signal"].shape[1:]), np.float32)
    for row, item in zip(signals, items, strict=True):
        if padding == "repeat":
            row[:] = np.resize(item["signal"], len(row))
        else:
            row[: len(item["signal"])] = item["signal"]
    batch = {
        "signals": torch.from_numpy(signals),
        "lengths": torch.tensor(lengths),
        "keys": torch.tensor([item["key"] for item in items]),
        "epochs": torch.tensor([item["epoch"] for item in items]),
    }
    for name in ("ratings", "shares"):
        if name in items[0]:
            batch[name] = torch.from_numpy(np.stack([item[name] for item in items]))
    return batch


@dataclass(kw_only=True)
class Batches:
    """The batches of each epoch, as lists of (row, epoch); `begin(epoch)` chooses the epoch.

    Attributes:
        lengths: samples of each clip, shape (n,)
        size: clips per batch
        samples: largest number of samples in a batch, padding included, in place of `size`; 0 for none
        seed: of the order
        shuffled: False for the order of the clips
    """

    lengths: NDArray[np.int64]
    size: int
    samples: int = 0
    seed: int = 0
    shuffled: bool = True
    epoch: int = 0

    def begin(self, epoch: int) -> None:
        """Chooses the epoch whose batches come next."""
        self.epoch = epoch

    @property
    def batch_size(self) -> int:
        """Clips per batch, for accelerate."""
        return self.size

    drop_last = False

    def __len__(self) -> int:
        return len(self._of(0))

    def __iter__(self) -> Iterator[list[Row]]:
        wanted, found = len(self), self._of(self.epoch)
        for i in range(wanted):  # by their samples, the number of batches may differ between epochs
            yield [(int(row), self.epoch) for row in found[i % len(found)]]

    def _of(self, epoch: int) -> list[NDArray[np.int64]]:
        """The batches of an epoch."""
        n = len(self.lengths)
        if not self.shuffled:
            return self._dealt(np.arange(n))
        rng = identity_rng(self.seed, "order", str(epoch))
        order = rng.permutation(n)
        bucket = BATCHES_PER_BUCKET * self._clips_per_batch()
        parts = [order[i : i + bucket] for i in range(0, n, bucket)]
        longest_first = np.concatenate(
            [part[np.argsort(-self.lengths[part], kind="stable")] for part in parts]
        )
        dealt = self._dealt(longest_first)
        return [dealt[i] for i in rng.permutation(len(dealt))]

    def _clips_per_batch(self) -> int:
        if not self.samples:
            return self.size
        return max(1, int(self.samples // max(1, int(self.lengths.mean()))))

    def _dealt(self, order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """An order cut into batches; a last clip alone joins the batch before, as one has no concordance."""
        cuts: list[int] = []
        if self.samples:
            start, longest = 0, 0
            for i, row in enumerate(order):
                longest = max(longest, int(self.lengths[row]))
                if i > start and longest * (i - start + 1) > self.samples:
                    cuts.append(i)
                    start, longest = i, int(self.lengths[row])
        else:
            cuts = list(range(self.size, len(order), self.size))
            if cuts and len(order) - cuts[-1] < 2 <= self.size:
                cuts.pop()
        return np.split(order, cuts)
