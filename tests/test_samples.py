"""The reports in reports/ match what this version writes; figures may look different, content may not."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.comparison import pages as comparison_pages
from sertools.comparison.compare import compare
from sertools.comparison.write import read_runs
from sertools.results.read import read_result, read_results
from sertools.results.result import Finding, Result
from tests.helpers.places import ROOT

REPORTS = ROOT / "reports"
SAMPLE, COMPARISON = REPORTS / "sample", REPORTS / "comparison"

NEAR = 2e-3
"""Tolerance of values: rounding on other processors and library versions changes scores by less."""


def assert_same(found: list[Finding], wanted: list[Finding], message: str) -> None:
    """Requires the same findings with the same verdicts, and values that differ by no more than rounding."""
    assert [(f.name, f.target, f.slice, f.n, f.speakers, f.verdict) for f in found] == [
        (f.name, f.target, f.slice, f.n, f.speakers, f.verdict) for f in wanted
    ], message
    for one, other in zip(found, wanted, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx(
            (other.value, other.low, other.high), abs=NEAR
        ), (message, one.name, one.target, one.slice)


def audited(folder: Path, *words: str) -> Path:
    done = CliRunner().invoke(app, ["audit", "--quiet", "--out", str(folder), *words])
    assert done.exit_code in {0, 1}, done.stderr
    return folder


def shape(result: Result) -> list:
    """What a report shows in addition to its findings."""
    return [
        result.question,
        result.method,
        [(table.name, table.title, table.columns, len(table.rows)) for table in result.tables],
        [(figure.name, figure.kind, figure.title, figure.alt) for figure in result.figures],
    ]


@pytest.mark.slow
def test_the_sample_is_what_an_audit_without_arguments_writes(embedded_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(embedded_cache))
    today = read_results(audited(tmp_path / "sample", "--precision", "fp32"))
    committed = read_results(SAMPLE)
    assert [r.audit for r in today] == [r.audit for r in committed], "make sample"
    for now, then in zip(today, committed, strict=True):
        assert shape(now) == shape(then), f"{now.audit}: make sample"
        assert_same(now.findings, then.findings, f"{now.audit}: make sample")


@pytest.mark.slow
def test_the_comparison_is_what_the_command_writes(embedded_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(embedded_cache))
    other = audited(tmp_path / "toy-loudness", "--suite", "quick", "--model", "toy:loudness")
    today = compare(read_runs([SAMPLE, other]))
    committed = read_result(COMPARISON / "compare.json")
    assert today.answer == committed.answer, "make comparison"
    assert shape(today) == shape(committed), "make comparison"
    assert_same(today.findings, committed.findings, "make comparison")


def test_the_pages_of_the_comparison_follow_from_its_result():
    committed = read_result(COMPARISON / "compare.json")
    files = [f"figures/compare-{i + 1}.svg" for i in range(len(committed.figures))]
    assert (COMPARISON / "compare.md").read_text(encoding="utf-8") == comparison_pages.page(committed, files)
    assert all((COMPARISON / file).is_file() for file in files)
    assert len(list((COMPARISON / "figures").iterdir())) == len(files)
