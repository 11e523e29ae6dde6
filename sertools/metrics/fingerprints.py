"""Which clips are the same recording? Comparison of audio fingerprints by blocked matrix products.

A fingerprint is text: 6 hexadecimal digits (24 bits) per frame, or `------` for a frame that is too quiet to
compare (see `sertools.features.fingerprint`). Two different recordings share half of their bits by chance.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

BITS = 24
"""Bits per frame."""

FRAMES = 128
"""Frames per fingerprint."""

QUIET_FRAME = "-" * (BITS // 4)

FEWEST_FRAMES = 32
"""Minimum number of frames that are loud in both clips; with fewer the clips are not compared."""

SAME_RECORDING = 0.75
"""Two clips with at least this agreement are the same recording."""

SIMILAR_RECORDING = 0.6
"""Two clips with at least this agreement are so similar that somebody should listen to them."""

BLOCK = 1024
"""Clips compared at once; the block size does not change the result."""


def codes(fingerprint: str) -> NDArray[np.int8]:
    """Bits of a fingerprint as ±1, or 0 in quiet frames and beyond its end; int8, shape (3072,).

    >>> codes("c00000------")[:4].tolist(), int(np.abs(codes("c00000------")).sum())
    ([1, 1, -1, -1], 24)
    """
    width = BITS // 4
    text = fingerprint[: width * FRAMES].ljust(width * FRAMES, "-")
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(text.replace("-", "0")), dtype=np.uint8))
    loud = np.frombuffer(text.encode("ascii"), dtype="S1").reshape(FRAMES, width)[:, :1] != b"-"
    signs: NDArray[np.int8] = (2 * bits.astype(np.int8) - 1).reshape(FRAMES, BITS) * loud
    return signs.reshape(-1)


def similar_pairs(
    first: Sequence[str], second: Sequence[str] | None = None, *, least: float = SIMILAR_RECORDING
) -> list[tuple[int, int, float]]:
    """Which pairs of clips have similar fingerprints, and what is their agreement?

    Agreement = (equal − different) / compared bits, over frames that are loud in both clips: 1 for the same
    recording, about 0 for different ones. Clips with fewer than 32 such frames in common are not compared.

    Args:
        first: fingerprints of some clips
        second: fingerprints of other clips; None to compare all pairs within `first`, each once
        least: minimum agreement of a listed pair

    Returns:
        (index in first, index in second, agreement), highest agreement first

    >>> similar_pairs(["c0ffee" * 40, "123456" * 40, "c0ffee" * 40])
    [(0, 2, 1.0)]
    """
    within = second is None
    others = first if second is None else second
    a, b = _matrix(first), _matrix(others)
    found = []
    for i, j in _blocks(len(a), len(b)):
        if within and j + BLOCK <= i:
            continue
        left, right = a[i : i + BLOCK].astype(np.float32), b[j : j + BLOCK].astype(np.float32)
        compared = np.abs(left[:, ::BITS]) @ np.abs(right[:, ::BITS]).T
        agreement = left @ right.T / (np.maximum(compared, 1) * BITS)
        agreement[compared < FEWEST_FRAMES] = -1
        for row, column in np.argwhere(agreement >= least).tolist():
            if not within or i + row < j + column:
                found.append((i + row, j + column, float(agreement[row, column])))
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))


def _matrix(fingerprints: Sequence[str]) -> NDArray[np.int8]:
    """Fingerprint codes of all clips, int8, shape (n, 3072)."""
    return np.array([codes(text) for text in fingerprints], dtype=np.int8).reshape(-1, FRAMES * BITS)


def _blocks(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    for i in range(0, rows, BLOCK):
        for j in range(0, columns, BLOCK):
            yield i, j
