"""The entry point: an unexpected error has an exit code of its own."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app

STUMBLES = """\
def stumble() -> None:
    '''Fail unexpectedly.'''
    return {}["nothing"]
"""
ENDS = """\
from sertools.cli import app, commands

commands.__path__.append("more")
app.main()
"""


def test_a_fault_of_our_own_is_no_failed_limit(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "stumble.py").write_text(STUMBLES)
    (tmp_path / "ends.py").write_text(ENDS)

    def stumbled(*words):
        return subprocess.run(
            [sys.executable, "ends.py", *words, "stumble"], cwd=tmp_path, capture_output=True, text=True
        )

    quiet, loud = stumbled(), stumbled("--debug")
    assert (quiet.returncode, loud.returncode) == (4, 4)
    assert quiet.stdout == loud.stdout == ""
    error, hint = quiet.stderr.splitlines()
    assert error == "Error: sertools itself failed (stumble.py, line 3): KeyError: 'nothing'"
    assert hint.startswith("Hint: finished work is saved")
    assert loud.stderr.startswith("Traceback")


@pytest.mark.parametrize("text", ["sys.exit(0)", "sys.exit()", "raise SystemExit(1)"])
def test_a_library_that_ends_the_program_is_no_verdict(tmp_path, text):
    (tmp_path / "more").mkdir()
    body = STUMBLES.replace('return {}["nothing"]', text).replace("def ", "import sys\ndef ", 1)
    (tmp_path / "more" / "stumble.py").write_text(body)
    (tmp_path / "ends.py").write_text(ENDS)
    done = subprocess.run(
        [sys.executable, "ends.py", "stumble"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 4
    assert "a library ended the program with exit code" in done.stderr


@pytest.mark.parametrize(
    "text",
    ["import sys\nsys.exit(0)", "raise KeyError('a')", "1 / 0", "def f(): f()\nf()", "LIMITS = 3\nNEEDS = 1"],
)
def test_an_audit_of_the_user_that_fails_at_import_is_bad_input(tmp_path, text):
    (tmp_path / "mine.py").write_text(
        f'"""Is it?"""\ndef audit(tables, *, rng): ...\ndef plant(a, b): ...\n{text}\n'
    )
    words = ["audit", "mine", "--audits", str(tmp_path), "--model", "toy:oracle"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2, done.output
    assert str(tmp_path / "mine.py") in done.stderr.replace("\n", "")
