"""Streams that are closed, full or cut off, Ctrl-C at any moment, and what must never reach a terminal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sertools.cli import console
from sertools.cli.app import app
from tests.helpers.small import write_noises

SERTOOLS = f"{sys.executable} -m sertools"
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


@pytest.mark.parametrize("words", ["list suites", "list suites --format json", "--help", "audit --help"])
def test_a_reader_that_goes_away_ends_the_program_quietly(words):
    done = shell(f"{SERTOOLS} {words} | true")
    assert (done.returncode, done.stderr) in {(141, ""), (0, "")}


def test_closed_output_is_no_failure():
    assert (shell(f"{SERTOOLS} list suites >&-").returncode, shell(f"{SERTOOLS} --help >&-").returncode) == (
        0,
        0,
    )


@FULL
@pytest.mark.parametrize("words", ["list suites", "--help"])
def test_output_that_is_full_is_one_sentence(words):
    done = shell(f"{SERTOOLS} {words} > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "Error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("place", ["&-", pytest.param("/dev/full", marks=FULL)])
def test_bad_input_stays_bad_input_without_a_place_for_messages(place):
    assert shell(f"{SERTOOLS} model inspekt 2>{place}").returncode == 2


def test_bad_input_stays_bad_input_if_nobody_reads_messages():
    assert shell(f"({SERTOOLS} model inspekt || echo $? >&3) 2>&1 3>&2 | true").stderr in {"2\n", ""}


def test_the_c_locale_gets_ascii():
    done = shell(f"{SERTOOLS} list suites", LC_ALL="C")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert done.stdout.splitlines()[1].strip("- ") == ""
    assert not shell(f"{SERTOOLS} list suites", LC_ALL="C.UTF-8").stdout.isascii()


@pytest.mark.parametrize("words", ["--help", "gate --help", "audit --help", "model inspekt"])
def test_help_and_messages_are_ascii_in_the_c_locale_too(words):
    done = shell(f"{SERTOOLS} {words}", LC_ALL="C")
    assert (done.stdout + done.stderr).isascii()


@pytest.mark.slow  # three processes
def test_ctrl_c_at_any_moment_is_130_and_no_traceback(tmp_path):
    manifest = write_noises(tmp_path / "c", 12, samples=16000)
    words = [sys.executable, "-m", "sertools", "audit", "correctness", "--data", manifest]
    words += ["--out", tmp_path / "o", "--cache"]
    words += [tmp_path / "s"]
    for delay_s in (0.3, 1.0, 2.0):
        running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(delay_s)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
        # before Python has its handler the signal itself ends the process; afterwards it may be done
        assert running.returncode in {130, -signal.SIGINT, 0, 1}, (delay_s, err)
        assert running.returncode != 130 or "Traceback" not in err, (delay_s, err)


def test_ctrl_c_within_a_finaliser_ends_the_program_too():
    code = """
import time
from sertools.cli.interrupts import repeat_lost

class Fragile:
    def __del__(self):
        raise KeyboardInterrupt

repeat_lost()
try:
    Fragile()
    time.sleep(60)
except KeyboardInterrupt:
    print("ended")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("ended\n", "")


IMPORTING = """
import os, signal, sys
from sertools.__main__ import start

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "sertools.cli.streams":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Impatient())
sys.argv = ["sertools", "--version"]
start()
"""

ENDING = """
import atexit, os, signal, sys
from sertools.__main__ import start

signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["sertools", "--version"]
start()
"""


@pytest.mark.parametrize(("code", "said"), [(IMPORTING, ""), (ENDING, "sertools 0.1.0\n")])
def test_ctrl_c_before_and_after_a_command_is_130_too(code, said):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (130, said, "")


HOSTILE = [
    "::error::green",
    "\x1b[2J\x1b[31mred",
    "a\n::set-env name=X::y",
    "##vso[task.complete]",
    "##[error]x",
    " ::stop-commands::a",
]


def harmless(text: str) -> bool:
    starts = [line.lstrip() for line in text.splitlines()]
    return (
        "\x1b" not in text
        and "##[" not in text
        and "##vso[" not in text
        and not any(line.startswith("::") for line in starts)
    )


def test_what_data_say_is_no_command_to_a_terminal_or_a_runner(tmp_path):
    rows = "".join(f'"{text}.wav","{text}",s{i}\n' for i, text in enumerate(HOSTILE))
    (tmp_path / "m.csv").write_text(f"file,clip,speaker\n{rows}")
    done = CliRunner().invoke(app, ["corpus", "check", str(tmp_path / "m.csv")])
    assert done.exit_code == 2
    assert "cannot be read" in done.stdout
    assert harmless(done.stdout)
    words = ["corpus", "split", str(tmp_path / "m.csv"), "--out", str(tmp_path / "o")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert harmless(done.stdout + done.stderr)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_way_of_printing_lets_a_command_through(text, capsys):
    console.lines([text])
    console.message(text)
    console.warn(text)
    console.table(["a"], [[text]])
    console.table(["a"], [[text]], "csv")
    console.table(["a"], [[text]], "json")
    out, err = capsys.readouterr()
    assert harmless(out.replace('"a": "', '"a": "'))
    assert harmless(err)


def test_our_own_commands_do_reach_the_runner(capsys):
    console.workflow_command("::error title=a::b")
    assert capsys.readouterr().err == "::error title=a::b\n"


TWO_AUDITS = """
import sys
from sertools.cli.app import main
one, other, *words = sys.argv[1:]
for model in (one, other):
    sys.argv[1:] = [*words, "--model", model]
    try:
        main()
    except SystemExit as end:
        assert end.code in {None, 0, 1}, end.code
"""


@pytest.mark.slow  # two audits in a process of their own
def test_a_run_writes_nothing_beside_out_and_cache(tmp_path):
    onnx = pytest.importorskip("onnxruntime", reason="its telemetry is what is looked for")
    assert onnx
    from tests.helpers.onnx_networks import write_network

    write_noises(tmp_path / "c", 12, samples=8000)
    write_network(tmp_path / "m.onnx", metadata={"labels": "arousal,dominance,valence"})
    home, there = tmp_path / "home", tmp_path / "there"
    for folder in (home, there):
        folder.mkdir()
    before = set(tmp_path.rglob("*"))
    words = ["audit", "correctness", "--data", str(tmp_path / "c" / "clips.csv")]
    words += ["--out", str(there / "out"), "--cache", str(there / "cache")]
    done = subprocess.run(
        [sys.executable, "-c", TWO_AUDITS, f"onnx:{tmp_path / 'm.onnx'}", "default", *words],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert written
    assert [path for path in written if not path.is_relative_to(there)] == []
