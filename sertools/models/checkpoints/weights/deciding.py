"""The files of a checkpoint that decide its predictions, and a digest of what they hold."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from sertools.models.checkpoints import foreign_layouts
from sertools.models.checkpoints.weights.adapters import adapter_in, base_files
from sertools.models.checkpoints.weights.files import weight_files


def content_digest(folder: Path, version: str, head: Mapping[str, str], labels: Sequence[str] | None) -> str:
    """32 hexadecimal digits of all files that decide the predictions, and of the options that do.

    Args:
        folder: the checkpoint
        version: of the code that reads it, as `hf-3`
        head: the described head, empty where there is none
        labels: names of the outputs that the user gives, if any
    """
    digest = hashlib.blake2b(digest_size=16)
    named = f" {labels}" if labels else ""
    digest.update(f"{version} {sorted(head.items())}{named}".encode())
    for path in deciding_files(folder):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


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
