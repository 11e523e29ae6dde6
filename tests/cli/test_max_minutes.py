"""`--max-minutes`: every command that decodes clips takes it; a longer clip is missing with the reason."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from sertools.audio.files import write_audio
from sertools.cli.app import app
from tests.helpers.small import RATE, write_noises

SAID = "000.wav: 0.07 minutes or more, longer than the limit of 0.05 minutes"


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write_noises(tmp_path / "c", 6)
    write_audio(path.parent / "000.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE), RATE)
    return path


def test_a_longer_clip_is_missing_in_an_audit_whose_provenance_has_the_limit(tmp_path, data):
    out = tmp_path / "out"
    words = ["audit", "correctness", "--data", str(data), "--model", "toy:loudness", "--out", str(out)]
    for limit, missing in ((["--max-minutes", "0.05"], 1), ([], 0)):
        done = CliRunner().invoke(app, [*words, *limit])
        assert done.exit_code in {0, 1}, done.output
        found = json.loads((out / "correctness.json").read_text())
        assert [row["clip"] for row in found["missing"]] == ["clip 000"] * missing
        assert all(row["reason"].startswith(SAID) for row in found["missing"])
        assert found["provenance"]["max_minutes"] == (0.05 if limit else 60)


def test_a_longer_clip_has_no_prediction(tmp_path, data):
    words = ["--data", str(data), "--model", "toy:loudness", "--csv", str(tmp_path / "p.csv")]
    done = CliRunner().invoke(app, ["predict", *words, "--max-minutes", "0.05"])
    assert done.exit_code == 0, done.output
    assert f"missing: clip 000: {SAID}" in done.stderr
    first, second = (tmp_path / "p.csv").read_text().splitlines()[1:3]
    assert first == "clip 000,000.wav,,,"
    assert second.count(",,") == 0


def test_a_longer_clip_cannot_be_read_by_corpus_check(data):
    done = CliRunner().invoke(app, ["corpus", "check", str(data), "--max-minutes", "0.05"])
    assert done.exit_code == 1
    assert f"clip 000: {SAID}" in done.stdout


def test_a_longer_file_is_not_perturbed(tmp_path, data):
    words = [str(data.parent / "000.wav"), str(tmp_path / "a.wav"), "--max-minutes", "0.05"]
    done = CliRunner().invoke(app, ["perturb", "gain", "1", *words])
    assert done.exit_code == 2
    assert SAID in done.stderr
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("limit", ["nan", "inf", "0", "-1"])
def test_a_limit_that_is_none_is_refused(data, limit):
    done = CliRunner().invoke(app, ["corpus", "check", str(data), f"--max-minutes={limit}"])
    assert done.exit_code == 2
    assert "--max-minutes" in done.stderr
