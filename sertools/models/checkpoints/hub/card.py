"""Reads the licence from a checkpoint's model card, the README.md next to its weights."""

import re
from pathlib import Path
from typing import Any

from sertools.files import parse_yaml

MAX_CHARACTERS = 2**20
"""A longer card counts as giving no licence."""

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(?P<yaml>.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)


def licence(source: Path) -> str | None:
    """The licences given in the metadata of a model card, joined by commas; None if the card gives none.

    The card is README.md in the folder, or next to the file. An unreadable card counts as giving no licence:
    it must not prevent an audit.

    >>> licence(Path("no/such/folder")) is None
    True
    """
    stated = _metadata((source.parent if source.is_file() else source) / "README.md")
    value = stated.get("license")
    named = stated.get("license_name") if value in (None, "other", ["other"]) else value
    names = [str(name) for name in (named if isinstance(named, list) else [named]) if name]
    return ", ".join(names)[:200] or None


def _metadata(card: Path) -> dict[str, Any]:
    if not card.is_file():
        return {}
    try:
        with card.open(encoding="utf-8") as file:
            front = _FRONT.match(file.read(MAX_CHARACTERS))
        found = parse_yaml(front["yaml"]) if front else {}
    except (ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}
