"""Opens audio files for reading in blocks; what a header says about the length is not trusted.

libsndfile reads most files. A WAV, FLAC or OGG that was not finished or was cut is repaired in memory first,
and AAC and other formats of video players are read by PyAV, where it is installed. A recording that ends
before its header says is read as far as it goes, with a note; damage inside a recording is an error.
"""

import contextlib
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from sertools.audio.unfinished import TOO_LONG, repaired
from sertools.errors import AudioError, reason

Block = npt.NDArray[np.float32]
"""Consecutive frames, shape (frames, channels)."""

VALUES_PER_BLOCK = 2**18
"""Number of samples that are decoded at once, over all channels."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 10_000_000
"""A header with another sampling rate is damaged."""

# libsndfile reads a truncated WAV, AIFF, AU or W64 as a shorter one and reports this only here.
_CUT = re.compile(
    r"^ *(?:data|SSND|Data Size|riff|Riff size) *: (?P<promised>\d+) \(should be (?P<found>\d+)\)",
    re.MULTILINE,
)

_UNKNOWN_LENGTH = 0x7FFF0000
"""Programs that write WAV into a pipe declare this many bytes or more, because the length is unknown."""

_UNKNOWN_FRAMES = 2**62
"""libsndfile states more frames than this if a header does not state the length."""

NOT_STATED = "its header does not state its length"

_LFS = b"version https://git-lfs.github.com/spec/"

_BY_PYAV = {
    "AAC in MP4 (.m4a)": ("mov", 4, b"ftyp"),
    "WebM or Matroska": ("matroska", 0, b"\x1a\x45\xdf\xa3"),
    "AAC (.aac)": ("aac", 0, b"\xff\xf1"),
    "AAC (.aac) ": ("aac", 0, b"\xff\xf9"),
    "AMR": ("amr", 0, b"#!AMR"),
    "WMA": ("asf", 0, b"\x30\x26\xb2\x75"),
    "AC-3": ("ac3", 0, b"\x0b\x77"),
    "WavPack": ("wv", 0, b"wvpk"),
    "True Audio": ("tta", 0, b"TTA1"),
}
"""Name of a format → name of FFmpeg's reader, and the bytes by which the format is recognised, with their
position. FFmpeg is told the reader, since some of its others open further files that a file names."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """An open audio file.

    Attributes:
        rate: samples per second
        promised: number of frames according to the header; None if unknown, wrong, or not to be relied upon
        skip: moves forward by a number of frames, before the first block is read
        blocks: the frames in order, until the file ends
        note: what is unusual about the file, as the end of a sentence; empty if nothing is
        to_check: number of frames that the header states, where only decoding tells whether they are there
    """

    rate: int
    promised: int | None
    skip: Callable[[int], None]
    blocks: Callable[[], Iterator[Block]]
    note: str = field(default="")
    to_check: int | None = None


class _Unseeking(soundfile.SoundFile):  # type: ignore[misc] # soundfile has no types
    """A sound file that does not move while it reads: at the end of some files that fails."""

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Sound]:
    """Opens a file for reading.

    Raises:
        AudioError: no regular file, empty, a pointer of git-lfs, not decodable, or without samples
    """
    start = _first_bytes(path)
    if start.startswith(_LFS):
        raise AudioError(f"{path.name} is a git-lfs pointer, not the audio itself: run git lfs pull")
    player = next((name for name, (_, at, magic) in _BY_PYAV.items() if start[at:].startswith(magic)), None)
    if player:
        with _by_pyav(path, player) as sound:
            yield sound
        return
    with contextlib.ExitStack() as stack:
        mended, note = repaired(path, start)
        file = stack.enter_context(_by_libsndfile(mended or path, path.name))
        cut = _CUT.search(file.extra_info)
        if cut and int(cut["found"]) < int(cut["promised"]):
            note = NOT_STATED if int(cut["promised"]) >= _UNKNOWN_LENGTH else TOO_LONG
        known = not note and file.frames < _UNKNOWN_FRAMES
        compressed = file.format == "MP3"
        if not file.frames:
            raise AudioError(f"{path.name} contains no samples")
        _check_rate(file.samplerate, path)
        yield Sound(
            rate=file.samplerate,
            promised=file.frames if known and not compressed else None,
            skip=lambda frames: _skip(file, frames, path),
            blocks=lambda: _blocks_of_libsndfile(file, path),
            note=note or ("" if known else NOT_STATED),
            to_check=file.frames if known and compressed else None,
        )


def _first_bytes(path: Path) -> bytes:
    # libsndfile reports only "System error" for a missing file or a folder, and waits for a pipe.
    try:
        if not path.exists():
            raise AudioError(f"no such file: {path}")
        if not path.is_file():
            raise AudioError(f"not a file: {path}")
        if not path.stat().st_size:
            raise AudioError(f"{path.name} is empty (0 bytes)")
        with path.open("rb") as file:
            return file.read(64)
    except (OSError, ValueError) as error:
        raise AudioError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _check_rate(rate: int, path: Path) -> None:
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise AudioError(f"{path.name} states a sampling rate of {rate} Hz, which no recording has")


@contextlib.contextmanager
def _by_libsndfile(source: Path | BinaryIO, name: str) -> Iterator[Any]:
    try:
        file = _Unseeking(source)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OSError) as error:
        said = getattr(error, "error_string", None) or str(error)
        raise AudioError(f"{name} cannot be decoded as audio: {said}") from error
    with file:
        yield file


def _skip(file: Any, frames: int, path: Path) -> None:
    """Moves forward, by reading where the format cannot jump."""
    if not frames:
        return
    if soundfile.SoundFile.seekable(file):
        try:
            file.seek(frames)
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise AudioError(f"{path.name} is truncated or damaged: {error}") from error
        return
    left = frames
    size = max(1, VALUES_PER_BLOCK // file.channels)
    while left:
        try:
            read = len(file.read(min(size, left), dtype="float32", always_2d=True))
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise AudioError(f"{path.name} is truncated or damaged: {error}") from error
        if not read:
            return
        left -= read


def _blocks_of_libsndfile(file: Any, path: Path) -> Iterator[Block]:
    size = max(1, VALUES_PER_BLOCK // file.channels)
    while True:
        try:
            block: Block = file.read(size, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise AudioError(f"{path.name} is truncated or damaged: {error}") from error
        if not len(block):
            return
        yield block


@contextlib.contextmanager
def _by_pyav(path: Path, name: str) -> Iterator[Sound]:
    """Opens a file with PyAV, from its bytes and with a fixed reader, so that no other file is opened."""
    try:
        av: Any = importlib.import_module("av")
    except ImportError as error:
        raise AudioError(
            f"{path.name} is {name.strip()}, which needs PyAV: pip install av, or convert it to WAV or FLAC"
        ) from error
    with path.open("rb") as stream, contextlib.ExitStack() as stack:
        try:
            container = stack.enter_context(av.open(stream, format=_BY_PYAV[name][0]))
            if not container.streams.audio:
                raise AudioError(f"{path.name} contains no audio track")
            track = container.streams.audio[0]
            rate = int(track.rate)
            resampler = av.AudioResampler(format="fltp", layout=track.layout, rate=rate)
        except AudioError:
            raise
        except Exception as error:  # errors of PyAV share no base class with others
            raise AudioError(f"{path.name} cannot be decoded as audio: {reason(error)}") from error
        _check_rate(rate, path)
        blocks = _blocks_of_pyav(container, track, resampler, path)
        yield Sound(
            rate=rate, promised=None, skip=lambda frames: _drop(blocks, frames), blocks=lambda: blocks
        )


class _Blocks(Iterator[Block]):
    """Blocks of which the first frames can be dropped."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self.dropped = 0

    def __next__(self) -> Block:
        while True:
            block = next(self._blocks)
            gone = min(self.dropped, len(block))
            self.dropped -= gone
            if gone < len(block):
                return block[gone:]


def _drop(blocks: _Blocks, frames: int) -> None:
    blocks.dropped += frames


def _blocks_of_pyav(container: Any, track: Any, resampler: Any, path: Path) -> _Blocks:
    def decoded() -> Iterator[Block]:
        try:
            for frame in container.decode(track):
                for part in resampler.resample(frame):
                    yield np.ascontiguousarray(part.to_ndarray().T, dtype=np.float32)
        except Exception as error:  # errors of PyAV share no base class with others
            raise AudioError(f"{path.name} is truncated or damaged: {reason(error)}") from error

    return _Blocks(decoded())
