"""What the terminal says while audits run."""

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.results.read import read_results


def audit(folder, *options):
    given = [
        "audit",
        "correctness",
        "--model",
        f"predictions:{folder / 'p.csv'}",
        "--data",
        str(folder / "c.csv"),
    ]
    where = ["--out", str(folder / "out"), "--cache", str(folder / "cache"), "--audio", "none"]
    return CliRunner().invoke(app, [*given, *where, *options])


@pytest.fixture
def ratings(tmp_path):
    """Truth in 0 … 1, and the same as predictions in 1 … 7."""
    truth = [i / 29 for i in range(30)]
    rows = "".join(f"{i}.wav,s{i % 6},{value}\n" for i, value in enumerate(truth))
    (tmp_path / "c.csv").write_text(f"file,speaker,arousal\n{rows}")
    rows = "".join(f"{i}.wav,{1 + 6 * value}\n" for i, value in enumerate(truth))
    (tmp_path / "p.csv").write_text(f"file,arousal\n{rows}")
    return tmp_path


def test_predictions_far_outside_the_scale_are_named_with_the_option_to_use(ratings):
    result = audit(ratings)
    said = " ".join(result.stderr.split())
    assert "Predictions of arousal range from 1 to 7, but ratings are in [0, 1]" in said
    assert said.count("--model-scale 1:7") == 1
    assert "--model-scale" not in audit(ratings, "--quiet").stderr


def test_the_scale_of_the_model_makes_its_ratings_comparable(ratings):
    result = audit(ratings, "--model-scale", "1:7")
    assert "--model-scale" not in result.stderr
    assert "CCC 1.00" in " ".join(result.output.split())
    named = audit(ratings, "--model-scale", "arousal=1:7")
    assert "CCC 1.00" in " ".join(named.output.split())


def test_a_scale_of_the_model_that_is_no_range_is_one_sentence(ratings):
    for text, said in [("7", "is not of the form 1:7"), ("7:1", "the lower first")]:
        result = audit(ratings, "--model-scale", text)
        assert result.exit_code == 2
        assert "--model-scale" in result.stderr
        assert said in " ".join(result.stderr.split())


def test_doubts_about_who_speaks_are_warnings(ratings):
    clips = (ratings / "c.csv").read_text()
    (ratings / "c.csv").write_text(clips.replace(",s1,", ",S_1,", 2))
    result = audit(ratings)
    said = " ".join(result.stderr.split())
    assert "Warning: 1 speaker may be written in several ways: 'S_1' (2 clips) and 's1' (3 clips)" in said
    assert "Warning" not in audit(ratings, "--quiet").stderr


@pytest.mark.parametrize("switch", [[], ["--cca"], ["--no-cca"]], ids=str)
def test_probe_layers_also_runs_layer_acoustics_unless_it_is_switched_off(tmp_path, switch):
    rows = "".join(f"{i}.wav,s{i % 6},anger\n" for i in range(12))
    (tmp_path / "c.csv").write_text(f"file,speaker,emotion\n{rows}")
    words = ["probe-layers", "--model", "toy:oracle", "--data", str(tmp_path / "c.csv"), "--folds", "3"]
    words += ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"), "--allow-empty", *switch]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    results = {each.audit: each for each in read_results(tmp_path / "out")}
    assert set(results) == {"probe_layers"} | ({"layer_acoustics"} if switch != ["--no-cca"] else set())
    assert results["probe_layers"].options["folds"] == 3


def test_the_help_of_both_audits_of_layers_names_the_other():
    assert "layer-acoustics" in CliRunner().invoke(app, ["probe-layers", "--help"]).output
    assert "probe-layers" in CliRunner().invoke(app, ["layer-acoustics", "--help"]).output
