"""Reads the rows of a corpus, still unchecked, from any supported format on disk."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sertools import corpora
from sertools.audformat_folder import read_audformat
from sertools.errors import CorpusError
from sertools.manifest import MANIFESTS, read_table

SCHEMA = 1
"""Version of `corpus.toml`."""

FACTS = ("version", "licence", "citation", "simulated")


def _nothing_published(clips: pd.DataFrame) -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Unchecked rows of a corpus, with the metadata that its file or folder provides.

    Attributes:
        table: columns as in a manifest, under any names
        source: name of the table in error messages
        root: folder that relative file paths start from
        facts: version, licence, citation, simulated, if known
        scale: dimension → lowest and highest rating, if declared
        scaled: dimensions are already in [0, 1]
        verify: clips → sentences that compare them with published counts
    """

    table: pd.DataFrame
    name: str
    source: str
    root: Path
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    scale: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    scaled: bool = False
    verify: Callable[[pd.DataFrame], list[str]] = _nothing_published


def read(path: Path, stem: str = "") -> Reading:
    """Read the rows of a manifest or folder; `stem` declares it to be this registered corpus.

    Raises:
        CorpusError: the path is not a corpus, or cannot be read
    """
    if path.is_file():
        return Reading(table=read_table(path), name=path.stem, source=path.name, root=path.parent)
    if not stem and (path / "corpus.toml").is_file():
        return _read_corpus(path)
    if not stem and (path / "db.yaml").is_file():
        database = read_audformat(path)
        return Reading(
            table=database.table,
            name=database.name,
            source=path.name,
            root=path,
            facts={"licence": database.licence, "citation": database.citation},
            notes=database.notes,
            scale=database.scale,
        )
    stem = stem or corpora.recognised(path)
    if stem:
        return _read_registered(path, stem)
    if (path / "metadata.csv").is_file():
        name = path.resolve().name
        return Reading(
            table=read_table(path / "metadata.csv"), name=name, source=f"{name}/metadata.csv", root=path
        )
    raise CorpusError(
        f"{path} is not a corpus: it has no corpus.toml, db.yaml or metadata.csv, and no known layout",
        hint=f"use a manifest ({', '.join(MANIFESTS)}); known layouts: {', '.join(corpora.modules())}",
    )


def _read_registered(root: Path, stem: str) -> Reading:
    module = corpora.modules()[stem]

    def verify(clips: pd.DataFrame) -> list[str]:
        if hasattr(module, "expected"):
            return list(module.expected(clips))
        return corpora.verified(clips, getattr(module, "EXPECTED", {}))

    return Reading(
        table=module.scan(root),
        name=corpora.main_name(stem),
        source=stem,
        root=root,
        facts={fact: str(getattr(module, fact.upper(), "")) for fact in FACTS},
        notes=tuple(getattr(module, "NOTES", ())),
        scaled=True,
        verify=verify,
    )


def _read_corpus(folder: Path) -> Reading:
    path = folder / "corpus.toml"
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} is not valid TOML: {error}") from error
    if facts.get("schema") != SCHEMA:
        raise CorpusError(f"{path} does not have schema {SCHEMA}", hint="write it again with this version")
    absent = [key for key in ("name", "root", "notes", *FACTS) if key not in facts]
    if absent:
        raise CorpusError(f"{path} has no key {absent[0]!r}")
    return Reading(
        table=read_table(folder / "clips.parquet"),
        name=str(facts["name"]),
        source=f"{folder.name}/clips.parquet",
        root=folder / str(facts["root"]),
        facts={fact: str(facts[fact]) for fact in FACTS},
        notes=tuple(map(str, facts["notes"])),
        scaled=True,
    )
