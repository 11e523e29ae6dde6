"""Each entry of the table of heads equals the class of its authors, rebuilt here, alone and in batches."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import EMOTIONS, speech
from tests.helpers.templates import LENGTHS, change, original, write_template


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


def test_two_heads_that_are_named_stand_side_by_side_as_one_joint_model(tmp_path):
    labels = ["valence", "arousal", *EMOTIONS]
    heads = {"affect": (2, "out_proj"), "emotion": (len(EMOTIONS), "output")}
    template = write_template(tmp_path, heads, labels=labels)
    signals = speech(LENGTHS)
    named = {"affect": "dense-tanh-out", "emotion": "dense-tanh-output"}
    model = load_model(str(tmp_path), LoadOptions(head=named))
    assert (model.task, model.labels) == ("joint", tuple(labels))
    rows = [torch.cat([affect, emotion.softmax(-1)]) for affect, emotion in original(template, signals)]
    np.testing.assert_allclose(model.predict(signals).scores, torch.stack(rows).numpy(), atol=1e-5)
    with pytest.raises(ModelError, match="--head emotion=none cannot be combined with another head"):
        load_model(str(tmp_path), LoadOptions(head={**named, "emotion": "none"}))


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
