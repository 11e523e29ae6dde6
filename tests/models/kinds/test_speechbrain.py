"""Classifiers that SpeechBrain runs: scores are SpeechBrain's, and nothing is built without trust."""

import importlib.util

import numpy as np
import pytest
import torch

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech

INSTALLED = importlib.util.find_spec("speechbrain") and importlib.util.find_spec("torchaudio")
needs_speechbrain = pytest.mark.skipif(not INSTALLED, reason="the extra speechbrain is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of SpeechBrain and torchaudio

TRUST = LoadOptions(trust_remote_code=True)

YAML = """
n_mels: 20
sample_rate: 16000
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: !ref <n_mels>
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.Xvector.Xvector
    in_channels: !ref <n_mels>
    activation: !name:torch.nn.LeakyReLU
    tdnn_blocks: 2
    tdnn_channels: [8, 16]
    tdnn_kernel_sizes: [3, 1]
    tdnn_dilations: [1, 1]
    lin_neurons: 12
classifier: !new:speechbrain.lobes.models.Xvector.Classifier
    input_shape: [null, null, 12]
    activation: !name:torch.nn.LeakyReLU
    lin_blocks: 1
    lin_neurons: 12
    out_neurons: 3
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    classifier: !ref <classifier>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
        classifier: !ref <classifier>
        label_encoder: !ref <label_encoder>
    paths:
        embedding_model: {folder}/embedding_model.ckpt
        classifier: {folder}/classifier.ckpt
        label_encoder: {folder}/label_encoder.txt
"""
LABELS = "'ang' => 0\n'hap' => 1\n'sad' => 2\n================\n'starting_index' => 0\n"


@pytest.fixture
def folder(tmp_path):
    """An x-vector classifier in SpeechBrain's layout, with random weights."""
    from hyperpyyaml import load_hyperpyyaml

    text = YAML.replace("{folder}", str(tmp_path))
    (tmp_path / "hyperparams.yaml").write_text(text)
    (tmp_path / "label_encoder.txt").write_text(LABELS)
    torch.manual_seed(4)
    built = load_hyperpyyaml(text)
    for part in ("embedding_model", "classifier"):
        torch.save(built[part].state_dict(), tmp_path / f"{part}.ckpt")
    return tmp_path


@needs_speechbrain
def test_scores_are_those_of_speechbrain(folder):
    from speechbrain.inference.classifiers import EncoderClassifier

    model, signals = load_model(f"speechbrain:{folder}", TRUST), speech([16000, 9000, 24000])
    theirs = EncoderClassifier.from_hparams(source=str(folder))
    assert (model.labels, model.task, model.sampling_rate) == (("ang", "hap", "sad"), "single_label", 16000)
    for signal, scores in zip(signals, model.predict(signals).scores, strict=True):
        torch.manual_seed(0)  # its pooling adds noise
        with torch.no_grad():
            logs = theirs.classify_batch(torch.from_numpy(signal)[None])[0]
        np.testing.assert_allclose(scores, logs.exp()[0].numpy(), atol=1e-6)
        assert scores.sum() == pytest.approx(1, abs=1e-5)


@needs_speechbrain
def test_the_same_clip_has_the_same_scores_again_and_after_others(folder):
    first, second = (load_model(f"speechbrain:{folder}", TRUST) for _ in range(2))
    signals = speech([16000, 9000])
    scores = first.predict(signals).scores
    assert np.array_equal(second.predict(signals[::-1]).scores[::-1], scores)


@needs_speechbrain
def test_the_weights_are_those_of_the_folder_whatever_the_settings_name(folder, monkeypatch):
    expected = load_model(f"speechbrain:{folder}", TRUST).predict(speech([16000])).scores
    text = (folder / "hyperparams.yaml").read_text().replace(f"{folder}/", "!ref <pretrained_path>/")
    (folder / "hyperparams.yaml").write_text(f"pretrained_path: owner/elsewhere\n{text}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert np.array_equal(
        load_model(f"speechbrain:{folder}", TRUST).predict(speech([16000])).scores, expected
    )


@needs_speechbrain
def test_own_classes_run_and_are_named(folder):
    (folder / "custom_interface.py").write_text(
        "from speechbrain.inference.interfaces import Pretrained\n"
        "class Mine(Pretrained):\n"
        "    def classify_batch(self, wavs, wav_lens=None):\n"
        "        import torch\n"
        "        logits = torch.stack([wavs.mean(1), wavs.std(1), wavs.abs().amax(1)], 1)\n"
        "        return logits, None, None, None\n"
    )
    with pytest.raises(ModelError, match="neither probabilities nor their logarithms"):
        load_model(f"speechbrain:{folder}", TRUST)
    model = load_model(f"speechbrain:{folder}", LoadOptions(trust_remote_code=True, activation="softmax"))
    signal = speech([8000])[0]
    logits = np.array([signal.mean(), signal.std(ddof=1), np.abs(signal).max()])
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(model.predict([signal]).scores[0], expected, atol=1e-5)
    assert "custom_interface.py (6 lines)" in " ".join(model.facts["notes"])


@needs_speechbrain
def test_a_damaged_folder_is_one_sentence(folder):
    (folder / "classifier.ckpt").write_bytes(b"none")
    with pytest.raises(ModelError, match="SpeechBrain cannot build the classifier"):
        load_model(f"speechbrain:{folder}", TRUST)
    (folder / "hyperparams.yaml").unlink()
    with pytest.raises(ModelError, match=r"has no hyperparams\.yaml"):
        load_model(f"speechbrain:{folder}", TRUST)


def test_nothing_is_built_without_trust(tmp_path):
    (tmp_path / "hyperparams.yaml").write_text(f"a: !apply:os.mkdir ['{tmp_path}/mark']\n")
    with pytest.raises(ModelError, match="so that its code could run") as raised:
        load_model(f"speechbrain:{tmp_path}")
    assert raised.value.hint == "if you trust it: --trust-remote-code"
    assert not (tmp_path / "mark").exists()


def test_without_speechbrain_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="needs SpeechBrain, which is not installed") as raised:
        load_model(f"speechbrain:{tmp_path}", TRUST)
    assert raised.value.hint == "pip install speechbrain"
