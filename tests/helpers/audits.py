"""Runs an audit on tables in one call, as most tests of audits do."""

from collections.abc import Mapping, Sequence
from typing import Any

from sertools.auditing import run as audit_run
from sertools.auditing.audit import Audit
from sertools.results.result import Limit, Result
from sertools.tables.tables import Tables


def run(
    audit: Audit,
    tables: Tables,
    *,
    options: Mapping[str, Any] | None = None,
    limits: Sequence[Limit] = (),
    **settings: Any,
) -> Result:
    """The result of an audit with these options, and with limits that replace its own."""
    return audit_run.run(audit.plan(options, limits), tables, **settings)
