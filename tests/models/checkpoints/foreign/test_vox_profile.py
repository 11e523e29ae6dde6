"""Emotion models of Vox-Profile equal the network of their authors, rebuilt here."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import WavLMConfig, WavLMModel

from sertools.errors import ModelError
from sertools.models.checkpoints import foreign_layouts
from sertools.models.checkpoints.foreign import vox_profile
from sertools.models.load import load_model
from tests.helpers.checkpoints import SMALL, speech

LENGTHS = [16000, 9000, 24321, 5000]
LARGE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
"""Settings in which the large encoder differs from the default."""

RANK = 3


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    for name, settings in (("wavlm_large", LARGE), ("wavlm", {})):
        encoder = vox_profile.ENCODERS[name]
        small = {"model_type": "wavlm", **SMALL, **settings}
        monkeypatch.setitem(foreign_layouts.KNOWN_ENCODERS, encoder, small)


def branch(outputs: int, *last: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, outputs), *last)


class Wrapper(nn.Module):
    """The authors' network: convolutions over time with kernel 1, and one softmax weight per layer."""

    def __init__(self, kind: str, *, emotions: bool, conv: bool, lora: bool) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.kind, self.conv = kind, conv
        settings = LARGE if kind == "wavlm_large" else {}
        self.backbone_model = WavLMModel(WavLMConfig(**SMALL, **settings))
        self.model_seq = nn.Sequential(
            nn.Conv1d(32, 24, 1), nn.ReLU(), nn.Dropout(0.1),
            nn.Conv1d(24, 24, 1), nn.ReLU(), nn.Dropout(0.1),
            nn.Conv1d(24, 24, 1),
        )  # fmt: skip
        self.weights = nn.Parameter(torch.randn(3 if conv else 2))
        if emotions:
            self.emotion_layer, self.detailed_out_layer = branch(9), branch(17)
        for name in ("arousal", "valence", "dominance"):
            setattr(self, f"{name}_layer", branch(1, nn.Sigmoid()))
        for parameter in self.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        upper = "encoder.layers.1.feed_forward"
        self.adapters = {
            f"{upper}.intermediate_dense": (torch.randn(RANK, 32), torch.randn(64, RANK)),
            f"{upper}.output_dense": (torch.randn(RANK, 64), torch.randn(32, RANK)),
        } if lora else {}  # fmt: skip
        self.eval()

    def forward(self, signal: np.ndarray) -> dict[str, torch.Tensor]:
        if self.kind == "wavlm_large":
            signal = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        hooks = [
            self.backbone_model.get_submodule(name).register_forward_hook(
                lambda _, given, out, down=down, up=up: out + given[0] @ down.T @ up.T / RANK
            )
            for name, (down, up) in self.adapters.items()
        ]
        with torch.no_grad():
            found = self.backbone_model(torch.from_numpy(signal)[None], output_hidden_states=True)
            states = torch.stack(found.hidden_states)[0 if self.conv else 1 :]
            mixed = sum(w * s for w, s in zip(torch.softmax(self.weights, 0), states, strict=True))
            pooled = self.model_seq(mixed.transpose(1, 2)).transpose(1, 2).mean(dim=1)
            heads = {name: part(pooled)[0] for name, part in self.named_children() if name.endswith("_layer")}
        for hook in hooks:
            hook.remove()
        return heads


def write(folder: Path, kind="wavlm_large", *, emotions=True, conv=True, lora=False, **settings) -> Wrapper:
    model = Wrapper(kind, emotions=emotions, conv=conv, lora=lora)
    content = {
        "pretrain_model": kind, "hidden_dim": 24, "finetune_method": "lora" if lora else "finetune",
        "lora_rank": RANK, "freeze_params": True, "output_class_num": 9, "use_conv_output": conv,
        "detailed_class_num": 17, **settings,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(content))
    tensors = {key: tensor.contiguous() for key, tensor in model.state_dict().items()}
    for name, (down, up) in model.adapters.items():
        tensors |= {f"backbone_model.{name}.lora_A": down, f"backbone_model.{name}.lora_B": up}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return model


@pytest.mark.parametrize(
    ("kind", "conv", "lora"),
    [("wavlm_large", True, False), ("wavlm_large", False, True), ("wavlm", True, True)],
)
def test_emotions_equal_the_network_of_its_authors(tmp_path, kind, conv, lora):
    original, signals = write(tmp_path, kind, conv=conv, lora=lora), speech(LENGTHS)
    expected = torch.stack([original(s)["emotion_layer"].softmax(-1) for s in signals]).numpy()
    assert expected.std(axis=0).max() > 1e-3, "the clips must differ, or the test shows nothing"
    model = load_model(str(tmp_path))
    assert (model.labels, model.task) == (vox_profile.EMOTIONS, "single_label")
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    outputs, frames = model.predict_frames(signals)
    np.testing.assert_allclose(outputs.scores, expected, atol=1e-5)
    assert len(frames[0].states) == 3
    assert "detailed_out_layer, arousal_layer" in model.facts["notes"][0]


def test_an_adapter_that_is_left_out_would_be_seen(tmp_path):
    signals = speech(LENGTHS)
    original = write(tmp_path, lora=True)
    with_adapter = original(signals[0])["emotion_layer"]
    original.adapters = {}
    assert (with_adapter - original(signals[0])["emotion_layer"]).abs().max() > 1e-2


def test_dimensions_equal_the_network_of_its_authors(tmp_path):
    original, signals = write(tmp_path, emotions=False), speech(LENGTHS)
    names = ("arousal", "valence", "dominance")
    expected = torch.stack([torch.cat([original(s)[f"{n}_layer"] for n in names]) for s in signals]).numpy()
    model = load_model(str(tmp_path))
    assert (model.labels, model.task) == (names, "regression")
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    assert model.facts["notes"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("weights"), "lacks weights"),
        (lambda t: t.pop("emotion_layer.2.bias"), "lacks emotion_layer.2.bias"),
        (lambda t: t.update({"extra_layer.0.weight": torch.ones(1)}), "would not be read: extra_layer"),
        (lambda t: t.update({"model_seq.0.weight": torch.ones(24, 31, 1)}), r"has shape \(24, 31, 1\)"),
        (lambda t: t.update({"weights": torch.full((3,), torch.nan)}), "not finite"),
        (
            lambda t: t.pop("backbone_model.encoder.layers.1.feed_forward.output_dense.lora_B"),
            "adapter that does not fit",
        ),
        (lambda t: t.pop("backbone_model.encoder.layer_norm.weight"), "lacks keys of WavLMModel"),
    ],
)
def test_every_key_is_needed_and_read(tmp_path, change, said):
    write(tmp_path, lora=True)
    tensors = load_file(tmp_path / "model.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"pretrain_model": "whisper_large"}, "only WavLM is read here"),
        ({"finetune_method": "adapter"}, "which is not read here"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, settings, said):
    write(tmp_path, **settings)
    with pytest.raises(ModelError, match=said):
        load_model(str(tmp_path))
