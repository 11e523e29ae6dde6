"""Recordings of noise, or room impulse responses, from a folder; decoded on access."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sertools.audio.files import Signal, read_audio
from sertools.errors import CorpusError

SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".sph")
"""Files with another suffix are ignored."""


@dataclass(frozen=True, kw_only=True)
class Recordings(Sequence[Signal]):
    """The recordings of a folder and its subfolders at one rate, in the order of their names.

    Attributes:
        folder: folder of the recordings
        rate: samples per second
    """

    folder: str
    rate: int

    def __len__(self) -> int:
        return len(_files(self.folder))

    def __getitem__(self, i: Any) -> Any:
        return _decoded(_files(self.folder)[i], self.rate)


def fingerprint(folder: str) -> str:
    """Hash of the recordings in a folder, 16 hex digits: names and bytes, in order.

    Raises:
        CorpusError: there is no such folder, it contains no recordings, or one cannot be read
    """
    digest = hashlib.blake2b(digest_size=8)
    for path in _files(folder):
        try:
            content = hashlib.blake2b(path.read_bytes()).hexdigest()
        except OSError as error:
            raise CorpusError(f"cannot read the recording {path}: {error.strerror}") from error
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


@functools.lru_cache(maxsize=8)
def _files(folder: str) -> tuple[Path, ...]:
    """The recordings of a folder; listed once, because every clip needs them."""
    root = Path(folder)
    if not root.is_dir():
        raise CorpusError(f"no such folder: {folder}", hint="choose one that contains recordings")
    found = [path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not found:
        raise CorpusError(
            f"{folder} contains no recordings", hint=f"accepted suffixes: {', '.join(SUFFIXES)}"
        )
    return tuple(sorted(found, key=lambda path: path.relative_to(root).as_posix()))


@functools.lru_cache(maxsize=32)
def _decoded(path: Path, rate: int) -> Signal:
    """A decoded recording, cached because it may be drawn for many clips; the array is read-only."""
    signal = read_audio(path, rate)
    signal.flags.writeable = False
    return signal
