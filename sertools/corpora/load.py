"""Loads a corpus by its name, its table or its folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from sertools.corpora import registry
from sertools.corpora.attached.beside import NOTHING, Beside
from sertools.corpora.clips import Reading, as_clips, emotions
from sertools.corpora.columns import look_alikes, suggestions
from sertools.corpora.corpus import NO_SPEAKERS, SCHEMA, Corpus, file_hash, found
from sertools.corpora.folds.folds import parsed, with_fold
from sertools.corpora.folds.located import locate
from sertools.corpora.folds.named import named
from sertools.corpora.identity import doubts, unnamed
from sertools.corpora.layouts import class_folders, emobox_lines, kaldi_folder, lhotse_manifests, recordings
from sertools.corpora.layouts.audformat_folder import read_audformat
from sertools.corpora.layouts.manifest import MANIFESTS, read_table
from sertools.corpora.raters.attach import with_published_raters
from sertools.corpora.raters.one_row_per_rater import one_row_per_clip
from sertools.corpora.sources.hub_datasets import holds_sound
from sertools.corpora.sources.sources import read_source
from sertools.corpora.sources.tar_shards import read_shards, shards
from sertools.errors import CorpusError, nearest
from sertools.files import read_toml
from sertools.labels import DIMENSIONS, canonical
from sertools.tables.columns import LABELS, ROW
from sertools.tables.votes import is_of_raters

FACTS = ("version", "licence", "citation", "simulated", "recordings", "unjudged")
"""Metadata of a corpus, each a text; empty if unknown."""

ADDED = ("recordings", "unjudged")
"""Metadata that older corpus folders do not have."""


IN_MEMORY = "table"
"""Name of a corpus that is a table of the running program."""


def _no_published_counts(clips: pd.DataFrame) -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class RawCorpus:
    """Unchecked rows of a corpus, with the metadata that its file or folder provides.

    Attributes:
        table: columns as in a manifest, under any names
        source: name of the table in error messages
        root: folder that relative file paths start from
        facts: version, licence, citation, simulated, recordings, if known
        scale: dimension → lowest and highest rating, if declared
        scaled: the scales are known and cannot be declared otherwise
        published: ratings outside their scale were published so
        no_emotion: labels that the corpus gives to clips without one of its emotions
        verify: clips → sentences that compare them with published counts
    """

    table: pd.DataFrame
    name: str
    source: str
    root: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    scale: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    scaled: bool = False
    published: bool = False
    no_emotion: tuple[str, ...] = ()
    verify: Callable[[pd.DataFrame], list[str]] = _no_published_counts


def load_corpus(
    spec: str | pd.DataFrame,
    *,
    data_root: Path | None = None,
    column_map: Mapping[str, str] | None = None,
    scale: Mapping[str, tuple[float, float]] | None = None,
    value_map: Mapping[str, Mapping[str, str]] | None = None,
    label_map: Mapping[str, str] | None = None,
    beside: Beside = NOTHING,
) -> Corpus:
    """Load and check the corpus with this name or path.

    Args:
        spec: registered name, manifest, audformat folder, folder of a registered corpus, or folder with a
            `metadata.csv`; each with `:split` if wanted, or with folds, their number and a side, as in
            `crema-d@emo-superb:1:test`; or a table of clips in memory, whose `attrs["name"]` is its name
        data_root: folder of a registered corpus, or its parent folder; for a table, the folder that its
            paths start from
        column_map: column name in the corpus → sertools' name
        scale: dimension → its lowest and highest rating
        value_map: column → value in the corpus → value to use, as {"sex": {"0": "female", "1": "male"}}
        label_map: emotion label in the corpus → sertools' name
        beside: where the votes of raters and further attributes are

    Raises:
        CorpusError: the corpus is missing or cannot be read; the message says what to do
    """
    if isinstance(spec, pd.DataFrame):
        path, stem, split, folds, source = Path(), "", None, "", ""
        raw = _in_memory(spec)
    else:
        path, stem, split, folds, source = locate(spec, data_root)
        raw = _read_source(source) if source else _read(path, stem)
    column_map, attached = beside.attach(list(map(str, raw.table.columns)), column_map or {})
    declared = [d for d in scale or {} if raw.scaled and (d == "*" or d in raw.table)]
    if declared:
        raise CorpusError(f"--scale {declared[0]}: the rating scale of {raw.name} is fixed")
    clips, changed = as_clips(
        raw.table,
        source=raw.source,
        reading=Reading(
            column_map=column_map,
            scale={**raw.scale, **(scale or {})},
            value_map=value_map or {},
            label_map=label_map or {},
            fixed=raw.scaled,
            published=raw.published,
            no_emotion=raw.no_emotion,
            votes=beside.votes,
            attached=attached,
        ),
    )
    as_published = clips
    if label_map and "emotion" in raw.table and len(raw.table) == len(clips):
        as_published = clips.assign(emotion=emotions(raw.table["emotion"].set_axis(clips.index), {}))
    corpus = Corpus(
        name=raw.name,
        clips=clips,
        root=raw.root if stem or source or data_root is None else _root(clips, data_root, raw.root),
        **{fact: raw.facts.get(fact, "") for fact in FACTS},
        notes=(*raw.verify(as_published), *raw.notes, *changed, *_suggestions(raw, clips)),
    )
    corpus = _part(corpus, path, split, folds)
    speakers = unnamed(corpus.clips) if corpus.has_speakers else [NO_SPEAKERS]
    notes = (*corpus.notes, *doubts(corpus.clips), *speakers)
    return replace(corpus, notes=tuple(dict.fromkeys(notes)))


def load_clips(
    spec: str, *, data_root: Path | None = None, column_map: Mapping[str, str] | None = None
) -> Corpus:
    """The clips of a corpus without emotions and ratings: where they are, who speaks, and other attributes.

    Labels are not read, so no scale is needed. Columns under their usual other names (`path`, `speaker_id`)
    are taken as what they seem to be, with a note.

    Args:
        spec: as for `load_corpus`
        data_root: as for `load_corpus`
        column_map: column name in the corpus → sertools' name; those that it does not have are ignored

    Raises:
        CorpusError: the corpus is missing or cannot be read; the message says what to do
    """
    path, stem, split, folds, source = locate(spec, data_root)
    raw = _read_source(source) if source else _read(path, stem)
    have = [str(name) for name in raw.table.columns]
    given = {theirs: ours for theirs, ours in (column_map or {}).items() if theirs in have}
    named = [given.get(name, name) for name in have]
    guessed = {name: ours for name, ours in suggestions(named).items() if ours not in LABELS}
    table = raw.table.set_axis([guessed.get(name, name) for name in named], axis="columns")
    table, _ = one_row_per_clip(table, raw.source)
    rows = _rows_as_text(table)
    of_labels = [name for name in table if name in LABELS or is_of_raters(str(name))]
    table = table.drop(columns=of_labels)
    clips, changed = as_clips(table, source=raw.source, reading=Reading(repeated=True))
    clips[ROW] = rows
    notes = [f"column {theirs!r} is taken for {ours}" for theirs, ours in guessed.items()]
    corpus = Corpus(
        name=raw.name,
        clips=clips,
        root=raw.root if stem or source or data_root is None else _root(clips, data_root, raw.root),
        notes=(*notes, *changed),
    )
    return _part(corpus, path, split, folds)


def _rows_as_text(table: pd.DataFrame) -> list[str | None]:
    """All cells of each row as one text, without the split; None for a table that has only one column."""
    told = table.drop(columns=["split"], errors="ignore")
    told = told.reindex(columns=sorted(map(str, told.columns)))
    if len(told.columns) < 2:
        return [None] * len(told)
    return [repr(list(zip(told.columns, row, strict=True))) for row in told.astype(str).to_numpy().tolist()]


def _root(clips: pd.DataFrame, data_root: Path, own: Path) -> Path:
    """The folder that the paths of a table start from: `data_root`, unless files exist only in `own`."""
    files = clips["file"].head(100)
    beside = any(found(own, file).exists() for file in files)
    return own if beside and not any(found(data_root, file).exists() for file in files) else data_root


def _read(path: Path, stem: str = "") -> RawCorpus:
    """Read the rows of a manifest or folder; `stem` declares it to be this registered corpus.

    Raises:
        CorpusError: the path is not a corpus, or cannot be read
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise CorpusError(f"{path} is a pipe or a device", hint="write what it says into a file")
    if path.suffix == ".tar":
        return _read_tar(path)
    if path.is_file():
        return _read_manifest(path)
    if not stem and (path / "corpus.toml").is_file():
        return _read_written(path)
    if not stem and (path / "db.yaml").is_file():
        return _read_audformat(path)
    stem = stem or registry.recognised(path)
    if stem:
        return _read_registered(path, stem)
    name = path.resolve().name
    kaldi, lhotse = kaldi_folder.read_kaldi(path), lhotse_manifests.manifests(path)
    if kaldi is not None or lhotse is not None:
        rows = kaldi if lhotse is None else lhotse_manifests.read_lhotse(*lhotse)
        assert rows is not None, "one of the two is there"
        return RawCorpus(table=rows, name=name, source=name, root=path)
    if shards(path):
        return _read_tar(path)
    table = path / "metadata.csv"
    if table.is_file():
        return RawCorpus(table=read_table(table), name=name, source=f"{name}/metadata.csv", root=path)
    folders = class_folders.read_class_folders(path)
    if folders is not None:
        return RawCorpus(table=folders, name=name, source=name, root=path, notes=class_folders.NOTES)
    sounds = recordings.read_recordings(path)
    if sounds is not None:
        return RawCorpus(table=sounds, name=name, source=name, root=path, notes=recordings.NOTES)
    if any(holds_sound(file) for kind in ("parquet", "arrow") for file in islice(path.rglob(f"*.{kind}"), 1)):
        return _read_source(f"datasets:{path}")
    raise CorpusError(
        f"{path} is not a corpus: it has no corpus.toml, db.yaml or metadata.csv, no recordings, no folders "
        "named like emotions, and no known layout",
        hint=f"use a manifest ({', '.join(MANIFESTS)}); known layouts: sertools list corpora",
    )


def _read_manifest(path: Path) -> RawCorpus:
    """A table of clips; JSON lines of EmoBox have names and paths of their own, other tables the sound."""
    if holds_sound(path):
        return _read_source(f"datasets:{path}")
    table = read_table(path)
    if not emobox_lines.is_emobox(table):
        return RawCorpus(table=table, name=path.stem, source=path.name, root=path.parent)
    table, root, notes = emobox_lines.read_emobox(table, path)
    return RawCorpus(table=table, name=path.stem, source=path.name, root=root, notes=tuple(notes))


def _in_memory(table: pd.DataFrame) -> RawCorpus:
    """A table of clips of the running program; its index is a column where it has a name."""
    name = str(table.attrs.get("name", IN_MEMORY))
    named = any(each is not None and each not in table for each in table.index.names)
    return RawCorpus(table=table.reset_index(drop=not named), name=name, source=name, root=Path.cwd())


def _read_tar(path: Path) -> RawCorpus:
    """A tar file, or a folder of them, in the form of WebDataset."""
    table, root = read_shards(shards(path))
    return RawCorpus(table=table, name=path.resolve().stem, source=path.name, root=root)


def _read_written(folder: Path) -> RawCorpus:
    """The output of `write_corpus`."""
    path, clips = folder / "corpus.toml", folder / "clips.parquet"
    facts = read_toml(path, error=CorpusError, what="the corpus")
    if facts.get("schema") != SCHEMA:
        raise CorpusError(f"{path} does not have schema {SCHEMA}", hint="write it again with this version")
    expected = {"name", "root", "notes", "table", *FACTS} - set(ADDED)
    absent = sorted(expected - facts.keys())
    if absent:
        raise CorpusError(f"{path} has no key {absent[0]!r}")
    if not isinstance(facts["notes"], list):
        raise CorpusError(f"{path}: notes is not a list of sentences")
    table = read_table(clips)
    if file_hash(clips) != facts["table"]:
        raise CorpusError(
            f"{clips} is not the table that {path.name} describes: "
            "writing was interrupted, or one of the two files was changed",
            hint="write the corpus again",
        )
    return RawCorpus(
        table=table,
        name=str(facts["name"]),
        source=f"{folder.name}/{clips.name}",
        root=folder / str(facts["root"]),
        facts={fact: str(facts.get(fact, "")) for fact in FACTS},
        notes=tuple(map(str, facts["notes"])),
        scaled=True,
    )


def _read_audformat(folder: Path) -> RawCorpus:
    database = read_audformat(folder)
    return RawCorpus(
        table=database.table,
        name=database.name,
        source=folder.name,
        root=folder,
        facts={"licence": database.licence, "citation": database.citation},
        notes=database.notes,
        scale=database.scale,
    )


def _read_source(text: str) -> RawCorpus:
    """A corpus that is named with a scheme."""
    found = read_source(text)
    return RawCorpus(
        table=found.table,
        name=found.name,
        source=text,
        root=found.root,
        facts=found.facts,
        notes=found.notes,
        scale=found.scale,
    )


def _read_registered(root: Path, stem: str) -> RawCorpus:
    """A registered corpus, read by its module."""
    module = registry.modules()[stem]

    def verify(clips: pd.DataFrame) -> list[str]:
        if hasattr(module, "expected"):
            return list(module.expected(clips))
        return registry.verified(clips, getattr(module, "EXPECTED", {}))

    table = module.scan(root)
    if "language" not in table and hasattr(module, "LANGUAGE"):
        table = table.assign(language=module.LANGUAGE)
    rated = list[str]()
    if hasattr(module, "raters"):
        table, rated = with_published_raters(table, root, module.raters)
    return RawCorpus(
        table=table,
        name=registry.main_name(stem),
        source=stem,
        root=root,
        facts={fact: str(getattr(module, fact.upper(), "")) for fact in FACTS},
        notes=(*getattr(module, "NOTES", ()), *rated),
        scale={name: ends for name, ends in getattr(module, "SCALE", {}).items() if name in table},
        scaled=True,
        published=True,
        no_emotion=tuple(getattr(module, "NO_EMOTION", ())),
        verify=verify,
    )


def _suggestions(raw: RawCorpus, clips: pd.DataFrame) -> list[str]:
    """Sentences about labels under other names; what a published corpus has, its reader knows."""
    return [] if raw.published else look_alikes(_possible_labels(clips))


def _possible_labels(clips: pd.DataFrame) -> list[str]:
    """Columns that may be labels under another name; a dimension must be numeric."""
    names = [str(c) for c in clips]
    return [c for c in names if canonical(c) not in DIMENSIONS or pd.api.types.is_numeric_dtype(clips[c])]


def _part(corpus: Corpus, path: Path, split: str | None, folds: str) -> Corpus:
    """The part of a corpus that a spec asks for: a split, or a fold with its sides as splits."""
    if folds:
        name, number, side = parsed(folds)
        corpus = with_fold(corpus, named(corpus, name, path), number)
        split = side or None
    return corpus if split is None else _select_split(corpus, split)


def _select_split(corpus: Corpus, split: str) -> Corpus:
    if "split" not in corpus.clips:
        raise CorpusError(f"{corpus.name} has no column 'split', so it has no split {split!r}")
    chosen = corpus.clips[corpus.clips["split"] == split]
    if chosen.empty:
        known = sorted(corpus.clips["split"].dropna().unique())
        raise CorpusError(f"{corpus.name} has no split {split!r}", hint=nearest(split, known))
    return replace(corpus, name=f"{corpus.name}:{split}", clips=chosen)
