"""Code that comes with a checkpoint runs only where the user says so."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech, write_checkpoint
from tests.helpers.small import write_noises

CODE = """
from pathlib import Path
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

Path({mark!r}).touch()

class OwnConfig(Wav2Vec2Config):
    model_type = "own-speech"

class OwnModel(Wav2Vec2ForSequenceClassification):
    config_class = OwnConfig

class OwnExtractor(Wav2Vec2FeatureExtractor):
    pass
"""


def own(folder: Path, mark: Path, *, extractor_only: bool = False) -> Path:
    """A checkpoint whose classes are in a file beside its weights, which leaves a mark when it is run."""
    write_checkpoint(folder)
    (folder / "own_speech.py").write_text(CODE.format(mark=str(mark)))
    if extractor_only:
        path, named = folder / "preprocessor_config.json", {"AutoFeatureExtractor": "own_speech.OwnExtractor"}
        changed = json.loads(path.read_text()) | {"feature_extractor_type": "OwnExtractor"}
    else:
        path = folder / "config.json"
        named = {
            "AutoConfig": "own_speech.OwnConfig",
            "AutoModelForAudioClassification": "own_speech.OwnModel",
        }
        changed = json.loads(path.read_text()) | {"model_type": "own-speech"}
    path.write_text(json.dumps(changed | {"auto_map": named}))
    return folder


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch, tmp_path):
    """transformers copies such code into a folder of its own; that of this test."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))


@pytest.mark.parametrize("extractor_only", [False, True], ids=["model", "feature extractor"])
def test_own_code_is_refused_and_not_run_unless_trusted(tmp_path, extractor_only):
    mark = tmp_path / "was run"
    folder = own(tmp_path / "m", mark, extractor_only=extractor_only)
    with pytest.raises(
        ModelError, match="requires code that comes with the checkpoint, which is not run by default"
    ) as failed:
        load_model(str(folder))
    assert "--trust-remote-code" in failed.value.hint
    assert not mark.exists()


def test_where_transformers_has_a_network_of_its_own_that_one_runs_and_a_note_says_so(tmp_path):
    mark = tmp_path / "was run"
    folder = own(tmp_path / "m", mark)
    settings = json.loads((folder / "config.json").read_text()) | {"model_type": "wav2vec2"}
    (folder / "config.json").write_text(json.dumps(settings))
    note = "config.json names code of its own (own_speech.py); transformers' own was run instead."
    assert note in load_model(str(folder)).facts["notes"]
    assert not mark.exists()


@pytest.mark.parametrize("extractor_only", [False, True], ids=["model", "feature extractor"])
def test_own_code_that_is_trusted_answers_as_the_class_it_is_made_of(tmp_path, extractor_only):
    mark = tmp_path / "was run"
    folder = own(tmp_path / "m", mark, extractor_only=extractor_only)
    model = load_model(str(folder), LoadOptions(trust_remote_code=True))
    assert mark.exists()
    stock = load_model(str(write_checkpoint(tmp_path / "stock")))
    signals = speech([4000, 6000])
    np.testing.assert_allclose(model.predict(signals).scores, stock.predict(signals).scores, atol=1e-5)


def test_the_command_line_says_which_flag(tmp_path):
    mark = tmp_path / "was run"
    folder, manifest = own(tmp_path / "m", mark), write_noises(tmp_path / "c")
    words = ["predict", "--model", str(folder), "--data", str(manifest), "--cache", str(tmp_path / "store")]
    refused = CliRunner().invoke(app, [*words, "--quiet"])
    assert refused.exit_code == 2
    assert "--trust-remote-code" in refused.stderr
    assert not mark.exists()
    trusted = CliRunner().invoke(app, [*words, "--quiet", "--trust-remote-code"])
    assert trusted.exit_code == 0, trusted.stderr


SMALLEST = """
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

class SmallConfig(PretrainedConfig):
    model_type = "own-small"

class SmallModel(PreTrainedModel):
    config_class = SmallConfig

    def __init__(self, config):
        super().__init__(config)
        self.filters = torch.nn.Conv1d(1, 3, 400, 160)
        self.top = torch.nn.Linear(3, 2)
        self.post_init()

    def forward(self, input_values, **kwargs):
        frames = self.filters(input_values[:, None]).relu().mean(-1)
        return SequenceClassifierOutput(logits={factor} * self.top(frames))
"""
"""A network that transformers does not have; its config.json describes neither its input nor its frames."""


def smallest(folder: Path, factor: int = 1) -> tuple[Path, dict[str, torch.Tensor]]:
    """Such a checkpoint, and its weights."""
    torch.manual_seed(5)
    layers = {"filters": torch.nn.Conv1d(1, 3, 400, 160), "top": torch.nn.Linear(3, 2)}
    tensors = {f"{name}.{key}": t for name, layer in layers.items() for key, t in layer.state_dict().items()}
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    settings = {
        "model_type": "own-small",
        "auto_map": {"AutoConfig": "own.SmallConfig", "AutoModelForAudioClassification": "own.SmallModel"},
        "id2label": {"0": "anger", "1": "neutral"},
    }
    sound = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": False}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "preprocessor_config.json").write_text(json.dumps(sound))
    (folder / "own.py").write_text(SMALLEST.replace("{factor}", str(factor)))
    return folder, tensors


def test_a_network_unlike_all_of_transformers_answers_as_written(tmp_path):
    folder, weights = smallest(tmp_path / "m")
    model = load_model(str(folder), LoadOptions(trust_remote_code=True))
    signals = speech([4000, 6000])
    for signal, scores in zip(signals, model.predict(signals).scores, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(signal, 400)[::160]
        frames = windows @ weights["filters.weight"][:, 0].numpy().T + weights["filters.bias"].numpy()
        logits = weights["top.weight"].numpy() @ np.maximum(frames, 0).mean(0) + weights["top.bias"].numpy()
        np.testing.assert_allclose(scores, np.exp(logits) / np.exp(logits).sum(), atol=1e-5)
    assert model.shortest == 400
    assert "own.py" in model.files
    assert (model.facts["head"], model.compared_with) == ("computed by code of the checkpoint", "")


def test_other_code_beside_the_same_weights_is_another_model(tmp_path):
    trusted = LoadOptions(trust_remote_code=True)
    first = load_model(str(smallest(tmp_path / "m")[0]), trusted)
    second = load_model(str(smallest(tmp_path / "n", factor=2)[0]), trusted)
    signals = speech([4000])
    assert not np.allclose(first.predict(signals).scores, second.predict(signals).scores)
    assert first.fingerprint != second.fingerprint


def test_code_of_the_hub_is_named_where_it_was_not_downloaded(tmp_path):
    folder, _ = smallest(tmp_path / "m")
    (folder / "own.py").unlink()
    path = folder / "config.json"
    named = {"AutoConfig": "own.SmallConfig", "AutoModel": "someone/else--net.Model"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": named}))
    with pytest.raises(ModelError) as failed:
        load_model(str(folder))
    assert failed.value.hint.startswith("review own.py, net.py of someone/else on the model hub")
