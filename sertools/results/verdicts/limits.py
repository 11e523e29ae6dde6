"""Limits that users set in a TOML file, each with the reason for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat, StringConstraints, ValidationError

from sertools.errors import GateError, nearest
from sertools.files import read_toml
from sertools.results.result import Limit


class Rule(BaseModel):
    """The findings that a rule of a user applies to, with the reason; patterns may contain * and ?."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audit: str
    name: str
    target: str = "*"
    slice: str = "*"
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Override(Rule):
    """A user's limit for one audit, with the reason; from `gate.toml`."""

    above: FiniteFloat | None = None
    below: FiniteFloat | None = None

    def limit(self, source: str) -> Limit:
        """The limit that replaces the audit's own."""
        return Limit(**self.model_dump(exclude={"audit"}), source=source)


class Ignore(Rule):
    """Findings that a user does not want to be judged, with the reason; from `gate.toml`."""


class GateFile(BaseModel):
    """The content of `gate.toml`: `[[limit]]` and `[[ignore]]` tables, and whether audits' own limits count.

    Attributes:
        builtin: `none` for only the limits of the file
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    builtin: Literal["keep", "none"] = "keep"
    limit: list[Override] = []
    ignore: list[Ignore] = []

    @property
    def rules(self) -> list[Rule]:
        """Limits and findings to ignore."""
        return [*self.limit, *self.ignore]


def read_gate(path: Path) -> GateFile:
    """Read a gate file.

    Raises:
        GateError: the file is missing or not valid TOML, or has an unknown key, no `why`, or an empty range
    """
    read = read_toml(path, error=GateError, what="the limits in")
    try:
        file = GateFile.model_validate(read)
        for override in file.limit:
            override.limit(str(path))
    except ValidationError as error:
        problem, hint = _problem(error, read)
        raise GateError(f"{path}: {problem}", hint=hint) from error
    return file


def read_limits(path: Path) -> list[Override]:
    """The limits in a gate file that does nothing but set limits.

    Raises:
        GateError: as `read_gate`, or the file ignores findings or leaves out the limits of the audits
    """
    file = read_gate(path)
    if file.ignore or file.builtin == "none":
        raise GateError(
            f"{path}: [[ignore]] and builtin only apply to sertools gate",
            hint="run the audits with their own limits, and judge the results with sertools gate --limits",
        )
    return file.limit


def _problem(error: ValidationError, read: Mapping[str, Any]) -> tuple[str, str]:
    """The first problem in a gate file, in terms of the file's own keys, and a hint."""
    first = error.errors()[0]
    said, at = first["msg"].removeprefix("Value error, "), first["loc"]
    if len(at) < 3 or not isinstance(at[1], int):
        if first["type"] == "extra_forbidden":
            return f"unknown key {at[0]!r}", nearest(str(at[0]), [*GateFile.model_fields])
        if at and at[0] == "builtin":
            hint = 'it must be "none" (only the limits of the file) or "keep"'
            return f"builtin is {read['builtin']!r}", hint
        hint = f"each {at[0]} must begin with [[{at[0]}]]" if at else ""
        return (f"{at[0]!r}: {said}", hint) if at else (said, "")
    kind, key, limit = str(at[0]), str(at[2]), read[str(at[0])][at[1]]
    which = f"{kind} {at[1] + 1} ({', '.join(str(limit[k]) for k in ('audit', 'name') if k in limit)})"
    if first["type"] == "missing" or key == "why":
        return f"{which} has no {key!r}", f"give the reason for this {kind} in 'why'" if key == "why" else ""
    if first["type"] == "extra_forbidden":
        known = (Override if kind == "limit" else Ignore).model_fields
        return f"{which} has an unknown key {key!r}", nearest(key, [*known])
    return f"{which}: {key} is {limit[key]!r}: {said}", ""
