"""What a checkpoint's model card states: the README.md beside its weights."""

from pathlib import Path

import yaml


def licence(source: Path) -> str | None:
    """The licence in the metadata of the model card of a folder, or beside a file; None where it states none.

    A broken card states nothing: it is for people, and does not keep the model from being audited.

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
