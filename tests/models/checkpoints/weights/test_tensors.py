"""Files of weights: what is no checkpoint is one sentence, whatever kind of model it was meant for."""

import json
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from sertools.errors import ModelError
from sertools.models.checkpoints.frozen import frozen
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.load import load_model
from tests.helpers.checkpoints import write_checkpoint

RUBBISH = {
    "a text": b"this is no checkpoint\n" * 20,
    "nothing": b"",
    "a web page": b"<!DOCTYPE html>",
    "an opcode without its argument": b"\x80",
    "a stack that is empty": b"e.",
    "a mark that is missing": b"\x80\x02u.",
    "a memo that is missing": b"\x80\x02}h",
    "the start of an archive": b"PK\x03\x04",
    "a pickled list": pickle.dumps([1, 2]),
}
"""Bytes at which torch fails in ways of its own, by what they are."""

NO_NAMES = {
    "list": [torch.zeros(2)],
    "tensor": torch.zeros(2),
    "number": {1: torch.zeros(2)},
    "text": {"a": 1},
}


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "pytorch_model.bin", "model.safetensors"])
@pytest.mark.parametrize("content", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_is_one_sentence_that_names_the_file(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}") as told:
        tensors_in(tmp_path / name)
    assert len(str(told.value)) < 400 + len(str(tmp_path))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["weights.pth", "model.safetensors"])
def test_a_file_that_was_cut_off_is_one_sentence(tmp_path, name, share):
    path = tmp_path / name
    tensors = {"a.weight": torch.randn(50, 50)}
    save_file(tensors, path) if name.endswith("safetensors") else torch.save(tensors, path)
    whole = path.read_bytes()
    torch.testing.assert_close(tensors_in(path), tensors)
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelError, match="cannot read the weights|is not a complete safetensors file"):
        tensors_in(path)


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model", None])
def test_tensors_come_out_of_the_wrapper_of_the_training_loop(tmp_path, wrapper):
    tensors = {"a.weight": torch.arange(6.0)}
    torch.save({wrapper: tensors, "epoch": 3} if wrapper else tensors, tmp_path / "w.pt")
    torch.testing.assert_close(tensors_in(tmp_path / "w.pt"), tensors)


@pytest.mark.parametrize("content", NO_NAMES.values(), ids=NO_NAMES)
def test_what_holds_no_tensors_by_name_is_no_checkpoint(tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt is not a checkpoint: it does not contain named tensors"):
        tensors_in(tmp_path / "w.pt")


@pytest.mark.parametrize("content", RUBBISH.values(), ids=RUBBISH)
def test_no_kind_of_model_falls_over_rubbish(tmp_path, content):
    checkpoint = write_checkpoint(tmp_path / "hf")
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "pytorch_model.bin").write_bytes(content)
    (tmp_path / "cnn").mkdir()
    (tmp_path / "cnn" / "config.json").write_text(json.dumps({"labels": ["anger", "fear"]}))
    (tmp_path / "cnn" / "Cnn14.pth").write_bytes(content)
    for spec in (str(checkpoint), f"cnn14:{tmp_path / 'cnn'}"):
        with pytest.raises(ModelError, match=r"pytorch_model\.bin|Cnn14\.pth"):
            load_model(spec)
    from transformers import Wav2Vec2Model

    with pytest.raises(ModelError, match=r"pytorch_model\.bin"):
        frozen(Wav2Vec2Model, checkpoint)


def test_a_compressed_archive_is_refused_before_it_fills_the_memory(tmp_path):
    torch.save({"a": torch.zeros(100_000)}, tmp_path / "stored.pt")
    assert set(tensors_in(tmp_path / "stored.pt")) == {"a"}
    path = tmp_path / "weights.pt"
    with (
        zipfile.ZipFile(tmp_path / "stored.pt") as stored,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in stored.namelist():
            archive.writestr(name, stored.read(name))
    assert path.stat().st_size < 10_000
    with pytest.raises(ModelError, match=r"weights\.pt is compressed, and would take 0\.0 GB of memory"):
        tensors_in(path)
