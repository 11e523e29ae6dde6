import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.models.checkpoints.hub.card import licence
from sertools.models.checkpoints.layouts import AUTHORS
from sertools.models.derived.windowed import Window
from sertools.models.describe import inspect_model
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import SMALL, write_audeering_checkpoint, write_checkpoint
from tests.helpers.onnx_networks import DIM, WIDTH, write_audonnx
from tests.helpers.templates import change, write_template


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
    assert (found["task"], found["sampling rate in Hz"]) == ("single_label", 16000)
    assert found["head"] == "native: the head of the transformers class named in config.json"
    assert found["pooling"] == "that of the transformers class"
    assert found["files read"] == "config.json, preprocessor_config.json, model.safetensors"
    assert found["checkpoint keys read"] == len(load_file(folder / "model.safetensors"))
    assert found["checkpoint keys not read"] == "none"
    assert found["numbers in the tests"].startswith("equal to the class of transformers on one clip")
    assert found["numbers of this checkpoint"] is None
    assert (found["precision"], bool(found["reason for the precision"])) == ("fp32", True)
    assert found["shortest clip in samples"] == 400
    assert found["features"] == "every clip scaled to zero mean and unit variance"
    assert found["licence"] == "cc-by-4.0"
    assert found["seconds of audio processed per second"] > 0


def test_what_was_not_read_is_named_and_counted(tmp_path):
    folder = write_template(tmp_path, {"classifier": (4, "out_proj")}, pooling_mode="max") and tmp_path
    every = len(load_file(folder / "model.safetensors"))
    change(folder, quantizer__codevectors=torch.zeros(2), project_q__weight=torch.zeros(2, 2))
    found = values(str(folder))
    assert found["checkpoint keys not read"] == "project_q.weight, quantizer.codevectors"
    assert found["checkpoint keys read"] == every
    assert found["pooling"] == "max over all frames"
    assert found["head"].startswith("dense-tanh-out: pooling → dense → tanh → out_proj")
    assert found["numbers in the tests"] == AUTHORS


def test_a_described_head_was_compared_with_nothing(tmp_path):
    write_template(tmp_path, {"top": (4, "output")})
    described = "pool=mean, dense=top.dense, act=tanh, out=top.output"
    _, rows = inspect_model(load_model(str(tmp_path), LoadOptions(head={"": described})))
    found = dict(rows)
    assert found["numbers in the tests"] is None
    assert (found["pooling"], found["checkpoint keys not read"]) == ("mean over all frames", "none")


def test_a_listed_checkpoint_is_said_not_to_be_tried_with_its_real_weights(tmp_path, monkeypatch):
    commit = "0123456789012345678901234567890123456789"
    place = tmp_path / "models--audeering--wav2vec2-large-robust-12-ft-emotion-msp-dim"
    write_audeering_checkpoint(place / "snapshots" / commit)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = values("audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim")
    assert found["numbers of this checkpoint"] == "not tried with the real weights"
    assert found["commit on the hub"] == commit
    assert found["numbers in the tests"] == AUTHORS


def test_windows_are_shown_with_the_facts_of_the_model_inside(tmp_path):
    window = Window(length_s=1.0, hop_s=0.5)
    _, rows = inspect_model(load_model(str(write_checkpoint(tmp_path)), LoadOptions(window=window)))
    found = dict(rows)
    assert found["windows"] == "mean of windows of 1 s every 0.5 s"
    assert found["files read"] == "config.json, preprocessor_config.json, model.safetensors"


def test_a_window_of_fixed_length_is_said(tmp_path):
    found = values(str(write_checkpoint(tmp_path, "whisper")))
    assert found["longest clip in samples"] == 30 * 16000


@pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")  # while AST is written
def test_features_are_those_of_the_extractor(tmp_path):
    whisper = values(str(write_checkpoint(tmp_path / "w", "whisper")))
    assert whisper["features"] == "log-mel, 80 bands, window 400, hop 160 samples"
    patches = values(str(write_checkpoint(tmp_path / "p", "audio-spectrogram-transformer")))
    assert patches["features"] == "log-mel, 128 bands"


def test_a_network_of_onnx_is_described_by_its_file_and_the_card_beside_it(tmp_path):
    write_audonnx(tmp_path)
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-nc-sa-4.0\n---\n")
    found = values(f"onnx:{tmp_path}")
    weights = DIM * WIDTH + 3 * DIM + 3  # convolution, and the linear layer with its bias
    assert found["parameters"] == weights
    assert found["memory of the parameters in MB"] == weights * 4 / 1e6
    assert (found["licence"], found["device"], found["precision"]) == ("cc-by-nc-sa-4.0", "cpu", "fp32")
    assert (found["features"], found["head"]) == ("raw signal", "output logits")
    assert set(found["files read"].split(", ")) >= {"model.onnx"}
    assert found["numbers in the tests"] == "equal to the exported network in torch, with random weights"
    assert found["checkpoint keys not read"] is None


def test_a_linear_estimator_is_described_by_what_was_fitted(tmp_path):
    skops = pytest.importorskip("skops.io", reason="it writes the estimator")
    pytest.importorskip("opensmile", reason="it computes the features")
    rng = np.random.default_rng(0)
    fitted = LogisticRegression().fit(rng.normal(size=(30, 88)), np.arange(30) % 3)
    skops.dump(make_pipeline(StandardScaler(), fitted).fit(rng.normal(size=(30, 88)), np.arange(30) % 3),
               tmp_path / "base.skops")  # fmt: skip
    found = values(f"sklearn:{tmp_path / 'base.skops'}")
    assert found["parameters"] == 3 * 88 + 3
    assert found["memory of the parameters in MB"] == (3 * 88 + 3) * 8 / 1e6
    assert (found["architecture"], found["layers"]) == ("LogisticRegression", "1 of 88 values")


def test_a_table_of_predictions_says_under_which_sound_it_answers(tmp_path):
    rows = "clip,condition,arousal\na,clean,0.5\na,gain@3dB,0.4\n"
    (tmp_path / "p.csv").write_text(rows)
    found = values(f"predictions:{tmp_path / 'p.csv'}")
    assert (found["rows"], found["note"]) == (2, "The table has predictions for clean, gain@3dB.")


def test_what_hears_no_sound_has_no_rate_and_no_speed():
    found = values("toy:oracle")
    assert found["input"] == "precomputed (by clip id)"
    unknown = (
        "sampling rate in Hz",
        "seconds of audio processed per second",
        "layers",
        "parameters",
        "licence",
    )
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
