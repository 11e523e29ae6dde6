"""Words on the command line that are easily misread: negative numbers, and options of other commands."""

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from sertools.audio.files import write_audio
from sertools.cli.app import app


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def clip(tmp_path):
    write_audio(tmp_path / "a.wav", np.full(4000, 0.25, dtype=np.float32), 16000)
    return tmp_path / "a.wav"


def test_a_negative_level_is_no_option(clip, tmp_path):
    done = run("perturb", "gain", "-6", clip, tmp_path / "o.wav", "--seed", "1")
    assert done.exit_code == 0, done.output
    quieter, _ = soundfile.read(tmp_path / "o.wav")
    assert np.abs(quieter).max() == pytest.approx(0.25 * 10 ** (-6 / 20), rel=1e-3)


@pytest.mark.parametrize("mistyped", [["--sed", "1"], ["--sed=1"], ["-x"]])
def test_a_mistyped_option_is_still_refused_beside_a_negative_level(mistyped, clip, tmp_path):
    done = run("perturb", "gain", "-6", clip, tmp_path / "o.wav", *mistyped)
    assert done.exit_code == 2
    assert mistyped[0] in done.output
    assert not (tmp_path / "o.wav").exists()


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_an_option_of_one_audit_names_its_command(command):
    done = run(command, "--perturbations", "gain", "--data", "voices")
    assert done.exit_code == 2
    assert "--perturbations is an option of single audits" in done.output
    assert "sertools robustness --perturbations" in " ".join(done.output.split())


def test_an_option_of_no_audit_is_unknown():
    done = run("audit", "--pertrubations", "gain")
    assert done.exit_code == 2
    assert "No such option: --pertrubations" in done.output
