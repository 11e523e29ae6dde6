"""The files of emotion2vec checkpoints, which are read before anything of FunASR is imported."""

from pathlib import Path

import pytest
import torch

from sertools.errors import ModelError
from sertools.models.checkpoints.emotion2vec_files import conv_layers, read
from sertools.models.load import LoadOptions, load_model
from tests.helpers.emotion2vec_checkpoints import CONVOLUTIONS, TOKENS, WIDTH, config, write_files


def test_convolutions_are_read_and_not_run():
    layers = conv_layers(CONVOLUTIONS, "config.yaml")
    assert layers == [(512, 10, 5), *[(512, 3, 2)] * 4, (512, 2, 2), (512, 2, 2)]
    assert conv_layers(repr(layers), "config.yaml") == layers


@pytest.mark.parametrize(
    "spec",
    [
        "__import__('os').system('touch owned')",
        "[(512, 10, 5)] * 9**9",
        "[(512, 10, 5)] * 999999999",
        "[(512, 10, 5)] * 8 * 8 * 8",
        "[(512, 10, __import__('os').getpid())]",
        "[(512, 10)]",
        "[(512, 0, 5)]",
        "[]",
        "((((",
        "(" * 5000,
        None,
        7,
    ],
)
def test_a_text_that_is_no_list_of_convolutions_is_refused(tmp_path, monkeypatch, spec):
    monkeypatch.chdir(tmp_path)
    folder = write_files(tmp_path / "m", config(feature_encoder_spec=spec), {"x": torch.zeros(1)}, [])
    with pytest.raises(ModelError, match="feature_encoder_spec"):
        load_model(f"emotion2vec:{folder}")
    assert not (tmp_path / "owned").exists()


class Malice:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_a_checkpoint_that_holds_code_is_refused_and_not_run(tmp_path):
    folder = write_files(tmp_path / "m", config(), None, [])
    torch.save({"model": Malice(tmp_path / "owned")}, folder / "model.pt")
    with pytest.raises(ModelError, match="contains more than tensors, and loading it could run code"):
        load_model(f"emotion2vec:{folder}")
    assert not (tmp_path / "owned").exists()


def test_broken_and_absent_files_are_sentences(tmp_path):
    def refused(message: str) -> None:
        with pytest.raises(ModelError, match=message):
            load_model(f"emotion2vec:{tmp_path / 'm'}")

    refused("is not an emotion2vec checkpoint: it has no config.yaml")
    write_files(tmp_path / "m", config(), None, TOKENS)
    refused("is not an emotion2vec checkpoint: it has no model.pt")
    (tmp_path / "m/model.pt").write_bytes(b"rubbish")
    refused(r"model\.pt")
    torch.save([1, 2], tmp_path / "m/model.pt")
    refused("is not a checkpoint: it does not contain named tensors")
    write_files(tmp_path / "m", config(), {"proj.weight": torch.zeros(4, WIDTH)}, TOKENS)
    refused("has 4 outputs, but .*tokens.txt names 9")
    write_files(tmp_path / "m", config(), {"x": torch.zeros(1)}, TOKENS)
    refused("names 9 classes, but .*model.pt has no classification head")
    write_files(tmp_path / "m", config() | {"model": "Paraformer"}, {"x": torch.zeros(1)}, [])
    refused("is for the model 'Paraformer', not Emotion2vec")
    for text in ("7", "model: Emotion2vec\nmodel_conf: {depth: 2}\n"):
        (tmp_path / "m/config.yaml").write_text(text)
        refused("is not a valid emotion2vec configuration")
    for text in ("model: [", "\x00"):
        (tmp_path / "m/config.yaml").write_text(text)
        refused("config.yaml is not valid YAML: ")


def test_prefixes_of_the_file_are_taken_off(tmp_path):
    state = {"d2v_model.a": torch.zeros(1), "module.b": torch.zeros(1), "proj.weight": torch.zeros(9, 2)}
    files = read(write_files(tmp_path / "m", config(), state, TOKENS))
    assert sorted(files.tensors) == ["a", "b", "proj.weight"]
    assert files.settings["modalities"]["audio"]["decoder"] is None, "nothing reads it after pre-training"


def test_labels_may_be_given(tmp_path):
    state = {"proj.weight": torch.zeros(9, WIDTH)}
    folder = write_files(tmp_path / "m", config(), state, TOKENS)
    with pytest.raises(ModelError, match="has 9 outputs, but there are 2 labels"):
        load_model(f"emotion2vec:{folder}", LoadOptions(labels=("a", "b")))
