"""Each entry of the table of heads equals the class of its authors, rebuilt here, alone and in batches."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, Wav2Vec2FeatureExtractor

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import EMOTIONS, SMALL, speech

LENGTHS = [16000, 9000, 24321, 5000]


class Head(torch.nn.Module):
    """`ClassificationHead` of the templates: dropout, dense, tanh, dropout, last layer (named by `last`)."""

    def __init__(self, size: int, outputs: int, last: str) -> None:
        super().__init__()
        self.dense = torch.nn.Linear(size, size)
        self.dropout = torch.nn.Dropout(0.1)
        setattr(self, last, torch.nn.Linear(size, outputs))
        self.last = last

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        states = torch.tanh(self.dense(self.dropout(features)))
        return getattr(self, self.last)(self.dropout(states))


class Template(torch.nn.Module):
    """`Wav2Vec2ForSpeechClassification`: encoder, merged strategy over all frames, head."""

    def __init__(self, name: str, encoder: torch.nn.Module, heads: dict[str, Head], mode: str) -> None:
        super().__init__()
        self.encoder_name, self.mode = name, mode
        setattr(self, name, encoder)
        for key, head in heads.items():
            setattr(self, key, head)
        self.heads = list(heads)

    def merged_strategy(self, states: torch.Tensor) -> torch.Tensor:
        if self.mode == "mean":
            return torch.mean(states, dim=1)
        if self.mode == "sum":
            return torch.sum(states, dim=1)
        return torch.max(states, dim=1)[0]

    def forward(self, signal: torch.Tensor) -> list[torch.Tensor]:
        pooled = self.merged_strategy(getattr(self, self.encoder_name)(signal)[0])
        return [getattr(self, key)(pooled) for key in self.heads]


def write_template(
    folder: Path,
    heads: dict[str, tuple[int, str]],
    *,
    model_type: str = "wav2vec2",
    mode: str = "mean",
    labels: list[str] | None = None,
    **settings: object,
) -> Template:
    """A checkpoint of a template; heads are prefix → number of outputs and name of the last layer."""
    torch.manual_seed(1)
    labels = labels or EMOTIONS
    config = AutoConfig.for_model(
        model_type,
        **SMALL,
        **settings,
        id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)},
    )
    config.architectures = ["Wav2Vec2ForSpeechClassification"]
    encoder = AutoModel.from_config(config)
    name = encoder.base_model_prefix
    built = {key: Head(config.hidden_size, outputs, last) for key, (outputs, last) in heads.items()}
    model = Template(name, encoder, built, mode).eval()
    config.save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    save_file(
        {key: tensor.contiguous() for key, tensor in model.state_dict().items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    return model


def original(model: Template, signals: list[np.ndarray]) -> list[list[torch.Tensor]]:
    """Outputs of each head, clip by clip: no clip is padded."""
    rows = []
    for signal in signals:
        normalised = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.no_grad():
            rows.append([output[0] for output in model(torch.from_numpy(normalised)[None])])
    return rows


def check_equal(folder: Path, expected: np.ndarray, signals: list[np.ndarray]) -> None:
    model = load_model(str(folder))
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    with_layers = model.predict(signals, layers=True)
    np.testing.assert_allclose(with_layers.scores, expected, atol=1e-5)
    assert expected.std(axis=0).max() > 5e-5, "the clips must differ, or the test shows nothing"


@pytest.mark.parametrize("mode", ["mean", "max", "sum"])
@pytest.mark.parametrize("model_type", ["wav2vec2", "hubert", "wavlm"])
def test_pooling_mode_of_the_template_is_obeyed(tmp_path, model_type, mode):
    template = write_template(
        tmp_path, {"classifier": (4, "out_proj")}, model_type=model_type, mode=mode, pooling_mode=mode
    )
    signals = speech(LENGTHS)
    expected = torch.stack([row[0].softmax(-1) for row in original(template, signals)]).numpy()
    check_equal(tmp_path, expected, signals)
    assert load_model(str(tmp_path)).facts["pooling"] == mode


def test_pooling_modes_differ_by_far_more_than_the_tolerance(tmp_path):
    scores = []
    for mode in ("mean", "max", "sum"):
        write_template(tmp_path / mode, {"classifier": (4, "out_proj")}, mode=mode, pooling_mode=mode)
        scores.append(load_model(str(tmp_path / mode)).predict(speech(LENGTHS)).scores)
    assert min(np.abs(scores[0] - scores[1]).max(), np.abs(scores[0] - scores[2]).max()) > 0.01


def test_a_pooling_mode_that_nobody_knows_is_refused(tmp_path):
    write_template(tmp_path, {"classifier": (4, "out_proj")}, pooling_mode="attention")
    with pytest.raises(ModelError, match=r"pooling_mode is 'attention', which is not one of mean, max, sum"):
        load_model(str(tmp_path))


@pytest.mark.parametrize("mode", [None, "mean"])
def test_the_head_of_ehcalabres_equals_its_class(tmp_path, mode):
    stated = {"pooling_mode": mode} if mode else {}
    template = write_template(tmp_path, {"classifier": (4, "output")}, **stated)
    signals = speech(LENGTHS)
    expected = torch.stack([row[0].softmax(-1) for row in original(template, signals)]).numpy()
    check_equal(tmp_path, expected, signals)
    assert load_model(str(tmp_path)).facts["head"] == "dense-tanh-output"


@pytest.mark.parametrize("labels", [EMOTIONS[:2], ["age", "female", "male", "child"]])
def test_the_two_heads_for_age_and_gender_equal_their_class(tmp_path, labels):
    heads = {"age": (1, "out_proj"), "gender": (3, "out_proj")}
    template = write_template(tmp_path, heads, labels=labels, feat_extract_norm="layer", conv_bias=True)
    signals = speech(LENGTHS)
    rows = [torch.cat([age, gender.softmax(-1)]) for age, gender in original(template, signals)]
    check_equal(tmp_path, torch.stack(rows).numpy(), signals)
    model = load_model(str(tmp_path))
    assert model.labels == ("age", "female", "male", "child")
    assert model.task == "regression"
    assert model.facts["unexpected_keys"] == []


def change(folder: Path, **changed: torch.Tensor | None) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path) | {key.replace("__", "."): value for key, value in changed.items()}
    kept = {key: value for key, value in tensors.items() if value is not None}
    save_file(kept, path, metadata={"format": "pt"})


BROKEN_HEADS = [
    (
        {"classifier__dense__weight": torch.zeros(32, 48)},
        r"classifier\.dense\.weight has shape \(32, 48\), but must have \(outputs, 32\)",
    ),
    (
        {"classifier__out_proj__weight": torch.zeros(4, 16)},
        r"classifier\.out_proj\.weight has shape \(4, 16\), but must have \(outputs, 32\)",
    ),
    (
        {"classifier__out_proj__bias": torch.zeros(3)},
        r"classifier\.out_proj\.bias has shape \(3,\), but classifier\.out_proj\.weight has 4 outputs",
    ),
    ({"classifier__dense__weight": torch.zeros(32)}, r"classifier\.dense\.weight has shape \(32,\)"),
    (
        {"classifier__out_proj__bias": torch.tensor([0.0, 0.0, float("nan"), 0.0])},
        r"weights that are not finite numbers: classifier\.out_proj\.bias",
    ),
    (
        {"classifier__dense__weight": torch.full((32, 32), float("inf"))},
        r"weights that are not finite numbers: classifier\.dense\.weight",
    ),
    (
        {"classifier__dense__bias": None},
        r"lacks keys of a head \(pooling .*\): classifier\.dense\.bias",
    ),
    (
        {"classifier__out_proj__weight": torch.zeros(3, 32), "classifier__out_proj__bias": torch.zeros(3)},
        "has 3 outputs, but config.json names 4 labels",
    ),
]


@pytest.mark.parametrize(("changed", "said"), BROKEN_HEADS)
def test_a_head_that_does_not_fit_is_one_sentence(tmp_path, changed, said):
    write_template(tmp_path, {"classifier": (4, "out_proj")})
    change(tmp_path, **changed)
    with pytest.raises(ModelError, match=said) as told:
        load_model(str(tmp_path))
    assert "\n" not in str(told.value)


def test_labels_of_the_command_line_name_a_head_for_which_config_json_has_too_few(tmp_path):
    write_template(tmp_path, {"classifier": (4, "out_proj")}, labels=["LABEL_0", "LABEL_1"])
    with pytest.raises(ModelError, match="has 4 outputs, but config.json names 2 labels"):
        load_model(str(tmp_path))
    named = load_model(str(tmp_path), LoadOptions(labels=tuple(EMOTIONS)))
    assert named.labels == tuple(EMOTIONS)
    assert named.predict(speech([8000])).scores.shape == (1, 4)


def test_a_template_without_pooling_mode_takes_the_mean(tmp_path):
    write_template(tmp_path, {"classifier": (4, "out_proj")})
    assert "pooling_mode" not in json.loads((tmp_path / "config.json").read_text())
    assert load_model(str(tmp_path)).facts["pooling"] == "mean"
