"""The bytes of a fitted estimator, the same whenever the same estimator is written."""

import io
import json
import zipfile
from typing import Any

SCHEMA = "schema.json"
"""Member of a file of skops that describes all objects."""


def steady(written: bytes) -> bytes:
    """A file of skops with objects numbered in their order, in place of their addresses in memory.

    Args:
        written: what `skops.io.dumps` returns

    Returns:
        A file that skops loads to an equal estimator.
    """
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, int] = {}
    schema = _numbered(json.loads(members.pop(SCHEMA)), numbers)
    renamed = {_renamed(name, numbers): content for name, content in members.items()}
    renamed[SCHEMA] = json.dumps(schema, indent=2).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(renamed):
            archive.writestr(zipfile.ZipInfo(name), renamed[name])  # dated 1980
    return out.getvalue()


def _numbered(node: Any, numbers: dict[str, int]) -> Any:
    """A node of the schema with numbers as ids and in the names of its files."""
    if isinstance(node, list):
        return [_numbered(each, numbers) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _numbered(value, numbers) for key, value in node.items()}
    if "__id__" in found:
        found["__id__"] = numbers.setdefault(str(node["__id__"]), len(numbers) + 1)
    if "file" in found:
        found["file"] = _renamed(found["file"], numbers)
    return found


def _renamed(file: str, numbers: dict[str, int]) -> str:
    stem, dot, suffix = file.partition(".")
    return f"{numbers.setdefault(stem, len(numbers) + 1)}{dot}{suffix}"
