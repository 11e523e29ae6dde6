"""What a checkpoint's model card states: the README.md beside its weights."""

from pathlib import Path

import yaml


def licence(folder: Path) -> str | None:
    """The licence in the metadata of a folder's model card; None where it states none.

    A broken card states nothing: it is for people, and does not keep the model from being audited.

    >>> licence(Path("no/such/folder")) is None
    True
    """
    from huggingface_hub.repocard import metadata_load

    card = folder / "README.md"
    try:
        stated = (metadata_load(card) if card.is_file() else None) or {}
    except (ValueError, OSError, yaml.YAMLError):
        return None
    named = stated.get("license_name") if stated.get("license") in {None, "other"} else stated["license"]
    return str(named) if named else None
