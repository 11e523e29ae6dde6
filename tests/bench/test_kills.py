"""A few seeded kills; `python -m tests.bench.kills` tries hundreds."""

import subprocess
import sys

import pytest

from tests.helpers.places import ROOT


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs os.fork")
def test_after_a_kill_files_are_whole_or_absent_and_a_second_run_ends_the_same():
    words = ["--kills", "9", "--seed", "5", "perturb", "corpus split", "init"]
    # a process of its own, because a process with threads must not fork
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.kills", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stderr == ""
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert [name for name, *_ in rows] == ["perturb", "corpus split", "init", "all"]
    assert all(int(tried) >= int(killed) > 0 for _, tried, killed, *_ in rows)
    assert [rows[-1][2], rows[-1][4]] == ["9", "0"]
