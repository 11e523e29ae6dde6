"""Reads WebDataset: tar files in which the files of one name are one clip, `0001.wav`, `0001.json`,
`0001.txt`.

The sound is written to the cache once. Members are read one by one, and nothing is unpacked under the names
that the archive gives.
"""

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from sertools.corpora.layouts.class_folders import SUFFIXES
from sertools.corpora.sources.unpacked import Row, unpacked
from sertools.errors import CorpusError

TEXTS = {"txt": "transcript", "text": "transcript", "cls": "emotion", "emotion": "emotion", "spk": "speaker"}
"""Suffix of a text file of a clip → column."""

MAX_BYTES = 1 << 30
"""Largest member that is read."""


def shards(path: Path) -> list[Path]:
    """The tar files that a path names: itself, or those in the folder."""
    if path.is_file():
        return [path] if path.suffix == ".tar" else []
    return sorted(path.glob("*.tar")) if path.is_dir() else []


def read_shards(paths: Sequence[Path]) -> tuple[pd.DataFrame, Path]:
    """One row per clip, and the folder that their paths start from.

    Raises:
        CorpusError: a file is no tar, a member is too large, or no clip has sound
    """
    facts = [f"{p.resolve()} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in paths]
    table, folder, _ = unpacked(f"{paths[0].name} {' '.join(facts)}", lambda: _rows(paths), dict)
    return table, folder


def _rows(paths: Sequence[Path]) -> Iterator[Row]:
    for path in paths:
        name, sound, columns = "", None, dict[str, Any]()
        try:
            with tarfile.open(path) as archive:
                for member in archive:
                    if not member.isfile():
                        continue
                    inside = PurePosixPath(member.name)
                    stem, _, suffix = inside.name.partition(".")
                    key = str(inside.with_name(stem))
                    if key != name and sound is not None:
                        yield Row(sound[0], sound[1], columns)
                    if key != name:
                        name, sound, columns = key, None, {}
                    content = _content(archive, member, path)
                    if f".{suffix.lower()}" in SUFFIXES:
                        sound = content, inside.name
                    else:
                        columns |= _told(suffix.lower(), content, member.name)
        except (tarfile.TarError, EOFError) as error:
            raise CorpusError(f"{path.name} is not a readable tar file: {error}") from error
        if sound is not None:
            yield Row(sound[0], sound[1], columns)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> bytes:
    stream = archive.extractfile(member)
    if stream is None or member.size > MAX_BYTES:
        raise CorpusError(
            f"{path.name}: {member.name} cannot be read, or has more than {MAX_BYTES >> 20} MiB"
        )
    return stream.read()


def _told(suffix: str, content: bytes, name: str) -> dict[str, Any]:
    """What a file of a clip beside the sound says."""
    if suffix in TEXTS:
        return {TEXTS[suffix]: content.decode("utf-8", errors="replace").strip()}
    if suffix != "json":
        return {}
    try:
        told = json.loads(content)
    except ValueError as error:
        raise CorpusError(f"{name} is not JSON: {error}") from error
    if not isinstance(told, dict):
        raise CorpusError(f"{name} holds no object")
    return {str(k): v for k, v in told.items() if v is None or isinstance(v, str | int | float | bool)}
