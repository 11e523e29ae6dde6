"""Baselines of the Odyssey challenge equal the network of their authors, rebuilt here."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import WavLMConfig, WavLMModel

from sertools.errors import ModelError
from sertools.models.checkpoints import foreign_layouts
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import SMALL, speech

LENGTHS = [16000, 9000, 24321, 5000]
LABELS = {"0": "Angry", "1": "Sad", "2": "Happy"}
MEAN, STD = -0.002, 0.085
ENCODER = "somebody/small-wavlm"


class Pooling(torch.nn.Module):
    """Attentive statistics pooling (Okabe et al. 2018), eq. 3 to 6, one clip at a time."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.sap_linear = torch.nn.Linear(size, size)
        self.attention = torch.nn.Parameter(torch.randn(size, 1))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        scores = [(self.attention[:, 0] @ torch.tanh(self.sap_linear(frame))).item() for frame in frames]
        weights = np.exp(scores) / np.exp(scores).sum()
        values = frames.numpy().astype(float)
        mean = sum(w * v for w, v in zip(weights, values, strict=True))
        second = sum(w * v**2 for w, v in zip(weights, values, strict=True))
        return torch.tensor(np.concatenate([mean, np.sqrt(np.maximum(second - mean**2, 1e-5))])).float()


class Classifier(torch.nn.Module):
    """Linear layers with layer norm and ReLU, then one linear layer."""

    def __init__(self, size: int, hidden: int, layers: int, outputs: int) -> None:
        super().__init__()
        sizes = [size, *[hidden] * layers]
        self.fc = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.Linear(a, b), torch.nn.LayerNorm(b), torch.nn.ReLU(), torch.nn.Dropout(0.5)
            )
            for a, b in itertools.pairwise(sizes)
        )
        self.out = torch.nn.Sequential(torch.nn.Linear(sizes[-1], outputs))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        for layer in self.fc:
            states = layer(states)
        return self.out(states)


class Baseline(torch.nn.Module):
    def __init__(self, layers: int, outputs: int) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.ssl_model = WavLMModel(WavLMConfig(**SMALL, **LARGE))
        self.pool_model = Pooling(32)
        self.ser_model = Classifier(64, 24, layers, outputs)
        for module in (self.pool_model, self.ser_model):
            for (
                parameter
            ) in module.parameters():  # so that clips differ, and layer norm has weights of its own
                parameter.data += 0.3 * torch.randn_like(parameter)

    def forward(self, signal: np.ndarray) -> torch.Tensor:
        scaled = torch.from_numpy((signal - MEAN) / (STD + 1e-6)).float()[None]
        with torch.no_grad():
            return self.ser_model(self.pool_model(self.ssl_model(scaled)[0][0]))


LARGE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
"""Settings in which the large encoders differ from the default."""


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(foreign_layouts.KNOWN_ENCODERS, ENCODER, {"model_type": "wavlm", **SMALL, **LARGE})


def write(
    folder: Path, layers: int = 1, labels: dict[str, str] | None = LABELS, **settings: object
) -> Baseline:
    model = Baseline(layers, 3).eval()
    named = {} if labels is None else {"id2label": labels, "label2id": {v: int(k) for k, v in labels.items()}}
    content = {
        "model_type": "ser", "architectures": ["SERModel"], "ssl_type": ENCODER, "mean": MEAN, "std": STD,
        "auto_map": {"AutoConfig": "pipeline_utils.SERConfig"}, "sampling_rate": 16000, "num_classes": 3,
        **named, **settings,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "pipeline_utils.py").write_text(f"open({str(folder / 'mark')!r}, 'w')\n")
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    tensors = {}
    for key, tensor in model.state_dict().items():
        for now, then in old.items():
            key = key.replace(now, then)
        tensors[key] = tensor.contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return model


@pytest.mark.parametrize("layers", [1, 2])
def test_it_equals_the_network_of_its_authors(tmp_path, layers):
    original, signals = write(tmp_path, layers), speech(LENGTHS)
    expected = torch.stack([original(signal).softmax(-1) for signal in signals]).numpy()
    assert expected.std(axis=0).max() > 1e-3, "the clips must differ, or the test shows nothing"
    model = load_model(str(tmp_path))
    assert (model.labels, model.task) == (("Angry", "Sad", "Happy"), "single_label")
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    np.testing.assert_allclose(model.predict(signals, layers=True).scores, expected, atol=1e-5)
    assert not (tmp_path / "mark").exists(), "its code must not run"


def test_facts_name_pooling_and_scaling(tmp_path):
    write(tmp_path)
    facts = load_model(str(tmp_path)).facts
    assert facts["head"] == facts["pooling"] == "attentive-statistics"
    assert facts["features"] == "every signal scaled by the mean and standard deviation of the training"
    assert facts["architecture"] == "WavLMModel"


def test_ratings_are_not_activated(tmp_path):
    labels = {"0": "arousal", "1": "dominance", "2": "valence"}
    original, signals = write(tmp_path, labels=labels), speech(LENGTHS)
    expected = torch.stack([original(signal) for signal in signals]).numpy()
    model = load_model(str(tmp_path))
    assert model.task == "regression"
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)


def test_layers_have_frames_and_a_random_twin(tmp_path):
    write(tmp_path)
    model = load_model(str(tmp_path))
    outputs, frames = model.predict_frames(speech([16000]))
    assert outputs.layers.shape == (1, 3, 32)
    assert len(frames[0].states) == 3
    assert model.random_twin(0).predict(speech([16000]), layers=True).layers.shape == (1, 3, 32)


def test_outputs_without_names_have_to_be_named(tmp_path):
    write(tmp_path, labels=None)
    with pytest.raises(ModelError, match="3 outputs"):
        load_model(str(tmp_path))
    named = load_model(str(tmp_path), LoadOptions(labels=("anger", "sadness", "happiness")))
    assert named.labels == ("anger", "sadness", "happiness")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"std": 0}, "std is 0"),
        ({"mean": "low"}, "mean is 'low'"),
        ({"std": None}, "std is None"),
        ({"sampling_rate": -1}, "sampling_rate is -1"),
        ({"ssl_type": "./nowhere"}, "whose settings cannot be read"),
    ],
)
def test_settings_that_decide_a_number_are_needed(tmp_path, settings, said):
    write(tmp_path, **settings)
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("pool_model.attention"), "lacks pool_model.attention"),
        (lambda t: t.pop("ser_model.fc.0.1.bias"), "lacks ser_model.fc.0.1.bias"),
        (lambda t: t.pop("ser_model.out.0.weight"), "lacks ser_model.out.0.weight"),
        (lambda t: t.pop("ssl_model.encoder.layer_norm.weight"), "lacks keys of WavLMModel"),
        (lambda t: t.update({"ser_model.extra": torch.ones(1)}), "would not be read: ser_model.extra"),
        (lambda t: t.update({"ssl_model.encoder.extra": torch.ones(1)}), "would not read: encoder.extra"),
        (lambda t: t.update({"pool_model.attention": torch.ones(31, 1)}), r"has shape \(31, 1\)"),
        (lambda t: t.update({"ser_model.out.0.bias": torch.full((3,), torch.nan)}), "not finite"),
    ],
)
def test_every_key_is_needed_and_read(tmp_path, change, said):
    write(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))
