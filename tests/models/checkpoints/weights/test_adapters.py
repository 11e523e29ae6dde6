"""PEFT adapters over their base equal the model of peft that they were saved from."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification, Wav2Vec2Model

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech, write_checkpoint

peft = pytest.importorskip("peft", reason="the extra lora is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # peft reads an old name

LENGTHS = [16000, 9000, 12345]
SIGNALS = speech(LENGTHS)
LABELS = ("anger", "happiness", "neutral", "sadness", "boredom")


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """A checkpoint with a head of four emotions, and the same encoder without a head."""
    whole = write_checkpoint(tmp_path_factory.mktemp("base") / "whole", feat_extract_norm="layer")
    bare = whole.with_name("bare")
    Wav2Vec2Model.from_pretrained(whole).save_pretrained(bare)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(bare)
    return {"whole": whole, "bare": bare}


def adapted(base: Path, folder: Path, *, outputs: int = 0, **settings):
    """The model of peft on a base, saved as an adapter; with a head of its own if it has outputs."""
    torch.manual_seed(8)
    named = {"num_labels": outputs} if outputs else {}
    model = Wav2Vec2ForSequenceClassification.from_pretrained(base, **named)
    head = {"modules_to_save": ["projector", "classifier"]} if outputs else {}
    config = peft.LoraConfig(
        **{"r": 4, "lora_alpha": 12, "target_modules": ["q_proj", "v_proj"], **head, **settings}
    )
    wrapped = peft.get_peft_model(model, config)
    for name, parameter in wrapped.named_parameters():
        if "lora_" in name or "modules_to_save" in name:
            parameter.data += 0.3 * torch.randn_like(parameter)
    wrapped.eval().save_pretrained(folder)
    return wrapped


def expected(wrapped) -> np.ndarray:
    found = []
    for signal in SIGNALS:
        scaled = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.no_grad():
            found.append(wrapped(input_values=torch.from_numpy(scaled)[None]).logits[0].softmax(-1).numpy())
    return np.stack(found)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True, "alpha_pattern": {"layers.1.attention.q_proj": 30}},
        {"use_dora": True, "rank_pattern": {"layers.0.attention.v_proj": 2}},
        {"target_modules": ["intermediate_dense", "conv"], "lora_bias": False, "bias": "lora_only"},
    ],
    ids=["lora", "rslora", "dora", "bias-and-convolution"],
)
def test_it_equals_the_model_of_peft(bases, tmp_path, settings):
    if settings.get("target_modules"):
        settings = {
            **settings,
            "target_modules": ["intermediate_dense", "feature_extractor.conv_layers.1.conv"],
        }
    wrapped = adapted(bases["whole"], tmp_path, **settings)
    wanted = expected(wrapped)
    model = load_model(str(tmp_path))
    np.testing.assert_allclose(model.predict(SIGNALS).scores, wanted, atol=1e-5)
    plain = load_model(str(bases["whole"])).predict(SIGNALS).scores
    assert np.abs(plain - wanted).max() > 1e-4, "the adapter must matter, or the test shows nothing"
    assert model.facts["notes"][0] == f"A LORA adapter was merged into its base, {bases['whole']}."
    assert {"adapter_config.json", "adapter_model.safetensors", "model.safetensors"} <= set(model.files)


def test_a_head_of_its_own_stands_on_a_bare_encoder(bases, tmp_path):
    wrapped = adapted(bases["bare"], tmp_path, outputs=5)
    model = load_model(str(tmp_path), LoadOptions(labels=LABELS))
    np.testing.assert_allclose(model.predict(SIGNALS).scores, expected(wrapped), atol=1e-5)
    assert model.labels == LABELS
    (tmp_path / "config.json").write_text(json.dumps({"id2label": dict(enumerate(LABELS))}))
    assert load_model(str(tmp_path)).labels == LABELS


def test_a_head_without_names_is_refused(bases, tmp_path):
    adapted(bases["bare"], tmp_path, outputs=5)
    with pytest.raises(ModelError, match="has 5 outputs, but neither it nor its base names them"):
        load_model(str(tmp_path))


def change(folder: Path, **settings) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_model_name_or_path": None}, "an adapter without a base"),
        ({"base_model_name_or_path": "./nowhere"}, r"adapter of \./nowhere, which cannot be loaded: no such"),
        ({"init_lora_weights": "pissa"}, "changes the weights of the base"),
        ({"megatron_config": {"x": 1}}, "names code of Megatron"),
        ({"r": 5}, "size mismatch"),
    ],
)  # fmt: skip
def test_what_cannot_be_merged_is_one_sentence(bases, tmp_path, settings, said):
    adapted(bases["whole"], tmp_path)
    change(tmp_path, **settings)
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))


def test_the_wrong_base_and_missing_weights_are_named(bases, tmp_path):
    adapted(bases["whole"], tmp_path / "a", target_modules=["out_proj"])
    tensors = load_file(tmp_path / "a" / "adapter_model.safetensors")
    renamed = {key.replace("encoder.layers.1", "encoder.layers.7"): value for key, value in tensors.items()}
    save_file(renamed, tmp_path / "a" / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"adapts layers that its base .* lacks: .*layers\.7"):
        load_model(str(tmp_path / "a"))
    (tmp_path / "a" / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no adapter_model\.safetensors"):
        load_model(str(tmp_path / "a"))


def test_the_fingerprint_follows_adapter_and_base(bases, tmp_path):
    adapted(bases["whole"], tmp_path)
    before = load_model(str(tmp_path)).fingerprint
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    save_file({key: value * 1.01 for key, value in tensors.items()}, tmp_path / "adapter_model.safetensors")
    assert load_model(str(tmp_path)).fingerprint != before


def test_without_peft_one_sentence_says_what_to_install(bases, tmp_path, monkeypatch):
    adapted(bases["whole"], tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(ModelError, match="needs peft, which is not installed") as raised:
        load_model(str(tmp_path))
    assert raised.value.hint == "pip install peft"
