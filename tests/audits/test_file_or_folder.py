"""An audit is one file, or one folder whose files import each other by their place in it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sertools.auditing.audit import load
from sertools.auditing.discovery import discover, embedded_folder, question
from sertools.cli.app import app
from sertools.errors import AuditError
from sertools.selftest import toy_corpus
from tests.helpers.audits import run
from tests.helpers.places import ROOT
from tests.helpers.small import write_noises

INIT = '''"""How many clips are there?

They are counted.
"""

from sertools.auditing.contract import Needs, Outcome
from sertools.results.result import Limit

from .counting import counted_clips

NEEDS = Needs(labels="none")
LIMITS = [Limit(name="clips", above=0.5, source="ours")]


def audit(tables, *, rng, times: int = 1):
    """One number.

    Args:
        times: how often each clip is counted
    """
    found = counted_clips(tables, times)
    return Outcome(answer=f"{found.value:.0f} clips.", findings=[found])


def plant(tables, rng):
    """No defect."""
    return tables
'''
SIBLING = '''"""Counts clips."""

from sertools.results.result import Finding


def counted_clips(tables, times):
    """The number of clips as a finding."""
    n = len(tables.clips)
    return Finding(name="clips", value=times * n + EXTRA, n=n, reason="counted")


EXTRA = 0
'''


def folder_of_audits(place: Path, extra: int = 0) -> Path:
    """A folder with one audit that is a folder: `counted/__init__.py` and its sibling `counting.py`."""
    audit = place / "audits" / "counted"
    audit.mkdir(parents=True)
    (audit / "__init__.py").write_text(INIT, encoding="utf-8")
    (audit / "counting.py").write_text(SIBLING.replace("EXTRA = 0", f"EXTRA = {extra}"), encoding="utf-8")
    return place / "audits"


@pytest.fixture(scope="module")
def tables():
    return toy_corpus.answers("oracle", toy_corpus.clips(speakers=6, per_speaker=2))


def test_a_folder_is_found_by_its_name_and_its_other_files_are_no_audits(tmp_path):
    folder = folder_of_audits(tmp_path)
    found = discover([folder])
    assert found["counted"] == folder / "counted" / "__init__.py"
    assert "counting" not in found
    assert question(found["counted"]) == "How many clips are there?"


def test_both_kinds_of_audit_are_included():
    found = discover()
    files = {path.stem for path in embedded_folder().glob("[a-z]*.py")}
    folders = {path.parent.name for path in embedded_folder().glob("[a-z]*/__init__.py")}
    assert set(found) == files | folders
    assert "leakage" in files
    assert {"fairness", "robustness"} <= folders


def test_a_folder_imports_its_sibling(tmp_path, tables):
    audit = load("counted", [folder_of_audits(tmp_path)])
    assert list(audit.options()) == ["times"]
    assert run(audit, tables, seed=0, options={"times": 3}).findings[0].value == 36


def test_two_folders_of_one_name_use_their_own_siblings(tmp_path, tables):
    for extra in (1, 2):
        audit = load("counted", [folder_of_audits(tmp_path / str(extra), extra)])
        assert run(audit, tables, seed=0).findings[0].value == 12 + extra


def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path):
    folder = folder_of_audits(tmp_path)
    (folder / "counted.py").write_text(INIT, encoding="utf-8")
    with pytest.raises(AuditError, match="two audits are named 'counted'"):
        discover([folder])


@pytest.mark.parametrize("name", ["fairness", "leakage"])
def test_the_name_of_an_included_audit_is_refused(tmp_path, name):
    folder = folder_of_audits(tmp_path)
    (folder / "counted").rename(folder / name)
    with pytest.raises(AuditError, match=f"two audits are named '{name}'"):
        discover([folder])


def test_a_folder_without_its_sibling_is_an_error_that_names_it(tmp_path):
    folder = folder_of_audits(tmp_path)
    (folder / "counted" / "counting.py").unlink()
    with pytest.raises(AuditError, match="cannot be loaded: ModuleNotFoundError.*counting"):
        load("counted", [folder])


def test_a_folder_runs_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    manifest = write_noises(tmp_path / "c", 6)
    words = ["--audits", str(folder_of_audits(tmp_path)), "--data", str(manifest)]
    words += ["--model", "toy:loudness", "--out", str(tmp_path / "out"), "--quiet"]
    result = CliRunner().invoke(app, ["audit", "counted", *words])
    assert result.exit_code in {0, 1}, result.output
    written = json.loads((tmp_path / "out" / "counted.json").read_text(encoding="utf-8"))
    assert written["answer"] == "6 clips."


def test_both_kinds_are_listed():
    result = CliRunner().invoke(app, ["list", "audits", "--format", "json"])
    assert result.exit_code == 0, result.output
    listed = {row["audit"]: row["question"] for row in json.loads(result.stdout)}
    assert set(listed) == {name.replace("_", "-") for name in discover()}
    assert listed["leakage"].endswith("?")
    assert listed["fairness"].endswith("?")


def test_the_wheel_has_a_package_for_each_folder():
    from setuptools import find_packages

    folders = {path.parent.name for path in discover().values() if path.stem == "__init__"}
    assert folders <= set(find_packages(str(ROOT / "audits")))


@pytest.mark.parametrize(
    ("name", "source"), [("leakage", "audits/leakage.py"), ("fairness", "audits/fairness")]
)
def test_the_page_of_an_audit_links_its_file_or_its_folder(monkeypatch, name, source):
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import hooks

    assert f"/{source})" in hooks.audit_page(name)
    assert (ROOT / source).exists()
