"""Repairs, in memory, audio files whose header was not finished or is wrong, or that were cut (FLAC, OGG)."""

import io
import struct
from pathlib import Path
from typing import BinaryIO

from sertools.audio.flac_frames import last_frame, samples_stated
from sertools.errors import AudioError

MAX_BYTES = 2**30
"""Largest file that is repaired, since that is done in memory."""

_OGG_POLYNOMIAL = 0x04C11DB7


def repaired(path: Path, start: bytes) -> tuple[BinaryIO | None, str]:
    """The repaired content of a file, and what was wrong with it; None and an empty text if nothing is.

    Args:
        path: the file
        start: its first bytes

    Raises:
        AudioError: the file cannot be read, or is too large to be repaired
    """
    if not start.startswith((b"RIFF", b"OggS", b"fLaC")):
        return None, ""
    try:
        if start.startswith(b"fLaC"):
            return _flac(path, start)
        if start.startswith(b"RIFF"):
            at, note = _data_of_wrong_length(path)
            return (io.BytesIO(_with_length(_content(path), at)), note) if at else (None, "")
        end = _whole_pages(path)
        return (None, "") if end is None else (io.BytesIO(_closed(_content(path), end)), CUT)
    except OSError as error:
        raise AudioError(f"cannot read {path}: {error.strerror or error}") from error


NO_LENGTH = "its header states a length of 0; it was read to its end"
TOO_SHORT = "its header states a length after which the recording goes on; it was read to its end"
TOO_LONG = "it ends before the length that its header states; it was read as far as it goes"
CUT = "it ends in the middle of a page; it was read as far as it goes"


def _content(path: Path) -> bytearray:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise AudioError(f"{path.name} is not finished, and with {size >> 20} MB too large to be repaired")
    return bytearray(path.read_bytes())


def _data_of_wrong_length(path: Path) -> tuple[int, str]:
    """Position of the size of a WAV's chunk of samples, and what is wrong, if samples follow it; else 0."""
    with path.open("rb") as file:
        if file.read(12)[8:] != b"WAVE":
            return 0, ""
        for _ in range(100):  # chunks before the samples
            head = file.read(8)
            if len(head) < 8:
                return 0, ""
            size = struct.unpack("<I", head[4:])[0]
            if head[:4] == b"data":
                place = file.tell() - 4
                file.seek(size + size % 2, 1)
                return (place, TOO_SHORT if size else NO_LENGTH) if _samples_follow(file) else (0, "")
            file.seek(size + size % 2, 1)
    return 0, ""


def _samples_follow(file: BinaryIO) -> bool:
    """Whether more samples follow in the file, instead of its end, other chunks, tags or zeros."""
    follows = file.read(8)
    other = follows[:3] in (b"ID3", b"TAG") or (len(follows) == 8 and follows[:4].strip().isalnum())
    if len(follows) < 8 or other:
        return bool(follows.strip(b"\0")) and not other and len(follows) > 1
    return any(block.strip(b"\0") for block in (follows, *iter(lambda: file.read(2**16), b"")))


def _flac(path: Path, start: bytes) -> tuple[BinaryIO | None, str]:
    """What `repaired` returns for a FLAC file: the frame that is cut, if one is, is left out."""
    stated = samples_stated(start)
    last = last_frame(path, start) if stated else None
    if not stated or last is None or last.end == stated:
        return None, ""
    if last.end > stated:
        return io.BytesIO(_of_unknown_length(_content(path))), TOO_SHORT
    return io.BytesIO(_of_unknown_length(_content(path)[: last.at])), TOO_LONG


def _of_unknown_length(content: bytearray) -> bytearray:
    """A FLAC file whose header does not state its length, so that it is read to its end."""
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    return content


def _with_length(content: bytearray, place: int) -> bytearray:
    content[place : place + 4] = struct.pack("<I", min(len(content) - place - 4, 0xFFFFFFFF))
    content[4:8] = struct.pack("<I", min(len(content) - 8, 0xFFFFFFFF))
    return content


def _whole_pages(path: Path) -> int | None:
    """Where the cut page of an OGG file begins; None if no page is cut."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at < size:
            file.seek(at)
            head = file.read(27)
            if head[:4] != b"OggS":
                return None  # other damage, which libsndfile judges
            table = file.read(head[26]) if len(head) == 27 else b""
            end = at + 27 + len(table) + sum(table)
            if len(head) < 27 or len(table) < head[26] or end > size:
                return at
            at = end
    return None


def _closed(content: bytearray, at: int) -> bytearray:
    """An OGG file whose last page, which begins at `at`, keeps only those segments that are there."""
    head = content[at : at + 27]
    if len(head) < 27 or len(content) < at + 27 + head[26]:
        return content[:at]
    table, body = content[at + 27 : at + 27 + head[26]], content[at + 27 + head[26] :]
    kept, length = 0, 0
    for i, size in enumerate(table):
        if length + sum(table[kept : i + 1]) > len(body):
            break
        if size < 255:  # a packet ends here
            length += sum(table[kept : i + 1])
            kept = i + 1
    head[26] = kept
    head[5] |= 4  # the end of the stream
    head[22:26] = bytes(4)
    page = head + table[:kept] + body[:length]
    page[22:26] = struct.pack("<I", _checksum(bytes(page)))
    return content[:at] + page


def _checksum(page: bytes) -> int:
    """The checksum of an OGG page (RFC 3533, section 6): CRC-32 without reflection, initial value 0."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_OGG_POLYNOMIAL if value & 0x80000000 else 0)
        value &= 0xFFFFFFFF
    return value
