"""Options in sertools.toml: whose they are, what overrides them, what is refused."""

import json
import subprocess
import sys

import pytest

from sertools.cli.project import PROJECT, complete
from sertools.errors import SertoolsError
from tests.helpers.places import ROOT
from tests.helpers.small import write_noises


def completed(tmp_path, text, *words):
    (tmp_path / PROJECT).write_text(text)
    return complete(words, tmp_path).words


def test_without_the_file_the_words_are_left_alone(tmp_path):
    assert complete(["audit", "--model", "x"], tmp_path) == (["audit", "--model", "x"], [])


def test_an_option_at_the_top_is_for_every_command_that_has_it(tmp_path):
    text = 'model = "m"\ndata = ["a.csv", "b.csv"]\nscale = ["1:7"]\n'
    options = ["--model", "m", "--data", "a.csv", "--data", "b.csv", "--scale", "1:7"]
    assert completed(tmp_path, text, "audit", "fairness") == ["audit", *options, "fairness"]
    assert completed(tmp_path, text, "fairness") == ["fairness", *options]
    assert completed(tmp_path, text, "corpus", "check", "a.csv") == [
        "corpus",
        "check",
        "--scale",
        "1:7",
        "a.csv",
    ]
    assert completed(tmp_path, text, "list", "models") == ["list", "models"]


def test_an_option_on_the_command_line_replaces_the_one_in_the_file(tmp_path):
    text = 'model = "m"\nquiet = true\n'
    assert completed(tmp_path, text, "predict", "--model", "n") == ["predict", "--quiet", "--model", "n"]
    assert completed(tmp_path, text, "predict", "--model=n") == ["predict", "--quiet", "--model=n"]
    assert completed(tmp_path, "random-twin = true", "audit", "--no-random-twin") == [
        "audit",
        "--no-random-twin",
    ]


def test_a_table_is_for_one_command_and_wins(tmp_path):
    text = 'data = ["a.csv"]\n[fairness]\ngroup = ["sex", "age"]\ndata = ["b.csv"]\n'
    text += '["corpus check"]\nscale = ["-1:1"]\n'
    assert completed(tmp_path, text, "fairness") == [
        "fairness", "--data", "b.csv", "--group", "sex", "--group", "age",
    ]  # fmt: skip
    assert completed(tmp_path, text, "speakers") == ["speakers", "--data", "a.csv"]
    assert completed(tmp_path, text, "corpus", "check", "x") == ["corpus", "check", "--scale=-1:1", "x"]


def test_what_is_switched_off_is_said_with_its_own_flag(tmp_path):
    assert completed(tmp_path, "random-twin = false", "audit") == ["audit", "--no-random-twin"]
    assert completed(tmp_path, "quiet = false", "audit") == ["audit"]


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["corpus"], ["adit"], ["--debug"]])
def test_without_a_command_nothing_is_added(tmp_path, words):
    assert completed(tmp_path, 'model = "m"', *words) == words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('moddel = "m"', "no command has an option 'moddel'"),
        ('group = ["sex"]', "no command has an option 'group'"),
        ("[farness]\ngroup = 1", "no command named 'farness'"),
        ("[speakers]\ngroup = 1", "sertools speakers has no option 'group'"),
        ("data = [[1]]", "data is"),
        ("scale = 2026-01-01", "scale is"),
        ("model = ", "toml"),
        ("trust-remote-code = true", "lets code run"),
        ('audits = ["mine"]', "lets code run"),
        ('model = "py:m.py:f"', "lets code run"),
        ('[speakers]\nmodel = "py:m.py:f"', "lets code run"),
    ],
)
def test_what_no_option_can_be_is_refused(tmp_path, text, said):
    with pytest.raises(SertoolsError, match=said):
        completed(tmp_path, text, "speakers")


def test_a_run_says_what_it_took_and_records_it(tmp_path):
    write_noises(tmp_path / "c", 12)
    (tmp_path / PROJECT).write_text('model = "toy:oracle"\ndata = ["c/clips.csv"]\naudio = "none"\n')
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = [sys.executable, "-m", "sertools", "correctness", "--out", "o"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=120)
    added = "--model toy:oracle --data c/clips.csv --audio none"
    assert done.stderr.splitlines()[0] == f"Options from sertools.toml: {added}"
    result = json.loads((tmp_path / "o" / "correctness.json").read_text())
    assert result["provenance"]["command"] == f"sertools correctness {added} --out o"
    (tmp_path / PROJECT).write_text('moddel = "toy:oracle"\n')
    failed = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=120)
    assert failed.returncode == 2
    assert failed.stderr.startswith("Error: sertools.toml: no command has an option 'moddel'\n")
    assert "did you mean 'model'?" in failed.stderr
