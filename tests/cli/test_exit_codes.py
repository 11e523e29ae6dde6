"""The entry point: an unexpected error has an exit code of its own."""

import subprocess
import sys

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
