"""Stores results of audits, so that the same audit of the same tables is not computed again.

A result is kept under a fingerprint of everything that decides it: the tables, the options, limits and seed,
the code of the audit and of all packages that audits may use, and the versions of Python and of the libraries
that compute. What a result says about model, corpus and run is not kept, but added anew, except the date on
which it was computed. Audits of users are not kept, because they may read anything.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools import files
from sertools.auditing.audit import PlannedAudit
from sertools.auditing.discovery import embedded_folder
from sertools.results.keys import FindingKey
from sertools.results.provenance import DATE
from sertools.results.result import Result
from sertools.store.cache import RESULTS
from sertools.tables.tables import Tables

PACKAGES = ("auditing", "metrics", "perturbations", "probing", "results", "statistics", "tables")
"""Packages of sertools whose code audits may use, besides the modules that all packages use."""

LIBRARIES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "torch", "umap-learn", "numba", "wordcloud", "jiwer"),
    *("pydantic", "opensmile"),
)
"""Libraries that compute numbers in audits, or store them."""


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...


class Parts:
    """Fingerprints of data frames and arrays that several audits read, so that each is computed once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}

    def of(self, value: "pd.DataFrame | NDArray[Any]") -> bytes:
        """The fingerprint of a data frame or an array, which must not change while this object is in use."""
        if id(value) not in self._known:
            hashed = hashlib.blake2b(digest_size=20)
            _add_part(hashed, value)
            self._known[id(value)] = value, hashed.digest()  # holds it, so that no other object has its id
        return self._known[id(value)][1]


def fingerprint(
    planned: PlannedAudit,
    tables: Tables,
    seed: int,
    further: Sequence[Any] = (),
    *,
    parts: Parts | None = None,
) -> str:
    """A fingerprint of everything that decides the result of an audit.

    Args:
        planned: the audit
        tables: what it reads
        seed: random seed
        further: what else decides what is kept
        parts: shared by audits that read the same data

    Raises:
        TypeError: the tables hold a value of a kind that has no fingerprint
    """
    hashed, parts = hashlib.blake2b(digest_size=20), parts or Parts()
    limits = [limit.model_dump_json() for limit in planned.limits]
    decides = [planned.name, dict(planned.settings), limits, seed, versions(), code(planned.audit.path)]
    _add(hashed, [*decides, tables, *further], parts)
    return hashed.hexdigest()


def read(root: Path, planned: PlannedAudit, key: str) -> Result | None:
    """The stored result of an audit; None if there is none, or if a single bit of it has changed."""
    content = files.read_sealed(_path(root, planned, key))
    return None if content is None else Result.model_validate_json(content)


def keep(root: Path, planned: PlannedAudit, key: str, result: Result) -> None:
    """Stores a result; if the store cannot be written, nothing happens."""
    dated = {DATE: result.provenance[DATE]} if DATE in result.provenance else {}
    content = result.model_copy(update={"model": {}, "data": {}, "provenance": dated}).to_json()
    files.write_sealed(_path(root, planned, key), content)


def read_doubts(root: Path, planned: PlannedAudit, key: str) -> list[FindingKey] | None:
    """The stored list of an audit's verdicts that another number format could change; None without one."""
    content = files.read_sealed(_path(root, planned, key))
    return None if content is None else [FindingKey(*each) for each in json.loads(content)]


def keep_doubts(root: Path, planned: PlannedAudit, key: str, doubts: Sequence[FindingKey]) -> None:
    """Stores the list that `read_doubts` reads."""
    content = json.dumps([[each.name, each.target, each.slice] for each in doubts])
    files.write_sealed(_path(root, planned, key), content)


def can_be_kept(planned: PlannedAudit) -> bool:
    """Whether an audit is one of sertools' own, which only read their tables."""
    return planned.audit.path.is_relative_to(embedded_folder())


@functools.cache
def code(audit: Path) -> str:
    """A fingerprint of the files of an audit and of all packages that it may use.

    Args:
        audit: the file of the audit, or `__init__.py` of its folder
    """
    ours = Path(files.__file__).parent
    own = audit.parent if audit.stem == "__init__" else audit
    return of_files([own, *sorted(ours.glob("*.py")), *(ours / name for name in PACKAGES)])


def of_files(places: Iterable[Path]) -> str:
    """A fingerprint of the names and contents of files, and of all files in folders."""
    hashed = hashlib.blake2b(digest_size=20)
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                name, content = path.relative_to(place.parent).as_posix().encode(), path.read_bytes()
                hashed.update(f"{len(name)} {len(content)}\0".encode() + name + content)
    return hashed.hexdigest()


@functools.cache
def versions() -> tuple[str, ...]:
    """The machine, and the versions of Python and of the libraries that compute."""
    found = [platform.machine(), platform.python_version()]
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return tuple(found)


def _path(root: Path, planned: PlannedAudit, key: str) -> Path:
    return root / RESULTS / f"{planned.name}-{key}.json"


def _add(hashed: _Hash, value: Any, parts: Parts) -> None:
    """Adds a value to a fingerprint, together with its kind and its size, so that no two values are alike."""
    if isinstance(value, pd.DataFrame) or (isinstance(value, np.ndarray) and value.dtype != object):
        hashed.update(b"part " + parts.of(value))
    elif is_dataclass(value) and not isinstance(value, type):
        _add(hashed, {each.name: getattr(value, each.name) for each in fields(value) if each.compare}, parts)
    elif isinstance(value, Mapping):
        _add(hashed, [each for pair in value.items() for each in pair], parts)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        hashed.update(f"list {len(value)}\0".encode())
        for each in value:
            _add(hashed, each, parts)
    elif isinstance(value, bytes):
        hashed.update(f"bytes {len(value)}\0".encode() + value)
    elif value is None or isinstance(value, str | int | float | np.generic | Path):
        text = f"{type(value).__name__} {value!r}".encode("utf-8", "backslashreplace")
        hashed.update(f"{len(text)} ".encode() + text)
    else:
        raise TypeError(f"a {type(value).__name__} has no fingerprint")


def _add_part(hashed: _Hash, value: "pd.DataFrame | NDArray[Any]") -> None:
    """The same for the content of a data frame or an array."""
    if isinstance(value, np.ndarray):
        hashed.update(f"array {value.dtype.str} {value.shape}\0".encode())
        hashed.update(np.ascontiguousarray(value).view(np.uint8).reshape(-1).data)
        return
    about = ["frame", *map(str, value.columns), *map(str, value.dtypes), *map(str, value.index.names)]
    hashed.update(json.dumps(about).encode())
    for column in (value.index.to_series(), *(value.iloc[:, i] for i in range(value.shape[1]))):
        if isinstance(column.dtype, np.dtype) and column.dtype != object:
            _add_part(hashed, column.to_numpy())
        else:
            # kinds matter: the text 1 is not the number 1
            hashed.update(json.dumps([[type(each).__name__, str(each)] for each in column]).encode() + b"\0")
