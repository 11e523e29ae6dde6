import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, Wav2Vec2Model

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import (
    DIMENSIONS,
    EMOTIONS,
    SMALL,
    speech,
    write_audeering_checkpoint,
    write_checkpoint,
)

# AST's own feature settings make transformers warn when its extractor is built
pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")

FAMILY = [
    ("wav2vec2", {"feat_extract_norm": "group"}),
    ("wav2vec2", {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}),
    ("wav2vec2", {"use_weighted_layer_sum": True}),
    ("hubert", {"feat_extract_norm": "group"}),
    ("hubert", {"feat_extract_norm": "layer", "do_stable_layer_norm": True}),
    ("wavlm", {"feat_extract_norm": "group"}),
    ("unispeech", {}),
    ("unispeech-sat", {}),
    ("data2vec-audio", {}),
    ("sew", {"conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}),
    ("whisper", {}),
    ("audio-spectrogram-transformer", {}),
]


def stock_forward(folder: Path, signals: list[np.ndarray]) -> np.ndarray:
    """What everyone writes: one clip at a time through the transformers classes, softmax over logits."""
    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    rows = []
    for signal in signals:
        inputs = extractor(signal, sampling_rate=16000, return_tensors="pt")
        inputs.pop("attention_mask", None)
        with torch.no_grad():
            rows.append(model(**inputs).logits.softmax(-1).numpy()[0])
    return np.stack(rows)


@pytest.mark.parametrize(("model_type", "settings"), FAMILY)
def test_a_batch_of_unequal_clips_equals_the_stock_forward_clip_by_clip(tmp_path, model_type, settings):
    folder = write_checkpoint(tmp_path, model_type, **settings)
    signals = speech([16000, 9000, 24321, 5000])
    model = load_model(str(folder))
    expected = stock_forward(folder, signals)
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, expected, atol=1e-6)
    assert expected.std(axis=0).max() > 5e-5, "the clips must differ, or the test shows nothing"


@pytest.mark.parametrize(("model_type", "settings"), FAMILY)
def test_layer_means_do_not_depend_on_the_batch(tmp_path, model_type, settings):
    model = load_model(str(write_checkpoint(tmp_path, model_type, **settings)))
    signals = speech([16000, 9000, 24321])
    together = model.predict(signals, layers=True).layers
    alone = np.concatenate([model.predict([signal], layers=True).layers for signal in signals])
    assert together.shape == alone.shape
    assert together.shape[:1] == (3,)
    assert together.shape[1] >= 3
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"feat_extract_norm": "group", "do_stable_layer_norm": False}])
def test_audeering_layout_equals_the_formula_of_its_head(tmp_path, settings):
    folder, encoder, head = write_audeering_checkpoint(tmp_path, **settings)
    signals = speech([16000, 7000, 12345])
    model = load_model(str(folder))
    assert model.labels == tuple(DIMENSIONS)
    assert model.task == "regression"
    rows = []
    for signal in signals:
        normalised = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.no_grad():
            pooled = encoder(torch.from_numpy(normalised)[None]).last_hidden_state.mean(dim=1)
            dense = torch.tanh(pooled @ head["classifier.dense.weight"].T + head["classifier.dense.bias"])
            rows.append((dense @ head["classifier.out_proj.weight"].T + head["classifier.out_proj.bias"])[0])
    np.testing.assert_allclose(model.predict(signals).scores, torch.stack(rows).numpy(), atol=1e-5)


def test_old_names_of_weight_norm_are_read_and_not_replaced_by_random_numbers(tmp_path):
    folder, encoder, _ = write_audeering_checkpoint(tmp_path)
    assert any(key.endswith("weight_g") for key in load_file(folder / "model.safetensors"))
    loaded = load_model(str(folder)).network.module
    for key, tensor in encoder.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], tensor)


def test_a_head_that_is_not_in_the_checkpoint_is_refused_with_its_keys(tmp_path):
    folder = write_checkpoint(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    for key in ("projector.weight", "projector.bias"):
        del tensors[key]
    save_file(
        {**tensors, "odd.weight": torch.ones(1)}, folder / "model.safetensors", metadata={"format": "pt"}
    )
    with pytest.raises(
        ModelError,
        match=r"lacks keys of .*: projector\.bias, projector\.weight; unexpected keys: odd\.weight",
    ):
        load_model(str(folder))


def test_a_missing_encoder_key_is_an_error(tmp_path):
    folder = write_checkpoint(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    gone = next(key for key in tensors if "attention.k_proj.weight" in key)
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks .*k_proj.weight"):
        load_model(str(folder))


def test_a_bare_encoder_has_layers_and_no_labels(tmp_path):
    from transformers import AutoConfig, Wav2Vec2FeatureExtractor

    torch.manual_seed(0)
    Wav2Vec2Model(AutoConfig.for_model("wav2vec2", **SMALL)).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    model = load_model(str(tmp_path))
    assert model.task == "encoder"
    assert model.labels == ()
    outputs = model.predict(speech([8000, 6000]), layers=True)
    assert outputs.scores.shape == (2, 0)
    assert outputs.layers.shape == (2, 3, 32)


def test_a_linear_head_of_another_name_is_read_where_the_user_names_it(tmp_path):
    folder, encoder, _ = write_audeering_checkpoint(tmp_path)
    tensors = {k: v for k, v in load_file(folder / "model.safetensors").items() if k.startswith("wav2vec2")}
    weight, bias = torch.randn(3, 32), torch.randn(3)
    save_file(
        {**tensors, "emotion.weight": weight, "emotion.bias": bias},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(
        ModelError, match=r"would not be read: emotion\.bias, emotion\.weight .*--head emotion="
    ):
        load_model(str(folder))
    assert load_model(str(folder), LoadOptions(head={"emotion": "none"})).task == "encoder"
    model = load_model(str(folder), LoadOptions(head={"emotion": "linear"}))
    signal = speech([8000])[0]
    normalised = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
    with torch.no_grad():
        pooled = encoder(torch.from_numpy(normalised)[None]).last_hidden_state.mean(dim=1)
    np.testing.assert_allclose(model.predict([signal]).scores, (pooled @ weight.T + bias).numpy(), atol=1e-5)
    with pytest.raises(ModelError, match="has no keys nothing"):
        load_model(str(folder), LoadOptions(head={"nothing": "linear"}))
    with pytest.raises(ModelError, match="unknown layout"):
        load_model(str(folder), LoadOptions(head={"emotion": "quadratic"}))


def test_do_normalize_of_the_preprocessor_is_obeyed(tmp_path):
    folder = write_checkpoint(tmp_path)
    signal = speech([16000])
    loud = [signal[0] * 3]
    model = load_model(str(folder))
    np.testing.assert_allclose(model.predict(signal).scores, model.predict(loud).scores, atol=1e-4)
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps({**settings, "do_normalize": False}))
    raw = load_model(str(folder))
    assert raw.fingerprint != model.fingerprint
    np.testing.assert_allclose(raw.predict(signal).scores, stock_forward(folder, signal), atol=1e-6)


def test_labels_come_from_id2label_and_problem_type_tells_the_task(tmp_path):
    folder = write_checkpoint(tmp_path, labels=EMOTIONS)
    model = load_model(str(folder))
    assert model.labels == tuple(EMOTIONS)
    assert model.task == "single_label"
    np.testing.assert_allclose(model.predict(speech([8000])).scores.sum(), 1, atol=1e-6)
    config = json.loads((folder / "config.json").read_text())
    config["problem_type"] = "multi_label_classification"
    (folder / "config.json").write_text(json.dumps(config))
    assert load_model(str(folder)).task == "multi_label"


def test_the_shortest_clip_of_wav2vec2_has_400_samples(tmp_path):
    model = load_model(str(write_checkpoint(tmp_path)))
    assert model.shortest == 400
    assert np.isfinite(model.predict(speech([400])).scores).all()


@pytest.mark.parametrize("kind", ["sew", "sew-d"])
def test_the_shortest_clip_of_sew_fills_the_frames_that_are_averaged(tmp_path, kind):
    front = {"conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}
    model = load_model(str(write_checkpoint(tmp_path, kind, **front)))
    assert model.shortest == 720
    assert np.isfinite(model.predict(speech([720])).scores).all()
    with pytest.raises(RuntimeError, match="Output size is too small"):
        model.predict(speech([719]))


def test_whisper_states_the_window_beyond_which_it_would_cut(tmp_path):
    model = load_model(str(write_checkpoint(tmp_path, "whisper")))
    assert model.longest == 480000


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_truncated_safetensors_are_one_sentence(tmp_path, share):
    folder = write_checkpoint(tmp_path)
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=r"model\.safetensors is not a complete safetensors file"):
        load_model(str(folder))


class Attack:
    """A pickle that would create a file when loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path):
    folder = write_checkpoint(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with (folder / "pytorch_model.bin").open("wb") as file:
        pickle.dump({"weight": Attack(tmp_path / "pwned")}, file, protocol=2)
    with pytest.raises(ModelError, match="contains more than tensors|cannot read the weights"):
        load_model(str(folder))
    assert not (tmp_path / "pwned").exists()


def test_pytorch_weights_of_tensors_alone_load(tmp_path):
    folder = write_checkpoint(tmp_path)
    signals = speech([8000, 5000])
    expected = load_model(str(folder)).predict(signals).scores
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    np.testing.assert_array_equal(load_model(str(folder)).predict(signals).scores, expected)


def test_directories_that_are_no_checkpoint_are_told_apart(tmp_path):
    with pytest.raises(ModelError, match="it has no config.json"):
        load_model(str(tmp_path))
    with pytest.raises(ModelError, match="no such directory"):
        load_model(str(tmp_path / "absent"))
    folder = write_checkpoint(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights"):
        load_model(str(folder))
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"cannot read .*config\.json"):
        load_model(str(folder))


def test_unknown_names_and_schemes_are_offered_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'default'"):
        load_model("defualt")
    with pytest.raises(ModelError, match="did you mean 'predictions'"):
        load_model("prediction:x.csv")
    with pytest.raises(ModelError, match="did you mean 'oracle'"):
        load_model("toy:oracl")


def test_hub_ids_load_from_the_cache_offline_and_say_so_when_absent(tmp_path, monkeypatch):
    cache = tmp_path / "hub"
    revision = "0123456789012345678901234567890123456789"
    snapshot = cache / "models--lab--ser" / "snapshots" / revision
    write_checkpoint(snapshot)
    (cache / "models--lab--ser" / "refs").mkdir()
    (cache / "models--lab--ser" / "refs" / "main").write_text(revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = load_model("lab/ser")
    assert model.name == "lab--ser"
    assert model.predict(speech([8000])).scores.shape == (1, 4)
    with pytest.raises(ModelError, match="lab/other is not in the local cache of the model hub"):
        load_model("hf:lab/other")


def test_a_device_that_is_not_here_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="device 'cuda:7' is not available"):
        load_model(str(write_checkpoint(tmp_path)), LoadOptions(device="cuda:7"))


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlicense: cc-by-nc-4.0\n---\n# A model", "cc-by-nc-4.0"),
        ("# A card without metadata", None),
        ("---\nlicense: [broken\n---\n", None),
    ],
)
def test_the_licence_is_what_the_model_card_states(tmp_path, card, expected):
    folder = write_checkpoint(tmp_path)
    (folder / "README.md").write_text(card)
    assert load_model(str(folder)).facts.get("licence") == expected


def test_the_embedded_model_names_no_folder_of_this_machine():
    model = load_model("default")
    assert model.name == "default"
    assert model.facts["source"] == "embedded in sertools"
    assert model.facts["licence"] == "apache-2.0"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, value):
    folder = write_checkpoint(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    tensors["projector.weight"][0, 0] = value
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"weights that are not finite numbers: projector\.weight"):
        load_model(str(folder))
