"""Packs the frames of many clips into matrices whose products have a fixed number of rows.

The weights of a product are then read once per block of frames instead of once per clip, and a row of a
product has the same bits whichever clips share its block, because neither its rounding nor the order of its
sums depends on its neighbours. What does change the bits on some processors is the number of rows. So every
product has one of a few numbers of rows, and those are used only where a check on this processor finds that
rows keep their bits at any place, beside any neighbours, and in blocks of each size.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SIZES = (768, 256, 64)
"""Numbers of rows of a product, the largest first; the last block of a matrix is filled with zeros."""

LARGEST = 4
"""Blocks of the first size that are computed together at most, which bounds memory."""

FEWEST = 192
"""Frames that are worth a thread of their own."""


def packs(frames: Sequence[int], sizes: Sequence[int], threads: int) -> list[list[int]]:
    """Clips that are computed together: the longest first, each into the pack with the fewest frames.

    There are as many packs as threads, or a multiple where they have room for all, so that threads end at
    about the same time. A clip that is longer than the room of a pack is alone.

    Args:
        frames: number of frames of each clip
        sizes: allowed numbers of rows of a product, the largest first; empty if each clip is computed alone
        threads: packs that are computed at the same time

    Returns:
        indices of the clips of each pack; every clip is in one of them

    >>> packs([300, 500, 200, 900], (768,), 1), packs([300, 500], (), 1)
    ([[3, 1, 0, 2]], [[0], [1]])
    """
    if not sizes:
        return [[i] for i in range(len(frames))]
    room = LARGEST * sizes[0]
    least = min(size for size in sizes if size >= min(FEWEST, sizes[0]))
    longest_first = sorted(range(len(frames)), key=lambda i: -frames[i])
    alone = [[i] for i in longest_first if frames[i] > room]
    others = longest_first[len(alone) :]
    total = sum(frames[i] for i in others)
    halves = sum(2 * frames[i] > room for i in others)  # of which no two fit into one pack
    count = max(min(threads * -(-total // (threads * room)), total // least), halves, 1)
    while True:
        found: list[list[int]] = [[] for _ in range(count)]
        rows = [0] * count
        for i in others:
            at = rows.index(min(rows))
            found[at].append(i)
            rows[at] += frames[i]
        if max(rows) <= room:
            return alone + [pack for pack in found if pack]
        count += 1


def blocks(rows: int, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First row of each block and the row after its last; the last block may reach beyond the rows.

    Without sizes, all rows are one block.

    >>> list(blocks(1100, (768, 256, 64))), list(blocks(30, ()))
    ([(0, 768), (768, 1024), (1024, 1088), (1088, 1152)], [(0, 30)])
    """
    start = 0
    while start < rows:
        left = rows - start
        size = next((size for size in sizes if size <= left), sizes[-1] if sizes else left)
        yield start, start + size
        start += size


def filled(rows: int, sizes: Sequence[int], multiple: int = 1) -> int:
    """Rows of a matrix of whole blocks; without sizes, the next multiple.

    >>> filled(1100, (768, 256, 64)), filled(30, (), 16)
    (1152, 32)
    """
    return (
        max((stop for _, stop in blocks(rows, sizes)), default=0)
        if sizes
        else -(-rows // multiple) * multiple
    )


def same_bits(product: "Callable[[torch.Tensor], torch.Tensor]", width: int) -> tuple[int, ...]:
    """The numbers of rows for which a row of this product has the same bits at any place; empty if none.

    Args:
        product: (rows, width) → (rows, out)
        width: of its input
    """
    import torch

    largest, half = SIZES[0], SIZES[0] // 2
    draw = torch.Generator().manual_seed(width)
    one = torch.randn(half, width, generator=draw)
    order = torch.randperm(half, generator=draw)
    states = torch.cat([one, one[order]])
    reference = product(states)
    if not torch.equal(reference[:half][order], reference[half:]):
        return ()
    return (
        largest,
        *(n for n in SIZES[1:] if torch.equal(product(states[largest - n :]), reference[largest - n :])),
    )
