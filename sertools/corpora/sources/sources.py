"""Reads corpora that a text with a scheme names: `audb:NAME@VERSION`, `datasets:OWNER/NAME`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

SCHEMES = ("audb:", "datasets:")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The content of a source.

    Attributes:
        table: one row per clip, columns as in a manifest, under any names
        name: of the corpus
        root: folder that the paths of the table start from
        facts: licence and citation, if known
        scale: dimension → lowest and highest rating, if declared
        notes: sentences on what was taken for what
    """

    table: pd.DataFrame
    name: str
    root: Path
    facts: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_source(text: str) -> Source:
    """The corpus that a text with a scheme names.

    Raises:
        CorpusError: see `read_audb` and `read_dataset`
    """
    scheme, _, rest = text.partition(":")
    if scheme == "audb":
        from sertools.corpora.sources.audb_database import read_audb

        database, root = read_audb(rest)
        facts = {"licence": database.licence, "citation": database.citation}
        return Source(
            table=database.table,
            name=database.name,
            root=root,
            facts=facts,
            scale=database.scale,
            notes=database.notes,
        )
    from sertools.corpora.sources.hub_datasets import read_dataset

    table, root, facts, notes = read_dataset(rest)
    name = rest.partition(":")[0].partition("#")[0].rstrip("/").rpartition("/")[2]
    return Source(table=table, name=Path(name).stem, root=root, facts=facts, notes=tuple(notes))
