"""Checkpoints in any state: each is loaded, or refused in one sentence."""

import json
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sertools.models.checkpoints.frozen import frozen
from sertools.models.load import LoadOptions, load_model
from sertools.models.model import hears
from tests.helpers.checkpoints import speech, write_checkpoint
from tests.helpers.mutations import budget, damaged, faults, generator, mutated


def used(spec: str, options: LoadOptions | None = None) -> None:
    """Loads a model, and asks it once if it can be asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = load_model(spec, options)
        if hears(model) and model.sampling_rate <= 48000 and model.shortest < 8000:
            model.predict(speech([8000]))


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_any_settings_are_read_or_refused(tmp_path, name):
    rng, folder = generator(name), write_checkpoint(tmp_path / "m")
    content = json.loads((folder / name).read_text())

    def attempt(i: int) -> None:
        (folder / name).write_text(json.dumps(mutated(content, rng)))
        if i % 6 == 0:
            (folder / name).write_bytes(damaged(json.dumps(content).encode(), rng))
        used(str(folder))

    assert faults(attempt, budget(20)) == []


def test_any_settings_of_a_frozen_network_are_read_or_refused(tmp_path):
    from transformers import Wav2Vec2Model

    rng, folder = generator("frozen"), write_checkpoint(tmp_path / "m")
    content = json.loads((folder / "config.json").read_text())

    def attempt(i: int) -> None:
        (folder / "config.json").write_text(json.dumps(mutated(content, rng)))
        frozen(Wav2Vec2Model, folder)

    assert faults(attempt, budget(20)) == []


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_any_weights_are_read_or_refused(tmp_path, name):
    rng, folder = generator(name), write_checkpoint(tmp_path / "m")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    path = folder / name
    keys = sorted(tensors)

    def attempt(i: int) -> None:
        changed = dict(tensors)
        if i % 2:
            for _ in range(rng.integers(1, 4)):
                key = keys[rng.integers(len(keys))]
                kind = rng.integers(6)
                tensor = changed.get(key, torch.zeros(1))
                if kind == 0:
                    changed.pop(key, None)
                elif kind == 1:
                    changed[key] = torch.zeros([int(n) for n in rng.integers(0, 4, rng.integers(0, 4))])
                elif kind == 2:
                    kinds = [torch.int8, torch.bool, torch.float64, torch.bfloat16, torch.complex64]
                    changed[key] = tensor.to(kinds[rng.integers(5)])
                elif kind == 3:
                    changed[key] = tensor * float("nan")
                elif kind == 4:
                    changed["x" * 300] = tensor.clone()
                else:
                    changed[key] = tensor.flatten().clone()
        save_file(changed, path, {"format": "pt"}) if name.endswith("tensors") else torch.save(changed, path)
        if not i % 2:
            path.write_bytes(damaged(path.read_bytes(), rng))
        used(str(folder))

    assert faults(attempt, budget(12)) == []


def test_any_settings_of_cnn14_are_read_or_refused(tmp_path):
    from sertools.models.cnn14.network import build

    rng = generator("cnn14")
    content = {
        "labels": ["a", "b"],
        "task": "single_label",
        "sampling_rate": 16000,
        "window": 512,
        "hop": 160,
        "fmin": 50,
        "fmax": 8000,
    }
    save_file(build(2, "fc_out", 4).state_dict(), tmp_path / "model.safetensors")

    def attempt(i: int) -> None:
        (tmp_path / "config.json").write_text(json.dumps(mutated(content, rng)))
        used(f"cnn14:{tmp_path}")

    assert faults(attempt, budget(12)) == []


def test_any_network_of_onnx_is_read_or_refused(tmp_path):
    pytest.importorskip("onnxruntime", reason="it runs the networks")
    from tests.helpers.onnx_networks import write_audonnx

    rng = generator("onnx")
    write_audonnx(tmp_path)
    network, described = (tmp_path / "model.onnx").read_bytes(), (tmp_path / "model.yaml").read_bytes()

    def attempt(i: int) -> None:
        (tmp_path / "model.onnx").write_bytes(damaged(network, rng) if i % 2 else network)
        (tmp_path / "model.yaml").write_bytes(described if i % 2 else damaged(described, rng))
        used(f"onnx:{tmp_path}")

    assert faults(attempt, budget(50)) == []


def test_any_array_and_its_table_are_read_or_refused(tmp_path):
    rng = generator("features")
    np.save(tmp_path / "layers.npy", np.zeros((2, 3, 4), dtype=np.float32))
    array, table = (tmp_path / "layers.npy").read_bytes(), b"clip\nc3\nc1\n"

    def attempt(i: int) -> None:
        (tmp_path / "layers.npy").write_bytes(damaged(array, rng) if i % 2 else array)
        (tmp_path / "layers.csv").write_bytes(table if i % 2 else damaged(table, rng))
        used(f"features:{tmp_path}")

    assert faults(attempt, budget(100)) == []


def test_any_estimator_is_read_or_refused(tmp_path):
    skops = pytest.importorskip("skops.io", reason="estimators are read by skops")
    pytest.importorskip("opensmile", reason="eGeMAPS is computed by openSMILE")
    from sklearn.linear_model import LogisticRegression

    rng = generator("skops")
    features = np.random.default_rng(0).standard_normal((20, 88))
    skops.dump(LogisticRegression().fit(features, ["anger", "joy"] * 10), tmp_path / "m.skops")
    content = (tmp_path / "m.skops").read_bytes()

    def attempt(i: int) -> None:
        (tmp_path / "m.skops").write_bytes(damaged(content, rng))
        (tmp_path / "m.json").write_text(json.dumps(mutated({"labels": ["anger", "joy"]}, rng)))
        used(f"sklearn:{tmp_path / 'm.skops'}")

    assert faults(attempt, budget(12)) == []


def test_any_card_is_read_and_prevents_nothing(tmp_path):
    from sertools.models.checkpoints.hub.card import licence

    rng = generator("cards")
    cards = [
        b"---\nlicense: [mit, apache-2.0]\ntags: [a]\n---\n# A\n",
        b"---\r\nlicense: other\r\nlicense_name: own\r\n---\r\n",
        b"---\nlicense: {a: b}\n---\n",
    ]

    def attempt(i: int) -> None:
        (tmp_path / "README.md").write_bytes(damaged(cards[i % 3], rng))
        found = licence(tmp_path)
        assert found is None or isinstance(found, str)

    assert faults(attempt, budget(100)) == []
    (tmp_path / "README.md").write_bytes(cards[0])
    assert licence(tmp_path) == "mit, apache-2.0"
