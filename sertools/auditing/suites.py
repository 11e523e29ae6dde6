"""Named sets of audits with settings and limits, one TOML file each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sertools.auditing.audit import PlannedAudit, load
from sertools.auditing.discovery import discover, embedded_folder
from sertools.errors import AuditError, nearest
from sertools.files import read_toml
from sertools.results.verdicts.limits import Override


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


def choose(
    names: Sequence[str],
    suite: str | None,
    folders: Sequence[Path],
    *,
    options: Mapping[str, Any] | None = None,
    shared: Mapping[str, str] | None = None,
) -> list[PlannedAudit]:
    """The named audits, those of a suite with its options and limits, or all that run without being named.

    Args:
        names: names of audits; `-` and `_` are equivalent
        suite: name or TOML file of a suite
        folders: folders with the user's own audits
        options: options of the first named audit
        shared: option → folder, for all audits that have this option; empty folders are ignored

    Raises:
        AuditError: both names and a suite are given, or one of them does not exist, or an invalid option
    """
    if names and suite:
        raise AuditError("both audits and --suite are given", hint="give only one of them")
    limits: list[Override] = []
    if suite:
        read = read_suite(suite)
        limits = read.limit
        wanted = [(load(each.name, folders), each.options) for each in read.audit]
    else:
        chosen = list(dict.fromkeys(name.replace("-", "_") for name in names or discover(folders)))
        loaded = [load(name, folders) for name in chosen]
        wanted = [
            (audit, dict(options or {}) if audit is loaded[0] else {})
            for audit in loaded
            if names or not audit.on_request
        ]
    planned = []
    for audit, given in wanted:
        known = audit.options()
        common = {name: folder for name, folder in (shared or {}).items() if folder and name in known}
        own = [limit.limit(limit.why) for limit in limits if limit.audit == audit.name]
        planned.append(audit.plan({**given, **common}, own))
    return planned
