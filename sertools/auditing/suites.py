"""Named sets of audits with settings and limits, one TOML file each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sertools.auditing.audit import Audit, load
from sertools.auditing.discovery import discover, embedded_folder
from sertools.errors import AuditError, nearest
from sertools.files import read_toml
from sertools.results.limits import Override


class SuiteAudit(BaseModel):
    """One audit of a suite, with its settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    options: dict[str, Any] = {}


class Suite(BaseModel):
    """A named set of audits with settings and limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    description: str
    audit: list[SuiteAudit]
    limit: list[Override] = []


def suites() -> dict[str, Path]:
    """Suites included in sertools, name → file."""
    return {path.stem: path for path in sorted((embedded_folder() / "suites").glob("*.toml"))}


def read_suite(name: str) -> Suite:
    """Read a suite by name, or from a TOML file.

    Raises:
        AuditError: there is no suite with this name, or the file is not a valid suite
    """
    path = Path(name) if name.endswith(".toml") else suites().get(name)
    if path is None:
        raise AuditError(f"no suite named {name!r}", hint=nearest(name, list(suites())))
    try:
        return Suite.model_validate(read_toml(path, error=AuditError, what="the suite"))
    except ValidationError as error:
        first = error.errors()[0]
        raise AuditError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The selected audits with their options and limits.

    Attributes:
        audits: the audits, in the order in which they run
        options: audit → its options
        limits: limits that replace the audits' own
    """

    audits: list[Audit]
    options: dict[str, dict[str, Any]]
    limits: list[Override]


def choose(
    names: Sequence[str],
    suite: str | None,
    folders: Sequence[Path],
    *,
    options: Mapping[str, Any] | None = None,
    shared: Mapping[str, str] | None = None,
) -> Chosen:
    """The named audits, those of a suite, or all available audits.

    Args:
        names: names of audits; `-` and `_` are equivalent
        suite: name or TOML file of a suite
        folders: folders with the user's own audits
        options: options of the named audits
        shared: option → folder, for all audits that have this option; empty folders are ignored

    Raises:
        AuditError: both names and a suite are given, or one of them does not exist
    """
    if names and suite:
        raise AuditError("both audits and --suite are given", hint="give only one of them")
    limits: list[Override] = []
    if suite:
        read = read_suite(suite)
        limits = read.limit
        audits = [load(each.name, folders) for each in read.audit]
        settings = {each.name: dict(each.options) for each in read.audit}
    else:
        wanted = [name.replace("-", "_") for name in names] or discover(folders)
        audits = [load(name, folders) for name in dict.fromkeys(wanted)]
        settings = {each.name: dict(options or {}) for each in audits}
    for each in audits:
        known = each.options()
        settings[each.name] |= {o: folder for o, folder in (shared or {}).items() if folder and o in known}
    return Chosen(audits=audits, options=settings, limits=limits)
