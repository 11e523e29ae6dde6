"""Reads the rows of a corpus, in whatever form it lies on disk, before they are checked."""

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
    """Rows as they were written, and what the place where they lie says about them.

    Attributes:
        table: columns as in a manifest, under whatever names
        source: what errors call the table
        root: relative files start here
        facts: version, licence, citation, simulated, where known
        scale: dimension → lowest and highest rating, where declared
        scaled: dimensions are in [0, 1] already
        verify: clips → sentences on published counts
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
    """The rows of a manifest or folder; `stem` says that it is this registered corpus.

    Raises:
        CorpusError: nothing that can be read
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
        f"{path} is no corpus: it holds no corpus.toml, db.yaml or metadata.csv, and has no known layout",
        hint=f"give a manifest ({', '.join(MANIFESTS)}); known layouts: {', '.join(corpora.modules())}",
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
        raise CorpusError(f"{path} is not TOML: {error}") from error
    if facts.get("schema") != SCHEMA:
        raise CorpusError(f"{path} is not of schema {SCHEMA}", hint="write it again with this version")
    absent = [key for key in ("name", "root", "notes", *FACTS) if key not in facts]
    if absent:
        raise CorpusError(f"{path} does not say {absent[0]!r}")
    return Reading(
        table=read_table(folder / "clips.parquet"),
        name=str(facts["name"]),
        source=f"{folder.name}/clips.parquet",
        root=folder / str(facts["root"]),
        facts={fact: str(facts[fact]) for fact in FACTS},
        notes=tuple(map(str, facts["notes"])),
        scaled=True,
    )
