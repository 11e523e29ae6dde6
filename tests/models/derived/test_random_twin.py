import numpy as np
import pytest
import torch

from sertools.errors import ModelError
from sertools.models.cnn14.network import build
from sertools.models.load import load_model
from sertools.models.model import random_twin
from tests.helpers.checkpoints import speech, write_audeering_checkpoint, write_checkpoint
from tests.helpers.cnn14_checkpoints import write

SIGNALS = speech([16000, 9000, 5000])


@pytest.mark.parametrize(
    ("model_type", "settings"),
    [
        ("wav2vec2", {"feat_extract_norm": "group"}),
        ("wav2vec2", {"feat_extract_norm": "layer", "do_stable_layer_norm": True}),
        ("wavlm", {}),
        ("whisper", {}),
    ],
)
def test_a_twin_has_the_shape_of_its_model_and_other_weights(tmp_path, model_type, settings):
    model = load_model(str(write_checkpoint(tmp_path, model_type, **settings)))
    twin = random_twin(model, 1)
    ours, theirs = model.predict(SIGNALS, layers=True), twin.predict(SIGNALS, layers=True)
    assert theirs.layers.shape == ours.layers.shape
    assert np.abs(theirs.layers - ours.layers).max() > 0.01
    assert theirs.scores.shape == (3, 0)
    assert twin.name == f"{model.name} random twin"
    assert (twin.task, twin.labels) == ("encoder", ())
    assert twin.sampling_rate == model.sampling_rate
    assert twin.facts["precision"] == model.facts["precision"]


def test_a_twin_is_decided_by_its_seed_and_leaves_the_generator_alone(tmp_path):
    model = load_model(str(write_checkpoint(tmp_path)))
    before = torch.get_rng_state()
    first, again, other = (random_twin(model, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.fingerprint == again.fingerprint
    assert len({model.fingerprint, first.fingerprint, other.fingerprint}) == 3
    layers = [twin.predict(SIGNALS, layers=True).layers for twin in (first, again, other)]
    assert np.array_equal(layers[0], layers[1])
    assert np.abs(layers[0] - layers[2]).max() > 0.01


def test_a_twin_knows_nothing_of_the_trained_weights(tmp_path):
    # two checkpoints of one configuration with other weights have one twin
    model = load_model(str(write_checkpoint(tmp_path / "a")))
    with torch.no_grad():
        changed = load_model(str(write_checkpoint(tmp_path / "a")))
        for parameter in changed.network.module.parameters():
            parameter.mul_(2)
    assert random_twin(model, 0).fingerprint == random_twin(changed, 0).fingerprint


def test_a_model_with_a_head_of_its_own_has_a_twin_in_the_format_that_it_runs_in(tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path)
    model = load_model(str(folder))
    halved = random_twin(model.with_precision("bf16"), 0)
    assert halved.facts["precision"] == "bf16"
    assert halved.dtype == torch.bfloat16
    assert halved.fingerprint != random_twin(model.with_precision("fp32"), 0).fingerprint


def test_a_cnn14_has_a_twin_that_hears_the_same_spectrogram(tmp_path):
    torch.manual_seed(0)
    network = build(4, width=4)
    network.bn0.running_mean -= 30
    model = load_model(f"cnn14:{write(tmp_path, network)}")
    twin = random_twin(model, 3)
    layers = twin.predict(SIGNALS, layers=True).layers
    assert layers.shape == model.predict(SIGNALS, layers=True).layers.shape
    assert torch.equal(twin.network.bn0.running_mean, network.bn0.running_mean)
    assert twin.fingerprint == random_twin(model, 3).fingerprint
    assert np.array_equal(layers, random_twin(model, 3).predict(SIGNALS, layers=True).layers)
    assert not torch.equal(twin.network.fc1.weight, network.fc1.weight)


def test_a_model_that_cannot_be_built_anew_says_so():
    with pytest.raises(ModelError, match="toy-loudness has no random twin"):
        random_twin(load_model("toy:loudness"), 0)
