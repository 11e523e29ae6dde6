"""Writes audio stored inside tables or archives to files of a folder in the cache, once."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import platformdirs

from sertools.errors import CorpusError
from sertools.files import atomic_folder, disk_errors, read_json

TABLE, FACTS = "clips.parquet", "source.json"


class Row(NamedTuple):
    """A clip: the bytes of its audio file, the path that the source gives it, and the other columns."""

    sound: bytes
    path: str
    columns: Mapping[str, Any]


def unpacked(
    what: str, rows: Callable[[], Iterator[Row]], facts: Callable[[], Mapping[str, Any]]
) -> tuple[pd.DataFrame, Path, dict[str, Any]]:
    """The table of an unpacked source with a column `file`, its folder, and facts; unpacked if it is not yet.

    The folder gets its name when it is complete, so an interrupted download leaves nothing half read.

    Args:
        what: names the source with its version, and so the folder
        rows: the clips, drawn only if they are to be unpacked
        facts: what is known of the source, as its licence

    Raises:
        CorpusError: the folder cannot be written, or there are no clips
    """
    folder = place(what)
    if not (folder / TABLE).is_file():
        with atomic_folder(folder, error=CorpusError) as part:
            table = _write(rows(), part)
            if table.empty:
                raise CorpusError(f"{what} has no clips")
            table.to_parquet(part / TABLE)
            (part / FACTS).write_text(json.dumps({"source": what, **facts()}, indent=1), encoding="utf-8")
    table = pd.read_parquet(folder / TABLE)
    return table, folder, dict(read_json(folder / FACTS, error=CorpusError, what="the unpacked source"))


def place(what: str) -> Path:
    """The folder of an unpacked source in the cache."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", what).strip("-.")[:80]
    digest = hashlib.blake2b(what.encode(), digest_size=6).hexdigest()
    return Path(platformdirs.user_cache_dir("sertools")) / "sources" / f"{plain}-{digest}"


def suffix_of(sound: bytes, path: str = "") -> str:
    """The suffix of an audio file, from its path or else its first bytes; `.wav` if neither shows it.

    >>> suffix_of(b"fLaC...."), suffix_of(b"RIFF....", "a/b.MP3")
    ('.flac', '.mp3')
    """
    named = Path(path).suffix.lower()
    if re.fullmatch(r"\.[a-z0-9]{2,4}", named):
        return named
    magic = {b"fLaC": ".flac", b"OggS": ".ogg", b"ID3": ".mp3", b"\xff\xfb": ".mp3", b"RIFF": ".wav"}
    return next((suffix for first, suffix in magic.items() if sound.startswith(first)), ".wav")


def _write(rows: Iterator[Row], folder: Path) -> pd.DataFrame:
    """The clips as numbered files, a thousand in a folder; their ids are their names in the source, if
    unique.
    """
    told, names = [], list[str]()
    for number, row in enumerate(rows):
        file = f"audio/{number // 1000:04d}/{number:07d}{suffix_of(row.sound, row.path)}"
        path = folder / file
        with disk_errors(path, CorpusError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(row.sound)
        columns = {"file_in_source" if c == "file" else c: value for c, value in row.columns.items()}
        told.append({"file": file, **columns})
        names.append(Path(row.path).stem)
    table = pd.DataFrame(told)
    if "clip" not in table and all(names) and len(set(names)) == len(names):
        table.insert(0, "clip", names)
    return table
