"""The entry point: what nobody foresaw has an exit code of its own."""

import subprocess
import sys


def test_a_fault_of_our_own_is_no_failed_limit(tmp_path):
    (tmp_path / "ends.py").write_text(
        "from sertools.cli import app as cli\n"
        "@cli.app.command('stumble')\n"
        "def stumble():\n"
        "    return {}['nothing']\n"
        "cli.main()\n"
    )

    def stumbled(*words):
        return subprocess.run(
            [sys.executable, "ends.py", *words, "stumble"], cwd=tmp_path, capture_output=True, text=True
        )

    quiet, loud = stumbled(), stumbled("--debug")
    assert (quiet.returncode, loud.returncode) == (4, 4)
    assert quiet.stdout == loud.stdout == ""
    error, hint = quiet.stderr.splitlines()
    assert error == "Error: sertools itself failed (ends.py, line 4): KeyError: 'nothing'"
    assert hint.startswith("Hint: finished work is saved")
    assert loud.stderr.startswith("Traceback")
