"""The files of a checkpoint that affect its predictions, and a digest of their content."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from sertools.files import state_of
from sertools.models.checkpoints import foreign_layouts
from sertools.models.checkpoints.weights.adapters import adapter_in, base_files
from sertools.models.checkpoints.weights.files import weight_files

BLOCK = 2**25
"""Bytes that are read and hashed at a time. Between two blocks, a hash waits for its turn among the threads
of Python, and small blocks made an import at the same time take half as long again."""


def content_digest(folder: Path, version: str, head: Mapping[str, str], labels: Sequence[str] | None) -> str:
    """Hash of all files and options that affect the predictions, 32 hexadecimal digits.

    Args:
        folder: the checkpoint
        version: of the code that reads it, as `hf-5`
        head: the described head, empty where there is none
        labels: names of the outputs that the user gives, if any
    """
    digest = hashlib.blake2b(digest_size=16)
    named = f" {labels}" if labels else ""
    digest.update(f"{version} {sorted(head.items())}{named}".encode())
    for path in deciding_files(folder):
        digest.update(path.name.encode())
        digest.update(_digest_of_file(path, state_of(path)))
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _digest_of_file(path: Path, state: tuple[int, ...]) -> bytes:
    """The digest of a file, which is read once for each of its states."""
    digest, buffer = hashlib.blake2b(), memoryview(bytearray(min(BLOCK, max(state[0], 1))))
    with path.open("rb", buffering=0) as file:
        while read := file.readinto(buffer):
            digest.update(buffer[:read])
    return digest.digest()


def deciding_files(folder: Path) -> list[Path]:
    """The files of a checkpoint that decide its predictions: settings, weights, an adapter's base."""
    foreign = foreign_layouts.recognised(folder)
    if foreign is not None:
        found: list[Path] = foreign.files_of(folder)
        return found
    adapter = adapter_in(folder, trust_remote_code=False)
    settings = [folder / "config.json", folder / "preprocessor_config.json"]
    own = adapter.files if adapter else weight_files(folder)
    return [*(path for path in settings if path.is_file()), *own, *(base_files(adapter) if adapter else ())]
