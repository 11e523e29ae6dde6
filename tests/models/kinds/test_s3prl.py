"""Upstreams of s3prl: layers and frames are those that s3prl returns; other names are one sentence."""

import importlib.util
import os

import numpy as np
import pytest
import torch

from sertools.errors import ModelError
from sertools.models.kinds.s3prl import _module
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech

INSTALLED = all(importlib.util.find_spec(name) for name in ("s3prl", "torchaudio"))
needs_s3prl = pytest.mark.skipif(not INSTALLED, reason="the extra s3prl is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of s3prl and torchaudio

PARAS = {"hidden_size": 24, "num_layers": 3, "dropout": 0.0, "residual": True}
AUDIO = {
    "feat_type": "fbank", "feat_dim": 20, "frame_length": 25, "frame_shift": 10, "decode_wav": False,
    "cmvn": True,
}  # fmt: skip


class Note:
    """An object that a pickle of tensors does not hold."""


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint of APC in s3prl's layout, with random weights."""
    from s3prl.upstream.apc.apc import APC

    torch.manual_seed(2)
    model = APC(20, **PARAS)
    path = tmp_path / "apc.ckpt"
    torch.save(
        {"config": {"data": {"audio": AUDIO}, "model": {"paras": PARAS}}, "model": model.state_dict()}, path
    )
    return path


@needs_s3prl
def test_filter_banks_equal_the_built_in_ones():
    signal = speech([9000])[0]
    theirs = load_model("s3prl:fbank").predict_frames([signal])[1][0]
    ours = load_model("fbank").predict_frames([signal])[1][0]
    np.testing.assert_allclose(theirs.states[0], ours.states[0], atol=2e-2)  # float32 scaled by clip
    assert np.corrcoef(theirs.states[0].ravel(), ours.states[0].ravel())[0, 1] > 0.99999
    assert (theirs.step_s, ours.step_s) == ((0.01,), (0.01,))


@needs_s3prl
def test_layers_are_the_hidden_states_of_s3prl(checkpoint):
    from s3prl.upstream.apc.hubconf import apc_local

    model, signals = load_model(f"s3prl:apc_local@{checkpoint}"), speech([9000, 16000, 5000])
    upstream = apc_local(str(checkpoint)).eval()
    outputs, frames = model.predict_frames(signals)
    for i, signal in enumerate(signals):
        with torch.no_grad():
            states = upstream([torch.from_numpy(signal)])["hidden_states"]
        assert len(frames[i].states) == len(states) == outputs.layers.shape[1]
        for layer, state in enumerate(states):
            np.testing.assert_allclose(frames[i].states[layer], state[0].numpy(), atol=1e-6)
            mean = outputs.layers[i, layer, : state.shape[-1]]
            np.testing.assert_allclose(mean, state[0].mean(0).numpy(), atol=1e-5)
    assert (model.task, model.labels, outputs.scores.shape) == ("encoder", (), (3, 0))
    np.testing.assert_array_equal(model.predict(signals, layers=True).layers, outputs.layers)
    # in place of what the upstream downloads, the same file has the same layers
    same = load_model(f"s3prl:vq_apc@{checkpoint}")
    np.testing.assert_array_equal(same.predict(signals, layers=True).layers, outputs.layers)


@needs_s3prl
def test_a_file_without_all_weights_is_refused_where_s3prl_would_keep_random_ones(tmp_path):
    path = tmp_path / "empty.pt"
    torch.save({"config": {}, "weights": {}}, path)
    with pytest.raises(ModelError, match=r"empty.pt lacks \d+ of \d+ tensors of the upstream, such as"):
        load_model(f"s3prl:modified_cpc@{path}")


@needs_s3prl
def test_the_shortest_clip_still_has_a_frame(checkpoint):
    model = load_model(f"s3prl:apc_local@{checkpoint}")
    sound = speech([model.shortest])
    assert np.isfinite(model.predict(sound, layers=True).layers).all()


@needs_s3prl
def test_weights_that_may_run_code_need_trust(checkpoint):
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, "note": Note()}, checkpoint)
    with pytest.raises(ModelError, match="could run code"):
        load_model(f"s3prl:apc_local@{checkpoint}")
    model = load_model(f"s3prl:apc_local@{checkpoint}", LoadOptions(trust_remote_code=True))
    assert model.facts["parameters"] > 0
    assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD" not in os.environ


@needs_s3prl
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("s3prl:apcc", "s3prl has no upstream 'apcc'"),
        ("s3prl:apc_local", "take a file, and others take none"),
        ("s3prl:fbank@x.ckpt", "take a file, and others take none"),
        ("s3prl:apc_local@nowhere.ckpt", r"no such file: nowhere\.ckpt"),
        ("s3prl:apc@nowhere.ckpt", r"no such file: nowhere\.ckpt"),
        ("s3prl:wav2vec2_local@{checkpoint}", "cannot be loaded: .* required key: task_cfg is missing"),
        ("s3prl:pase_plus@{checkpoint}", r"no such file: .*PASE\+\.cfg"),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence(spec, said, checkpoint):
    with pytest.raises(ModelError, match=said):
        load_model(spec.format(checkpoint=checkpoint))


@needs_s3prl
def test_of_two_functions_with_the_same_name_that_of_its_own_folder_is_taken():
    assert _module("wav2vec2_local").__name__ == "s3prl.upstream.wav2vec2.hubconf"  # vq_wav2vec has one too


@needs_s3prl
def test_without_a_network_one_sentence_names_the_server(monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr("s3prl.util.download._download_dir", tmp_path)
    with pytest.raises(
        ModelError, match=r"s3prl:apc cannot be downloaded: huggingface.co cannot be"
    ) as raised:
        load_model("s3prl:apc")
    assert raised.value.hint.endswith("s3prl:apc_local@FILE")


def test_without_s3prl_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="needs s3prl, which is not installed") as raised:
        load_model("s3prl:tera")
    assert raised.value.hint == "pip install s3prl torchaudio"
