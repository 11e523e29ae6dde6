"""Named sets of audits with settings and limits, one TOML file each."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sertools.discovery import embedded_folder
from sertools.errors import AuditError, nearest
from sertools.gate import Override


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
    """Suites that come with sertools, name → file."""
    return {path.stem: path for path in sorted((embedded_folder() / "suites").glob("*.toml"))}


def read_suite(name: str) -> Suite:
    """A suite by name, or from a TOML file.

    Raises:
        AuditError: there is none of that name, or the file is no suite
    """
    path = Path(name) if name.endswith(".toml") else suites().get(name)
    if path is None:
        raise AuditError(f"no suite named {name!r}", hint=nearest(name, list(suites())))
    try:
        return Suite.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise AuditError(f"cannot read the suite {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuditError(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise AuditError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
