"""Where does a FLAC file end, according to its last frames instead of its header (RFC 9639)?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TAIL_BYTES = 2**17
"""Part of the end of a file that is searched for frames; a frame is rarely longer than 16 kB."""

HEADER_BYTES = 42
"""Marker, header of the first block, and the block STREAMINFO."""

_LENGTHS = (0, 192, 576, 1152, 2304, 4608, 0, 0, *(256 << k for k in range(8)))
"""Samples of a frame by the code in its header; 6 and 7 say that the number itself stands there."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame of a FLAC file.

    Attributes:
        at: position of its first byte in the file
        end: number of samples of the recording up to its end, according to its header
    """

    at: int
    end: int


def samples_stated(start: bytes) -> int | None:
    """Number of samples that the header states; 0 if it states none, None if this is not a FLAC file.

    Args:
        start: at least the first 42 bytes of the file
    """
    if len(start) < HEADER_BYTES or start[:4] != b"fLaC" or start[4] & 0x7F:
        return None
    return int.from_bytes(start[21:26], "big") & 0xF_FFFF_FFFF


def last_frame(path: Path, start: bytes) -> Frame | None:
    """The last frame of a file, whole or cut; None if the last frames cannot be found.

    A frame counts where its header continues the number of the frame before it, because four bytes and a
    checksum of eight bits also occur by chance.

    Args:
        path: the file
        start: its first 42 bytes

    Raises:
        OSError: the file cannot be read
    """
    block = int.from_bytes(start[10:12], "big")
    with path.open("rb") as file:
        size = file.seek(0, 2)
        before = file.seek(max(size - TAIL_BYTES, 0))
        tail = file.read()
    ends: set[int] = set()
    last: Frame | None = None
    for at, first, length in _frames(tail, block):
        if first in ends and (last is None or first + length > last.end):
            last = Frame(at=before + at, end=first + length)
        ends.add(first + length)
    return last


def _frames(content: bytes, block: int) -> Iterator[tuple[int, int, int]]:
    """Position, first sample and number of samples of everything that looks like a frame, in order."""
    at = content.find(b"\xff")
    while 0 <= at < len(content) - 6:
        found = _frame(content[at : at + 16], block) if content[at + 1] in (0xF8, 0xF9) else None
        if found:
            yield at, *found
        at = content.find(b"\xff", at + 1)


def _frame(head: bytes, block: int) -> tuple[int, int] | None:
    sizes, rates = head[2] >> 4, head[2] & 15
    if not sizes or rates == 15 or head[3] & 1 or head[3] >> 4 > 10:
        return None
    number, at = _number(head, 4)
    extra = {6: 1, 7: 2}.get(sizes, 0)
    length = int.from_bytes(head[at : at + extra], "big") + 1 if extra else _LENGTHS[sizes]
    end = at + extra + {12: 1, 13: 2, 14: 2}.get(rates, 0)
    if at == 4 or end >= len(head) or _checksum(head[:end]) != head[end]:
        return None
    return (number if head[1] & 1 else number * block), length


def _number(head: bytes, at: int) -> tuple[int, int]:
    """A number coded as in UTF-8, and the position after it; that position unchanged if there is none."""
    ones = next((i for i in range(8) if not head[at] << i & 0x80), 8)
    more = max(ones - 1, 0)
    rest = head[at + 1 : at + 1 + more]
    if ones in (1, 8) or len(rest) < more or any(byte >> 6 != 2 for byte in rest):
        return 0, at
    number = head[at] & (0x7F >> ones)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, at + 1 + more


def _checksum(head: bytes) -> int:
    """CRC-8 with the polynomial x⁸ + x² + x + 1, initial value 0."""
    value = 0
    for byte in head:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ 0x07 if value & 0x80 else value << 1) & 0xFF
    return value
