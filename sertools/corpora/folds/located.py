"""Finds the corpus, and the split or fold of it, that a text after `--data` refers to."""

import os
from pathlib import Path
from typing import NamedTuple

from sertools.corpora import registry
from sertools.corpora.layouts.manifest import MANIFESTS
from sertools.corpora.sources.sources import SCHEMES
from sertools.errors import CorpusError, nearest


class Located(NamedTuple):
    """Where a corpus is, and which part of it is asked for.

    Attributes:
        path: file or folder
        stem: file stem of the registered corpus that it is declared to be; empty if none
        split: name of the split; None for the whole corpus
        folds: name of folds with number and side, as `emo-superb:1:test`; empty if none
        source: a source with a scheme, as `audb:emodb@1.4.1`; empty for a corpus in files
    """

    path: Path
    stem: str
    split: str | None
    folds: str
    source: str = ""


def locate(spec: str, data_root: Path | None) -> Located:
    """The target of a spec: `NAME`, `PATH`, `SCHEME:SOURCE`, each with `:SPLIT` or `@FOLDS:NUMBER:SIDE`.

    Raises:
        CorpusError: no such corpus
    """
    if spec.startswith(SCHEMES):
        return _source(spec)
    head, at, folds = spec.partition("@")
    if at and not os.path.exists(Path(spec).expanduser()):
        if not (head and folds):
            raise CorpusError(f"{spec!r} names no folds", hint="for instance crema-d@emo-superb:1:test")
        path, stem, split = _place(head, data_root)
        if split is not None:
            raise CorpusError(f"{head!r} is already a split, so {spec!r} is not valid")
        return Located(path, stem, None, folds)
    return Located(*_place(spec, data_root), "")


def _source(spec: str) -> Located:
    """A source, with its split or its folds: a database of audb has its version after the first `@`."""
    scheme, _, rest = spec.partition(":")
    if scheme == "audb":
        name, at, tail = rest.partition("@")
        version, _, folds = tail.partition("@")
        version, _, split = version.partition(":")
        return Located(Path(), "", split or None, folds, f"audb:{name}{at}{version}")
    source, _, folds = rest.partition("@")
    return Located(Path(), "", None, folds, f"{scheme}:{source}")


def _place(spec: str, data_root: Path | None) -> tuple[Path, str, str | None]:
    """Path, registered corpus (its file stem, or empty) and split that a spec refers to."""
    known = registry.names()
    head, colon, tail = spec.rpartition(":")
    if spec in known:
        stem, split = known[spec]
        return registry.root_of(spec, data_root), stem, split
    if colon and head in known:
        stem, own = known[head]
        if own is not None:
            raise CorpusError(f"{head!r} is already a split, so {spec!r} is not valid")
        return registry.root_of(head, data_root), stem, tail
    if os.path.exists(Path(spec).expanduser()):
        return Path(spec).expanduser(), "", None
    if colon and os.path.exists(Path(head).expanduser()):
        return Path(head).expanduser(), "", tail
    raise _not_found(spec, head if colon else spec)


def _not_found(spec: str, head: str) -> CorpusError:
    """The error for a path that does not exist or a name that is not registered."""
    if os.sep in spec or any(head.endswith(suffix) for suffix in MANIFESTS) or head.startswith("."):
        return CorpusError(f"no such file or folder: {head if Path(head).suffix in MANIFESTS else spec}")
    return CorpusError(f"unknown corpus {head!r}", hint=nearest(head, sorted(registry.names())))
