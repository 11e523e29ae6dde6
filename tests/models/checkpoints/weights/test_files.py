"""Exactly the files that transformers reads decide the weights; what is absent is one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2Model

from sertools.errors import ModelError
from sertools.models.checkpoints.frozen import frozen
from sertools.models.checkpoints.weights.files import weight_files
from sertools.models.load import load_model
from tests.helpers.checkpoints import speech, write_audeering_checkpoint, write_checkpoint


def sharded(folder: Path, suffix: str = "safetensors") -> Path:
    """Splits the weights of a checkpoint into two parts with an index, as save_pretrained does."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    names = [f"{stem}-0000{i}-of-00002.{suffix}" for i in (1, 2)]
    keys = sorted(tensors)
    where = {key: names[i % 2] for i, key in enumerate(keys)}
    for name in names:
        part = {key: tensors[key] for key in keys if where[key] == name}
        if suffix == "safetensors":
            save_file(part, folder / name, metadata={"format": "pt"})
        else:
            torch.save(part, folder / name)
    index = folder / f"{stem}.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": where}))
    return index


def test_an_old_file_beside_the_weights_does_not_replace_the_head(tmp_path):
    folder, _, head = write_audeering_checkpoint(tmp_path)
    signals = speech([8000, 5000])
    expected = load_model(str(folder)).predict(signals).scores
    fingerprint = load_model(str(folder)).fingerprint
    for name in ("model_old.safetensors", "model.backup.safetensors"):
        save_file({key: torch.zeros_like(value) for key, value in head.items()}, folder / name)
    torch.save({key: torch.ones_like(value) for key, value in head.items()}, folder / "pytorch_model.bin")
    again = load_model(str(folder))
    np.testing.assert_array_equal(again.predict(signals).scores, expected)
    assert again.fingerprint == fingerprint
    assert [path.name for path in weight_files(folder)] == ["model.safetensors"]


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
@pytest.mark.parametrize("write", [write_checkpoint, lambda folder: write_audeering_checkpoint(folder)[0]])
def test_parts_that_an_index_lists_are_read_and_no_others(tmp_path, suffix, write):
    folder = write(tmp_path)
    signals = speech([8000, 5000])
    expected = load_model(str(folder)).predict(signals).scores
    index = sharded(folder, suffix)
    stray = index.name.split(".")[0] + f"-00001-of-00009.{suffix}"
    (folder / stray).write_bytes(b"left over from another checkpoint")
    np.testing.assert_array_equal(load_model(str(folder)).predict(signals).scores, expected)
    assert stray not in [path.name for path in weight_files(folder)]


def test_a_file_that_config_json_names_is_the_one_that_is_read(tmp_path):
    folder = write_checkpoint(tmp_path)
    expected = load_model(str(folder)).predict(speech([8000])).scores
    other = {key: torch.zeros_like(value) for key, value in load_file(folder / "model.safetensors").items()}
    (folder / "model.safetensors").rename(folder / "best.safetensors")
    save_file(other, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"transformers_weights": "best.safetensors"}))
    np.testing.assert_array_equal(load_model(str(folder)).predict(speech([8000])).scores, expected)
    for name in ("../best.safetensors", "best.bin", 7):
        (folder / "config.json").write_text(json.dumps(config | {"transformers_weights": name}))
        with pytest.raises(
            ModelError, match="transformers_weights is .*not a safetensors file in its folder"
        ):
            load_model(str(folder))


def test_parts_without_their_index_are_one_sentence(tmp_path):
    sharded(write_checkpoint(tmp_path)).unlink()
    for load in (lambda: load_model(str(tmp_path)), lambda: frozen(Wav2Vec2Model, tmp_path)):
        with pytest.raises(
            ModelError,
            match=r"has parts of the weights \(model-00001-of-00002\.safetensors\), but not their index "
            r"model\.safetensors\.index\.json",
        ):
            load()


def test_a_part_that_is_missing_is_named(tmp_path):
    sharded(write_checkpoint(tmp_path))
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(
        ModelError, match=r"lacks 1 of the 2 weight files .*: model-00002-of-00002\.safetensors"
    ):
        load_model(str(tmp_path))


INDEXES = [
    ("{}", "has no weight_map"),
    ('{"weight_map": {}}', "has no weight_map"),
    ("[]", "has no weight_map"),
    ("{", "is not valid JSON|cannot be read|JSON"),
    (
        '{"weight_map": {"a": "../model.safetensors"}}',
        r"names '\.\./model\.safetensors', which is not a file in",
    ),
]


@pytest.mark.parametrize(("content", "said"), INDEXES)
def test_an_index_that_cannot_be_used_is_one_sentence(tmp_path, content, said):
    sharded(write_checkpoint(tmp_path)).write_text(content)
    with pytest.raises(ModelError, match=said) as told:
        load_model(str(tmp_path))
    assert "\n" not in str(told.value)
