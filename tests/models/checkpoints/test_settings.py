"""A checkpoint whose settings are absurd or name code is refused at once, in one sentence."""

import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from sertools.errors import ModelError
from sertools.models.checkpoints.frozen import frozen
from sertools.models.load import load_model
from tests.helpers.checkpoints import write_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    load_model("default")  # so that imports are not timed
    return write_checkpoint(tmp_path_factory.mktemp("whole") / "m")


def changed(checkpoint: Path, folder: Path, name: str = "config.json", **keys: Any) -> Path:
    """A copy of the checkpoint in which a settings file has other keys."""
    folder.mkdir()
    for path in checkpoint.iterdir():
        os.link(path, folder / path.name)
    content = json.loads((folder / name).read_text()) | keys
    (folder / name).unlink()
    (folder / name).write_text(json.dumps(content))
    return folder


ABSURD = [
    {"num_hidden_layers": 10**9},
    {"num_hidden_layers": 900},
    {"hidden_size": 10**9},
    {"hidden_size": 2**20 - 32},
    {"intermediate_size": 10**12},
    {"intermediate_size": 2**19},
    {"conv_dim": [10**9] * 7},
    {"conv_kernel": [10**9] * 7},
    {"num_attention_heads": 10**9},
    {"num_conv_pos_embeddings": 10**9},
    {"vocab_size": 10**12},
    {"num_labels": 10**9},
    {"classifier_proj_size": 10**9},
    {"hidden_size": 10**400},
    {"num_feat_extract_layers": 10**9},
    {"conv_stride": [5, 2, 2, 2, 0, 2, 2]},
]


@pytest.mark.parametrize(
    "keys", ABSURD, ids=lambda keys: "-".join(f"{k}={str(v)[:9]}" for k, v in keys.items())
)
def test_an_absurd_size_is_refused_within_a_second_and_without_memory(checkpoint, tmp_path, keys):
    folder = changed(checkpoint, tmp_path / "m", **keys)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ModelError, match=r"config\.json") as told:
        load_model(str(folder))
    assert time.process_time() - start < 5  # one second on an idle machine
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    assert "\n" not in told.value.message


LONG = b"x" * 100
"""Written a million times, so that no test holds the bytes while others run."""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"[" * 5000 + b"]" * 5000),
        ("config.json", b'{"a":' * 5000 + b"1" + b"}" * 5000),
        ("config.json", b'{"a": "' + LONG + b'"}'),
        ("config.json", b"[]"),
        ("config.json", b"null"),
        ("preprocessor_config.json", b"[" * 5000),
        ("preprocessor_config.json", b'"' + LONG + b'"'),
        ("preprocessor_config.json", b"3"),
    ],
    ids=lambda content: str(content[:12])[:12],
)
def test_settings_that_are_too_large_or_too_deep_are_refused(checkpoint, tmp_path, name, content):
    folder = changed(checkpoint, tmp_path / "m")
    (folder / name).unlink()
    (folder / name).write_bytes(content.replace(LONG, LONG * 2**20))
    start = time.process_time()
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        load_model(str(folder))
    assert time.process_time() - start < 2


def test_settings_that_are_a_pipe_do_not_wait_for_a_writer(checkpoint, tmp_path):
    folder = changed(checkpoint, tmp_path / "m")
    (folder / "preprocessor_config.json").unlink()
    os.mkfifo(folder / "preprocessor_config.json")
    with pytest.raises(ModelError, match="preprocessor_config.json is not a regular file"):
        load_model(str(folder))


@pytest.mark.parametrize("rate", [10**12, 768_001, 0, -1, "16000", None, True, 1e400])
def test_a_sampling_rate_that_no_model_has_is_refused(checkpoint, tmp_path, rate):
    folder = changed(checkpoint, tmp_path / "m", "preprocessor_config.json", sampling_rate=rate)
    with pytest.raises(ModelError, match="sampling_rate is"):
        load_model(str(folder))


KERNELS = [
    {"attn_implementation": "kernels-community/flash-attn"},
    {"_attn_implementation": "someone/evil@main:kernel"},
    {"_attn_implementation_internal": "someone/evil"},
    {"attn_implementation": {"": "someone/evil"}},
    {"text_config": {"attn_implementation": "someone/evil"}},
    {"experts_implementation": "someone/evil"},
    {"use_kernels": True},
]


@pytest.mark.parametrize("keys", KERNELS, ids=lambda keys: "-".join(keys))
def test_a_key_that_loads_code_from_the_hub_is_refused(checkpoint, tmp_path, keys):
    folder = changed(checkpoint, tmp_path / "m", **keys)
    with pytest.raises(ModelError, match="which loads code from the model hub") as told:
        load_model(str(folder))
    assert "--trust-remote-code" in told.value.hint
    from transformers import Wav2Vec2Model

    with pytest.raises(ModelError, match="which loads code from the model hub"):
        frozen(Wav2Vec2Model, folder)


def test_a_plain_attention_is_not_refused(checkpoint, tmp_path):
    folder = changed(checkpoint, tmp_path / "m", attn_implementation="eager")
    assert load_model(str(folder)).labels == load_model(str(checkpoint)).labels


def said(spec: str) -> str:
    """Why a model is refused; empty if it is not, because transformers repairs its settings."""
    try:
        load_model(spec)
    except ModelError as error:
        return error.message
    return ""


ODD = [
    {"id2label": {"0": "a", "2": "b"}},
    {"id2label": 3},
    {"id2label": ["a", "b"]},
    {"architectures": 5},
    {"architectures": [{}]},
    {"problem_type": 7},
    {"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}},
    {"quantization_config": {"quant_method": "gptq", "bits": 4}},
    {"quantization_config": 4},
    {"hidden_size": 33},
    {"hidden_size": "32"},
    {"hidden_act": "no such function"},
    {"conv_dim": []},
    {"conv_stride": [0] * 7},
    {"num_attention_heads": 0},
    {"model_type": ["wav2vec2"]},
    {"model_type": {}},
    {"feat_extract_norm": 3},
    {"attn_implementation": "flash_attention_2"},
    {"dtype": "no_such_dtype"},
    {"layer_norm_eps": "a"},
]


@pytest.mark.parametrize("keys", ODD, ids=lambda keys: "-".join(f"{k}={v}"[:40] for k, v in keys.items()))
def test_settings_that_transformers_does_not_expect_are_one_sentence(checkpoint, tmp_path, keys):
    assert "\n" not in said(str(changed(checkpoint, tmp_path / "m", **keys)))
