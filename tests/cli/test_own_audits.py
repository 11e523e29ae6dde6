"""Audits of the user that raise anything: one sentence, exit code 2, and the results of others are kept."""

import pytest
from typer.testing import CliRunner

import sertools
from sertools.cli.app import app
from sertools.errors import AuditError
from tests.helpers.places import ROOT
from tests.helpers.small import write_noises

EXAMPLE = (ROOT / "examples" / "my_audit.py").read_text(encoding="utf-8")
DEEDS = {
    "raise SystemExit(0)": "SystemExit: 0",
    "raise MemoryError": "MemoryError",
    "raise type('Own', (BaseException,), {})('stop')": "Own: stop",
    "raise type('Own', (Exception,), {'__str__': lambda self: 1 / 0})": "Own",
    "audit(tables, rng=rng)": "RecursionError: maximum recursion depth exceeded",
    "return Outcome(answer='', findings=[3])": "mine returned int among its findings, not a Finding",
    "return 3": "mine returned int, not an Outcome",
}


@pytest.fixture
def words(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = str(write_noises(tmp_path / "c", 4))
    (tmp_path / "own").mkdir()
    return ["--data", data, "--model", "toy:oracle", "--out", str(tmp_path / "out"),
            "--audits", str(tmp_path / "own")]  # fmt: skip


def write(tmp_path, deed: str) -> None:
    text = EXAMPLE.replace("    findings = []\n", f"    {deed}\n    findings = []\n", 1)
    assert text != EXAMPLE
    (tmp_path / "own" / "mine.py").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("deed", DEEDS)
def test_an_audit_that_fails_while_it_runs_leaves_the_results_of_the_others(tmp_path, words, deed):
    write(tmp_path, deed)
    done = CliRunner().invoke(app, ["audit", "mine", "correctness", *words])
    assert done.exit_code == 2, done.output
    error, hint = done.stderr.strip().splitlines()[-2:]
    assert error.startswith("Error: audit mine ")
    assert error.endswith(DEEDS[deed])
    assert hint == "Hint: the results of 1 other audit are kept"
    assert (tmp_path / "out" / "correctness.json").exists()
    assert (tmp_path / "out" / "report.html").exists()
    assert not (tmp_path / "out" / "mine.json").exists()


def test_older_results_of_an_audit_that_fails_now_are_set_aside(tmp_path, words):
    """Otherwise `sertools gate` would pass on what an earlier run has measured."""
    out = tmp_path / "out"
    (tmp_path / "own" / "mine.py").write_text(EXAMPLE, encoding="utf-8")
    assert CliRunner().invoke(app, ["audit", "mine", "correctness", *words]).exit_code in (0, 1)
    before = (out / "mine.json").read_bytes()
    write(tmp_path, "raise ValueError('broken')")
    done = CliRunner().invoke(app, ["audit", "mine", "correctness", *words])
    assert done.exit_code == 2
    assert "mine.json of an earlier run got the ending .outdated" in done.stderr
    assert not (out / "mine.json").exists()
    assert (out / "mine.json.outdated").read_bytes() == before
    assert "mine" not in CliRunner().invoke(app, ["gate", str(out), "--format", "json"]).stdout
    # alone: no page remains that shows the older result
    (out / "mine.json").write_bytes(before)
    with pytest.raises(AuditError, match="mine.json, report.html, report.md, report.json of an earlier run"):
        sertools.audit("toy:oracle", words[1], "mine", audit_folders=[tmp_path / "own"], out=out)
    assert not (out / "report.html").exists()
    assert (out / "correctness.json").exists()


def test_an_audit_that_fails_alone_writes_nothing(tmp_path, words):
    write(tmp_path, "raise SystemExit(0)")
    done = CliRunner().invoke(app, ["audit", "mine", *words])
    assert done.exit_code == 2
    assert not (tmp_path / "out" / "report.html").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def audit(", "raise SystemExit(0)\ndef audit(", "cannot be loaded: SystemExit: 0"),
        ('NEEDS = Needs(labels="dimensions")', "def needs(**options): 1 / 0", "planned: ZeroDivisionError"),
        ('NEEDS = Needs(labels="dimensions")', "def needs(**options): return 3", "needs() returned int, not"),
        ("def plant(", "plant = 3\ndef plants(", "plant is not a function"),
        ("skilled: bool", "skilled: Bool", "NameError: name 'Bool' is not defined"),
        ("import numpy as np", "raise type('Own', (BaseException,), {})", "cannot be loaded: Own"),
    ],
)  # fmt: skip
def test_an_audit_that_cannot_be_loaded_is_named_before_anything_is_computed(tmp_path, words, old, new, said):
    assert old in EXAMPLE
    (tmp_path / "own" / "mine.py").write_text(EXAMPLE.replace(old, new), encoding="utf-8")
    done = CliRunner().invoke(app, ["audit", "mine", "correctness", *words])
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", "")
    assert not (tmp_path / "out" / "correctness.json").exists()


def test_the_error_in_python_has_the_results_of_the_other_audits(tmp_path, words):
    write(tmp_path, "raise KeyError('a')")
    with pytest.raises(AuditError, match=r"mine failed .*: KeyError: 'a'") as failed:
        sertools.audit(
            "toy:oracle", words[1], "mine", "correctness",
            audit_folders=[tmp_path / "own"], out=tmp_path / "out",
        )  # fmt: skip
    assert [result.audit for result in failed.value.results] == ["correctness"]
    assert (tmp_path / "out" / "correctness.json").exists()


def test_a_fault_of_our_own_in_an_audit_leaves_the_results_of_the_others(tmp_path, words, monkeypatch):
    write(tmp_path, "raise KeyError('a')")
    # as if it were one of sertools
    monkeypatch.setattr("sertools.auditing.audit.PlannedAudit.is_of_user", False)
    done = CliRunner().invoke(app, ["audit", "mine", "correctness", *words])
    assert isinstance(done.exception, KeyError)
    assert (tmp_path / "out" / "correctness.json").exists()
