"""Runs the audit `speakers` on tables, and finds what it says."""

from sertools.auditing.audit import load
from tests.helpers.audits import run

SPEAKERS = load("speakers")


def result(tables, **options):
    return run(SPEAKERS, tables, seed=0, options={"draws": 200, **options})


def found(result, name, target="arousal"):
    (finding,) = [f for f in result.findings if (f.name, f.target) == (name, target)]
    return finding


def rows(result):
    columns = result.tables[0].columns
    return {(row[0], row[1]): dict(zip(columns, row, strict=True)) for row in result.tables[0].rows}
