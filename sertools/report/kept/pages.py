"""Stores which files a report was written to, so that an unchanged report is not written again."""

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path

import sertools
from sertools import files
from sertools.results.audio_clips import INDEX
from sertools.results.result import Result

LIBRARIES = ("matplotlib", "jinja2", "pillow", "pandas", "pyarrow", "wordcloud")
"""Libraries that write parts of reports."""


class Seal:
    """Detects whether the files of a report are still those written for the same results."""

    def __init__(
        self, results: Sequence[Result], recordings: Path, options: Sequence[str], kept: Path
    ) -> None:
        """Finds what decides the files.

        Args:
            results: in the order of the report
            recordings: folder of the recordings that they name
            options: formats and other options
            kept: where seals are kept
        """
        hashed = hashlib.blake2b(digest_size=20)
        index = recordings / INDEX
        listed = index.read_bytes() if index.is_file() else b""
        parts = [_code().encode(), json.dumps(list(options)).encode(), str(recordings).encode(), listed]
        for part in (*parts, *(result.to_json().encode() for result in results)):
            hashed.update(f"{len(part)} ".encode() + part)
        self._path = kept / f"page-{hashed.hexdigest()}.json"

    def unchanged(self, folder: Path) -> list[Path] | None:
        """The files of the report in a folder, if all are as they were written; else None."""
        text = files.read_sealed(self._path)
        known: dict[str, str] | None = json.loads(text) if text else None
        if not known or any(_digest(folder / name) != digest for name, digest in known.items()):
            return None
        return [folder / name for name in known]

    def keep(self, folder: Path, names: Sequence[str]) -> None:
        """Stores the names and contents of files that were written into a folder."""
        files.write_sealed(self._path, json.dumps({name: _digest(folder / name) for name in names}))


def _digest(path: Path) -> str:
    """Hash of a file; empty if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "blake2b").hexdigest()
    except OSError:
        return ""


@functools.cache
def _code() -> str:
    """A fingerprint of the code and templates that write reports, and the versions of the libraries."""
    hashed, ours = hashlib.blake2b(digest_size=20), Path(sertools.__file__).parent
    places = [*ours.glob("*.py"), *(ours / "report").rglob("*"), *(ours / "results").rglob("*")]
    for path in sorted(each for each in places if each.is_file() and "__pycache__" not in each.parts):
        content = path.read_bytes()
        hashed.update(f"{path.relative_to(ours)} {len(content)} ".encode() + content)
    versions = [sertools.__version__, *map(_version, LIBRARIES)]
    return f"{hashed.hexdigest()} {' '.join(versions)}"


def _version(name: str) -> str:
    """The version of a library; empty if it is not installed, as those of extras may not be."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
