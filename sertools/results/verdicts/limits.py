"""Limits that users set in a TOML file, each with the reason for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, StringConstraints, ValidationError

from sertools.errors import GateError, nearest
from sertools.files import read_toml
from sertools.results.result import Limit


class Override(BaseModel):
    """A user's limit for one audit, with the reason; from `gate.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audit: str
    name: str
    target: str = "*"
    slice: str = "*"
    above: FiniteFloat | None = None
    below: FiniteFloat | None = None
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

    def limit(self, source: str) -> Limit:
        """The limit that replaces the audit's own."""
        return Limit(**self.model_dump(exclude={"audit"}), source=source)


class GateFile(BaseModel):
    """The content of `gate.toml`: a list of `[[limit]]` tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: list[Override] = []


def read_limits(path: Path) -> list[Override]:
    """Read the limits in a gate file.

    Raises:
        GateError: the file is missing or not valid TOML, or has an unknown key, no `why`, or an empty range
    """
    read = read_toml(path, error=GateError, what="the limits in")
    try:
        overrides = GateFile.model_validate(read).limit
        for override in overrides:
            override.limit(str(path))
    except ValidationError as error:
        problem, hint = _problem(error, read)
        raise GateError(f"{path}: {problem}", hint=hint) from error
    return overrides


def _problem(error: ValidationError, read: Mapping[str, Any]) -> tuple[str, str]:
    """The first problem in a gate file, in terms of the file's own keys, and a hint."""
    first = error.errors()[0]
    said, at = first["msg"].removeprefix("Value error, "), first["loc"]
    if len(at) < 3 or not isinstance(at[1], int):
        if first["type"] == "extra_forbidden":
            return f"unknown key {at[0]!r}", nearest(str(at[0]), ["limit"])
        return (f"{at[0]!r}: {said}", "each limit must begin with [[limit]]") if at else (said, "")
    key, limit = str(at[2]), read["limit"][at[1]]
    which = f"limit {at[1] + 1} ({', '.join(str(limit[k]) for k in ('audit', 'name') if k in limit)})"
    if first["type"] == "missing" or key == "why":
        return f"{which} has no {key!r}", "give the reason for this limit in 'why'" if key == "why" else ""
    if first["type"] == "extra_forbidden":
        return f"{which} has an unknown key {key!r}", nearest(key, [*Override.model_fields])
    return f"{which}: {key} is {limit[key]!r}: {said}", ""
