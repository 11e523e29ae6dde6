import json

import pytest
from typer.testing import CliRunner

from sertools.cli import app
from sertools.inspect import inspect_model
from sertools.model import load_model
from sertools.models.card import licence
from tests.checkpoints import SMALL, write_checkpoint


def values(spec):
    columns, rows = inspect_model(load_model(spec))
    assert columns == ["property", "value"]
    return dict(rows)


def test_a_checkpoint_is_described_by_its_own_files(tmp_path):
    from transformers import AutoModelForAudioClassification

    folder = write_checkpoint(tmp_path / "mine")
    (folder / "README.md").write_text("---\ntags: [a]\nlicense: cc-by-4.0\n---\n# Card\nlicense: wrong\n")
    found = values(str(folder))
    parameters = sum(p.numel() for p in AutoModelForAudioClassification.from_pretrained(folder).parameters())
    assert found["parameters"] == parameters
    assert found["memory of the parameters in MB"] == parameters * 4 / 1e6
    assert found["architecture"] == "Wav2Vec2ForSequenceClassification"
    assert found["labels"] == "angry, happy, neu, sad"
    assert found["layers"] == f"{SMALL['num_hidden_layers'] + 1} of {SMALL['hidden_size']} values"
    assert (found["head"], found["task"], found["sampling rate in Hz"]) == ("native", "single_label", 16000)
    assert found["shortest clip in samples"] == 400
    assert found["features"] == "every clip scaled to zero mean and unit variance"
    assert found["licence"] == "cc-by-4.0"
    assert found["seconds of sound per second"] > 0


def test_a_window_of_fixed_length_is_said(tmp_path):
    found = values(str(write_checkpoint(tmp_path, "whisper")))
    assert found["longest clip in samples"] == 30 * 16000


def test_what_hears_no_sound_has_no_rate_and_no_speed():
    found = values("toy:oracle")
    assert found["hears"] == "nothing: it answers by clip"
    unknown = ("sampling rate in Hz", "seconds of sound per second", "layers", "parameters", "licence")
    assert [found[name] for name in unknown] == [None] * 5


def test_what_a_toy_hears_is_measured():
    found = values("toy:loudness")
    assert found["layers"] == "1 of 1 values"
    assert found["parameters"] is None
    assert found["memory of the parameters in MB"] is None


@pytest.mark.parametrize(
    ("card", "found"),
    [
        ("---\nlicense: other\nlicense_name: our-own\n---\n", "our-own"),
        ("---\nlicense: 'mit'\n---\n", "mit"),
        ("---\ntags: []\n---\nlicense: mit\n", None),
        ("license: mit\n", None),
        ("", None),
    ],
)
def test_licence_is_what_the_card_states_in_its_head_and_nothing_else(tmp_path, card, found):
    (tmp_path / "README.md").write_text(card)
    assert licence(tmp_path) == found


def test_notes_of_a_function_are_shown_by_the_command(tmp_path):
    (tmp_path / "f.py").write_text("def f(signals, rate):\n    return [[0.5]] * len(signals)\n")
    spec = f"py:{tmp_path / 'f.py'}:f"
    made = CliRunner().invoke(app, ["model", "inspect", spec, "--labels", "arousal", "--format", "json"])
    assert made.exit_code == 0, made.output
    rows = [(row["property"], row["value"]) for row in json.loads(made.stdout)]
    assert ("labels", "arousal") in rows
    assert ("kind", "Python function") in rows
    assert any(name == "note" and "not what it imports" in value for name, value in rows)


def test_a_model_that_is_not_there_exits_with_2_and_one_sentence(tmp_path):
    made = CliRunner().invoke(app, ["model", "inspect", "defualt"])
    assert made.exit_code == 2
    assert "did you mean 'default'" in " ".join(made.output.split())
