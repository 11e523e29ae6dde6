import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from sertools.models.mapped import read as reading
from sertools.models.wav2vec2_cpu.weights import FAMILY
from tests.helpers.checkpoints import speech, write_audeering_checkpoint, write_checkpoint
from tests.helpers.wav2vec2 import GROUP, LAYER, MIXED, stock

SIGNALS = [3 * signal + 0.1 for signal in speech([400, 16000, 7001])]


def both(monkeypatch, folder, **options):
    """The model of a folder as mapped and as read by transformers."""
    options = LoadOptions(device="cpu", **options)
    mapped = load_model(str(folder), options)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "mapped", lambda *_: None)
        return mapped, load_model(str(folder), options)


def assert_same(mapped, known):
    for name in (
        "fingerprint",
        "labels",
        "task",
        "shortest",
        "longest",
        "keys_read",
        "compared_with",
        "files",
    ):
        assert getattr(mapped, name) == getattr(known, name), name
    assert mapped.facts == known.facts
    ours, theirs = (model.predict(SIGNALS, layers=True) for model in (mapped, known))
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    np.testing.assert_array_equal(ours.layers, theirs.layers)
    assert type(mapped.network.held).__name__ == "Mapped", "or transformers was asked after all"
    assert mapped.network.held._module is None


@pytest.mark.parametrize("read", ["mapped", "by transformers"])
def test_the_number_of_cores_changes_no_bit_of_a_prediction(monkeypatch, read):
    """The weights of the positional convolution are divided by a norm, which several threads sum in parts."""
    if read != "mapped":
        monkeypatch.setattr(reading, "mapped", lambda *_: None)
    before, answers = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            answers.append(load_model("default").predict(SIGNALS[1:], layers=True))
    finally:
        torch.set_num_threads(before)
    for other in answers[1:]:
        np.testing.assert_array_equal(answers[0].scores, other.scores)
        np.testing.assert_array_equal(answers[0].layers, other.layers)


SETTINGS = dict(zip(FAMILY, (LAYER, GROUP, MIXED, GROUP, LAYER), strict=True))


@pytest.mark.parametrize("model_type", FAMILY)
def test_mapped_weights_give_the_bits_and_facts_of_the_module(monkeypatch, tmp_path, model_type):
    settings = SETTINGS[model_type]
    weighted = settings is LAYER
    folder = write_checkpoint(tmp_path / "head", model_type, use_weighted_layer_sum=weighted, **settings)
    assert_same(*both(monkeypatch, folder))
    alone = tmp_path / "alone"
    shutil.copytree(folder, alone)
    (alone / "preprocessor_config.json").unlink()
    small = json.loads((folder / "config.json").read_text())
    stock(model_type, **{key: small[key] for key in small if key != "model_type"}).save_pretrained(alone)
    mapped, known = both(monkeypatch, alone)
    assert_same(mapped, known)
    assert mapped.labels == ()


def test_heads_of_their_own_and_described_ones_are_read_from_mapped_weights(monkeypatch, tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path / "dimensions")
    assert_same(*both(monkeypatch, folder))
    described = {"": "pool=mean, dense=classifier.dense, act=relu, out=classifier.out_proj"}
    assert_same(*both(monkeypatch, folder, head=described, labels=("a", "b", "c")))
    tensors = load_file(folder / "model.safetensors")
    save_file({key: value.half() for key, value in tensors.items()}, folder / "model.safetensors")
    mapped, known = both(monkeypatch, folder)
    assert_same(mapped, known)
    # whoever asks for the module gets that of transformers, whose weights count from then on
    assert mapped.random_twin(3).fingerprint == known.random_twin(3).fingerprint
    np.testing.assert_array_equal(mapped.hidden(SIGNALS), known.hidden(SIGNALS))
    signal = torch.from_numpy(SIGNALS[1])
    assert torch.equal(mapped.logits(signal), known.logits(signal))
    assert mapped.network.readable is mapped.network.module


def changed(tensors, config):
    """Names of unusual checkpoints → changes of tensors and settings with which they are made."""
    first = next(key for key in tensors if "layers.0.attention.q_proj.weight" in key)
    return {
        "missing": ({key: value for key, value in tensors.items() if key != first}, {}),
        "shape": ({**tensors, first: tensors[first][:-1]}, {}),
        "infinite": ({**tensors, first: tensors[first] * float("inf")}, {}),
        "unknown": ({**tensors, "wav2vec2.encoder.more.weight": torch.ones(2)}, {}),
        "head": ({**tensors, "other.weight": torch.ones(2, 2)}, {}),
        "recogniser": ({**tensors, "lm_head.weight": torch.ones(2, 32)}, {}),
        "twice": ({**tensors, first.removeprefix("wav2vec2."): tensors[first]}, {}),
        "deeper": (tensors, {"num_hidden_layers": 3}),
        "no width": (tensors, {"hidden_size": None}),
        "text": (tensors, {"conv_stride": "5"}),
        "quantised": (tensors, {"quantization_config": {"quant_method": "none"}}),
        "labels": (tensors, {"id2label": {"0": "a", "2": "b"}}),
    }


@pytest.mark.parametrize("name", changed({"layers.0.attention.q_proj.weight": torch.ones(2)}, {}))
def test_unusual_checkpoints_are_left_to_transformers_which_says_the_same(monkeypatch, tmp_path, name):
    folder = write_checkpoint(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    tensors, settings = changed(load_file(folder / "model.safetensors"), config)[name]
    save_file(
        {key: value.contiguous().clone() for key, value in tensors.items()}, folder / "model.safetensors"
    )
    (folder / "config.json").write_text(json.dumps({**config, **settings}))

    def answer():
        try:
            model = load_model(str(folder), LoadOptions(device="cpu"))
        except ModelError as error:
            return f"{error.message} {error.hint}"
        assert type(model.network.held).__name__ != "Mapped"
        return model.fingerprint

    found = answer()
    monkeypatch.setattr(reading, "mapped", lambda *_: None)
    assert found == answer()


@pytest.mark.slow
def test_predicting_imports_nothing_of_transformers(tmp_path):
    folder = write_checkpoint(tmp_path)
    code = f"""
import sys, numpy
from sertools.models.load import load_model
scores = load_model({str(folder)!r}).predict([numpy.zeros(16000, "float32") + .1]).scores
assert scores.shape == (1, 4)
print([name for name in sys.modules if name.partition(".")[0] in ("transformers", "sympy", "scipy")])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]", found.stdout
