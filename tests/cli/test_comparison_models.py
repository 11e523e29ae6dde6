"""`--against` and `--random-twin` on the command line: only where layers are looked at."""

import json

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from tests.helpers.checkpoints import write_checkpoint
from tests.helpers.small import write_noises
from tests.pipeline.test_collect import INSIDE


@pytest.fixture
def manifest(tmp_path):
    return write_noises(tmp_path / "data")


def called(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_another_model_and_a_twin_stand_beside_the_model_in_the_result(tmp_path, manifest):
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "inside.py").write_text(INSIDE)
    model, other = (write_checkpoint(tmp_path / name) for name in ("model", "other"))
    made = called(
        "audit", "inside", "--audits", tmp_path / "audits", "--model", model, "--against", other,
        "--data", manifest, "--cache", tmp_path / "cache", "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    result = json.loads((tmp_path / "out" / "inside.json").read_text())
    beside = {role: facts["name"] for role, facts in result["model"]["others"].items()}
    assert beside == {"against": "other", "random twin": "model random twin"}


def test_no_random_twin_leaves_it_out(tmp_path, manifest):
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "inside.py").write_text(INSIDE)
    model = write_checkpoint(tmp_path / "model")
    made = called(
        "audit", "inside", "--audits", tmp_path / "audits", "--model", model, "--no-random-twin",
        "--data", manifest, "--cache", tmp_path / "cache", "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "others" not in json.loads((tmp_path / "out" / "inside.json").read_text())["model"]


@pytest.mark.parametrize("option", [("--against", "default"), ("--random-twin",)])
def test_audits_that_look_at_no_layer_refuse_both(manifest, tmp_path, option):
    asked = ("--data", manifest, "--out", tmp_path / "out", *option)
    made = called("audit", "correctness", *asked)
    assert made.exit_code == 2
    assert (
        f"{option[0]} only applies to audits that read layers (probe-layers, embeddings, …), "
        "not to correctness" in made.output
    )
    assert called("correctness", *asked).exit_code == 2


def test_a_command_shows_them_only_where_layers_are_looked_at():
    assert "--against" in called("layer-acoustics", "--help").output
    assert "--against" not in called("correctness", "--help").output
