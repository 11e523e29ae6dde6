"""Python code that comes with a checkpoint: code that would run, code that ran, and its digest."""

import hashlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.hub.files import CODE
from sertools.wording import plural

MODULES = "transformers_modules."
"""Beginning of the module of a class whose code comes with a checkpoint; transformers copies it there."""


def names_code(path: Path) -> bool:
    """Whether a settings file names classes that are defined in Python files of the checkpoint."""
    return path.is_file() and '"auto_map"' in path.read_text(encoding="utf-8", errors="replace")


def named_code(path: Path) -> str:
    """The Python files that a settings file names, for messages; those of another checkpoint with its id.

    Raises:
        ModelError: the settings cannot be read
    """
    content = read_json(path, error=ModelError, what="the settings of a checkpoint")
    named = content.get("auto_map") if isinstance(content, dict) else None
    values = named.values() if isinstance(named, dict) else [named]
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    found = []
    for each in flat:
        other, _, name = str(each).rpartition("--")
        file = f"{name.rpartition('.')[0]}.py"
        found.append(f"{file} of {other}" if other else file)
    return ", ".join(dict.fromkeys(found))


def own_code(folder: Path) -> str:
    """The Python files of a checkpoint, with their lengths, for messages; empty if it has none."""
    return listed_code(sorted(folder.glob(CODE)))


def listed_code(files: Sequence[Path]) -> str:
    """Python files with their lengths, for messages; empty if there are none."""
    lengths = {
        path.name: len(path.read_text(encoding="utf-8", errors="replace").splitlines())
        for path in files
        if path.is_file()
    }
    return ", ".join(f"{name} ({plural(length, 'line')})" for name, length in lengths.items())


def is_own(part: Any) -> bool:
    """Whether the class of a network or feature extractor is defined in code that comes with a checkpoint."""
    return type(part).__module__.startswith(MODULES)


def code_files(*parts: Any) -> list[Path]:
    """The Python files that define the classes of these parts and may be imported by them; none of a library.

    Args:
        parts: network, configuration and feature extractor of a checkpoint
    """
    modules = [sys.modules[type(part).__module__] for part in parts if is_own(part)]
    folders = {Path(inspect.getfile(module)).parent for module in modules}
    return sorted(path for folder in folders for path in folder.glob(CODE) if path.name != "__init__.py")


def digest_with(digest: str, files: Sequence[Path]) -> str:
    """The digest of a checkpoint and of the code that ran; the same digest if none ran."""
    if not files:
        return digest
    found = hashlib.blake2b(digest.encode(), digest_size=16)
    for path in files:
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()
