"""Reads the licence from a checkpoint's model card, the README.md next to its weights."""

from pathlib import Path

import yaml


def licence(source: Path) -> str | None:
    """The licence given in the metadata of a model card; None if the card gives none.

    The card is README.md in the folder, or next to the file. An unreadable card counts as giving no licence:
    it must not prevent an audit.

    >>> licence(Path("no/such/folder")) is None
    True
    """
    from huggingface_hub.repocard import metadata_load

    card = (source.parent if source.is_file() else source) / "README.md"
    try:
        stated = (metadata_load(card) if card.is_file() else None) or {}
    except (ValueError, OSError, yaml.YAMLError):
        return None
    named = stated.get("license_name") if stated.get("license") in {None, "other"} else stated["license"]
    return str(named) if named else None
