"""What a checkpoint holds and nobody would read is refused by name, unless no prediction depends on it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech, write_audeering_checkpoint, write_checkpoint


def add(folder: Path, **added: torch.Tensor) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path) | {key.replace("__", "."): value for key, value in added.items()}
    save_file(tensors, path, metadata={"format": "pt"})


def audeering(folder: Path) -> Path:
    return write_audeering_checkpoint(folder)[0]


BOTH = pytest.mark.parametrize("write", [write_checkpoint, audeering])


@BOTH
def test_fewer_layers_in_config_json_than_the_checkpoint_holds_are_refused(tmp_path, write):
    folder = write(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    with pytest.raises(
        ModelError,
        match=r"would not read: .*layers\.1\..*config.json describes 1 layers, but the checkpoint holds 2",
    ):
        load_model(str(folder))


@BOTH
@pytest.mark.parametrize(
    "key",
    [
        "wav2vec2__encoder__layers__0__attention__q_proj__extra",
        "wav2vec2__adapter__layers__0__conv__weight",
        "wav2vec2__mixer__weight",
    ],
)
def test_unread_keys_of_the_encoder_are_refused_by_name(tmp_path, write, key):
    folder = write(tmp_path)
    add(folder, **{key: torch.ones(2)})
    with pytest.raises(ModelError, match="weights of the encoder that .* would not read: ") as told:
        load_model(str(folder))
    assert key.rpartition("__")[2] in str(told.value)


@BOTH
@pytest.mark.parametrize(
    "key",
    [
        "wav2vec2__encoder__layers__0__attention__q_proj__lora_A__weight",
        "base_model__model__wav2vec2__encoder__layers__0__attention__q_proj__lora_B__default__weight",
        "classifier__modules_to_save__default__weight",
    ],
)
def test_an_adapter_beside_plain_weights_is_refused(tmp_path, write, key):
    folder = write(tmp_path)
    add(folder, **{key: torch.ones(2, 2)})
    with pytest.raises(ModelError, match=r"contains an adapter \(LoRA\) in addition to the base.*merge"):
        load_model(str(folder))


def test_half_of_a_head_is_refused(tmp_path):
    folder = audeering(tmp_path)
    with pytest.raises(
        ModelError,
        match=r"--head classifier\.out_proj=linear reads only a part .*: classifier\.dense\.bias, "
        r"classifier\.dense\.weight would not be read",
    ):
        load_model(str(folder), LoadOptions(head={"classifier.out_proj": "linear"}))


@BOTH
def test_a_second_head_is_refused_unless_the_user_names_the_first(tmp_path, write):
    folder = write(tmp_path)
    add(folder, speaker__weight=torch.ones(5, 32), speaker__bias=torch.ones(5))
    layout = "native" if write is write_checkpoint else "dense-tanh-out"
    with pytest.raises(ModelError, match=r"would not be read: speaker\.bias, speaker\.weight") as refused:
        load_model(str(folder))
    assert f"--head classifier={layout} leaves out the other keys" in refused.value.hint
    model = load_model(str(folder), LoadOptions(head={"classifier": layout}))
    assert model.facts["unexpected_keys"] == ["speaker.bias", "speaker.weight"]
    assert model.predict(speech([8000])).scores.shape[0] == 1


def test_a_head_that_nobody_knows_never_makes_a_bare_encoder(tmp_path):
    folder = audeering(tmp_path)
    tensors = load_file(folder / "model.safetensors")
    renamed = {key.replace("classifier.dense", "mlp.0").replace("classifier.out_proj", "mlp.2"): value
               for key, value in tensors.items()}  # fmt: skip
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["MyEmotionModel"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        ModelError,
        match=r"no head that is known here; .*: mlp\.0\.bias, .*dense=mlp\.0, act=tanh, out=mlp\.2",
    ):
        load_model(str(folder))
    assert load_model(str(folder), LoadOptions(head={"mlp": "none"})).task == "encoder"


@BOTH
def test_keys_of_pre_training_are_reported_and_change_nothing(tmp_path, write):
    folder = write(tmp_path)
    expected = load_model(str(folder)).predict(speech([8000])).scores
    add(
        folder,
        quantizer__codevectors=torch.ones(2),
        project_q__weight=torch.ones(2),
        lm_head__weight=torch.ones(2),
    )
    model = load_model(str(folder))
    assert model.facts["unexpected_keys"] == ["lm_head.weight", "project_q.weight", "quantizer.codevectors"]
    assert (model.predict(speech([8000])).scores == expected).all()


def test_the_mask_vector_of_pre_training_may_be_there(tmp_path):
    folder = audeering(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    no_masks = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config | no_masks))
    add(folder, wav2vec2__masked_spec_embed=torch.ones(32))
    assert load_model(str(folder)).task == "regression"
