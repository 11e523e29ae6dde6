"""Classifiers of SpeechBrain equal SpeechBrain's computation, rebuilt here without its noise."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm
from transformers import Wav2Vec2Config, Wav2Vec2Model

from sertools.errors import ModelError
from sertools.models.checkpoints import foreign_layouts
from sertools.models.load import load_model
from tests.helpers.checkpoints import SMALL, speech

LENGTHS = [16000, 9000, 24321, 5000]
ENCODER = "somebody/small-wav2vec2"

HYPERPARAMS = """\
# pretrained models
sample_rate: 16000
wav2vec2_hub: somebody/small-wav2vec2
encoder_dim: 32
out_n_neurons: 4
wav2vec2: !new:speechbrain.lobes.models.huggingface_transformers.wav2vec2.Wav2Vec2
    source: !ref <wav2vec2_hub>
    output_norm: True
    freeze: False
    save_path: wav2vec2_checkpoints
avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
    return_std: False
output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: !ref <encoder_dim>
    n_neurons: !ref <out_n_neurons>
    bias: False
model: !new:torch.nn.ModuleList
    - [!ref <output_mlp>]
softmax: !new:speechbrain.nnet.activations.Softmax
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
mark: !apply:os.system ["touch mark"]
"""

LABELS = "'neu' => 0\n'ang' => 1\n'hap' => 2\n'sad' => 3\n================\n'starting_index' => 0\n"


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(foreign_layouts.KNOWN_ENCODERS, ENCODER, {"model_type": "wav2vec2", **SMALL})


def write(folder: Path) -> tuple[Wav2Vec2Model, torch.Tensor]:
    torch.manual_seed(2)
    encoder = Wav2Vec2Model(Wav2Vec2Config(**SMALL)).eval()
    weight = 2 * torch.randn(4, 32)
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    stored = {}
    for key, tensor in encoder.state_dict().items():
        for now, then in old.items():
            key = key.replace(now, then)
        stored[f"model.{key}"] = tensor
    torch.save(stored, folder / "wav2vec2.ckpt")
    torch.save({"0.w.weight": weight}, folder / "model.ckpt")
    (folder / "hyperparams.yaml").write_text(HYPERPARAMS)
    (folder / "label_encoder.txt").write_text(LABELS)
    return encoder, weight


def original(encoder: Wav2Vec2Model, weight: torch.Tensor, signal: np.ndarray) -> np.ndarray:
    """`extract_features`, `StatisticsPooling`, `Linear` and `Softmax` of SpeechBrain on one clip."""
    wav = torch.from_numpy(signal)[None]
    with torch.no_grad():
        out = encoder(layer_norm(wav, wav.shape[1:]), attention_mask=torch.ones(wav.shape)).last_hidden_state
        pooled = layer_norm(out, out.shape[1:]).mean(dim=1)
        return torch.softmax(pooled @ weight.T, dim=-1)[0].numpy()


def test_it_equals_the_computation_of_its_authors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts, signals = write(tmp_path), speech(LENGTHS)
    expected = np.stack([original(*parts, signal) for signal in signals])
    assert expected.std(axis=0).max() > 1e-3, "the clips must differ, or the test shows nothing"
    model = load_model(str(tmp_path))
    assert (model.labels, model.task) == (("neu", "ang", "hap", "sad"), "single_label")
    assert model.facts["pooling"] == "normalised-mean"
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    assert model.predict(signals, layers=True).layers.shape == (4, 3, 32)
    assert not (tmp_path / "mark").exists(), "nothing that the YAML names may be built"


def test_without_normalised_outputs(tmp_path):
    encoder, weight = write(tmp_path)
    text = HYPERPARAMS.replace("output_norm: True", "output_norm: False")
    (tmp_path / "hyperparams.yaml").write_text(text)
    signal = speech([16000])[0]
    wav = torch.from_numpy(signal)[None]
    with torch.no_grad():
        pooled = encoder(layer_norm(wav, wav.shape[1:])).last_hidden_state.mean(dim=1)
        expected = torch.softmax(pooled @ weight.T, dim=-1).numpy()
    np.testing.assert_allclose(load_model(str(tmp_path)).predict([signal]).scores, expected, atol=1e-5)


def test_another_file_gives_another_fingerprint(tmp_path):
    write(tmp_path)
    first = load_model(str(tmp_path)).fingerprint
    (tmp_path / "label_encoder.txt").write_text(LABELS.replace("'neu' => 0", "'con' => 0"))
    assert load_model(str(tmp_path)).fingerprint != first


MERGED = "a0: &a0 {k: 1}\n" + "".join(
    f"a{i + 1}: &a{i + 1} {{<<: [{', '.join([f'*a{i}'] * 9)}]}}\n" for i in range(30)
)
"""A file of 3 kB that grows ninefold with each line when its aliases are merged."""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return_std: False", "return_std: True", "would not be obeyed"),
        ("freeze: False", "output_all_hiddens: True", "would not be obeyed"),
        ("freeze: False", "wav_scale: 2", "would not be obeyed: wav_scale of wav2vec2"),
        ("sample_rate: 16000", "sample_rate: 8000", "sample_rate is 8000"),
        ("pooling.StatisticsPooling", "pooling.AttentivePooling", "avg_pool is not a StatisticsPooling"),
        ("speechbrain.nnet.linear.Linear", "evil.Linear", "output_mlp is not a Linear"),
        ("wav2vec2_hub: somebody/small-wav2vec2", "wav2vec2_hub: ./nowhere", "whose settings cannot be read"),
        (HYPERPARAMS, "[1, 2]", "does not contain options"),
        (HYPERPARAMS, "a: [", "cannot be read"),
        (HYPERPARAMS, MERGED, "more than [0-9]+ values"),
    ],
)
def test_options_are_obeyed_or_refused(tmp_path, old, new, said):
    write(tmp_path)
    (tmp_path / "hyperparams.yaml").write_text(HYPERPARAMS.replace(old, new))
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("label_encoder.txt", "neu 0\n", "is not of the form"),
        ("label_encoder.txt", "'neu' => 0\n'ang' => 2\n", "not 0, 1, 2"),
        ("label_encoder.txt", "open('x') => 0\n", "cannot be read"),
        ("label_encoder.txt", "'neu' => 0\n", "has shape"),
        ("label_encoder.txt", None, "lacks label_encoder.txt"),
        ("model.ckpt", None, "lacks model.ckpt"),
        ("model.ckpt", {"0.w.weight": torch.ones(4, 31)}, "has shape"),
        ("model.ckpt", {"0.w.weight": torch.full((4, 32), torch.nan)}, "not finite"),
        (
            "model.ckpt",
            {"0.w.weight": torch.ones(4, 32), "1.w.weight": torch.ones(1)},
            "not be read: 1.w.weight",
        ),
        ("model.ckpt", {"w": torch.ones(1)}, "not be read: w"),
        ("wav2vec2.ckpt", {"model.masked_spec_embed": torch.ones(32)}, "lacks keys of Wav2Vec2Model"),
    ],
)
def test_every_file_and_key_is_needed_and_read(tmp_path, name, content, said):
    write(tmp_path)
    (tmp_path / name).unlink()
    if isinstance(content, str):
        (tmp_path / name).write_text(content)
    elif content is not None:
        torch.save(content, tmp_path / name)
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))
