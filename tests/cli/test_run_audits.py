"""What the terminal says while audits run."""

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app


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
