"""A head that is described on the command line computes what its description says, and nothing else."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.errors import ModelError
from sertools.models.checkpoints.described_heads import describes, layout_named, suggestion
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech
from tests.helpers.templates import LENGTHS, change, original, write_template

DESCRIBED = "pool=mean, dense=top.dense, act=tanh, out=top.final"


def scores(folder, text: str) -> np.ndarray:
    return load_model(str(folder), LoadOptions(head={"": text})).predict(speech(LENGTHS)).scores


def test_the_message_for_an_unknown_head_is_the_line_that_loads_it(tmp_path):
    template = write_template(tmp_path, {"top": (4, "final")})
    with pytest.raises(ModelError, match="no head that is known here") as refused:
        load_model(str(tmp_path))
    assert f'--head "{DESCRIBED}"' in refused.value.hint
    expected = torch.stack([row[0].softmax(-1) for row in original(template, speech(LENGTHS))]).numpy()
    np.testing.assert_allclose(scores(tmp_path, DESCRIBED), expected, atol=1e-5)
    words = ["model", "inspect", str(tmp_path), "--head", DESCRIBED, "--format", "json"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.stderr
    assert DESCRIBED in shown.stdout


@pytest.mark.parametrize("mode", ["max", "sum"])
def test_the_described_pooling_counts_whatever_config_json_says(tmp_path, mode):
    template = write_template(tmp_path, {"top": (4, "final")}, mode=mode, pooling_mode="mean")
    expected = torch.stack([row[0].softmax(-1) for row in original(template, speech(LENGTHS))]).numpy()
    found = scores(tmp_path, DESCRIBED.replace("mean", mode))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "none"])
def test_each_activation_is_the_one_of_torch(tmp_path, name):
    template = write_template(tmp_path, {"top": (4, "final")})
    function = {"none": lambda states: states}.get(name) or getattr(torch.nn.functional, name)
    rows = []
    for signal in speech(LENGTHS):
        normalised = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.no_grad():
            pooled = getattr(template, template.encoder_name)(torch.from_numpy(normalised)[None])[0].mean(
                dim=1
            )
            rows.append(template.top.final(function(template.top.dense(pooled)))[0].softmax(-1))
    found = scores(tmp_path, DESCRIBED.replace("tanh", name))
    np.testing.assert_allclose(found, torch.stack(rows).numpy(), atol=1e-5)


def test_layers_before_the_pooling_are_those_of_frames(tmp_path):
    template = write_template(tmp_path, {"top": (4, "final")})
    rows = []
    for signal in speech(LENGTHS):
        normalised = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        with torch.no_grad():
            states = getattr(template, template.encoder_name)(torch.from_numpy(normalised)[None])[0]
            pooled = template.top.dense(states.tanh()).relu().amax(dim=1)
            rows.append(template.top.final(torch.nn.functional.silu(pooled))[0].softmax(-1))
    text = "act=tanh, dense=top.dense, act=relu, pool=max, act=silu, out=top.final"
    np.testing.assert_allclose(scores(tmp_path, text), torch.stack(rows).numpy(), atol=1e-5)


def test_a_checkpoint_brings_the_description_of_its_head(tmp_path):
    template = write_template(tmp_path, {"top": (4, "final")})
    path = tmp_path / "config.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stated, "sertools_head": DESCRIBED}), encoding="utf-8")
    expected = torch.stack([row[0].softmax(-1) for row in original(template, speech(LENGTHS))]).numpy()
    model = load_model(str(tmp_path))
    found = np.concatenate([model.predict([signal]).scores for signal in speech(LENGTHS)])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    path.write_text(json.dumps({**stated, "sertools_head": "linear"}), encoding="utf-8")
    with pytest.raises(ModelError, match="sertools_head is 'linear', which does not describe a head"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pool=median, out=top.final", "unknown pool=median"),
        ("dense=top.dense, act=swish, out=top.final", "unknown act=swish"),
        ("out=top.dense, dense=top.final", "out=… has to be the last part"),
        ("dense=top.dense, out=top.final, act=tanh", "out=… has to be the last part"),
        ("act=tanh, act=relu, out=top.final", "act=relu is in the wrong place"),
        ("pool=max, dense=top.dense, pool=max, out=top.final", "pool=… is given twice"),
        ("dropout=.1, out=top.final", "'dropout=.1' is none of"),
        ("out=top.nothing", "lacks keys of a head"),
        ("out=top.final", r'^--head "out=top.final" reads only a part of the head .*top\.dense'),
    ],
)
def test_a_description_that_fits_nothing_is_one_sentence(tmp_path, text, said):
    write_template(tmp_path, {"top": (4, "final")})
    with pytest.raises(ModelError, match=said):
        scores(tmp_path, text)


def test_two_heads_are_refused(tmp_path):
    write_template(tmp_path, {"top": (4, "final")})
    words = ["model", "inspect", str(tmp_path), "--head", DESCRIBED, "--head", "top=dense-tanh-out"]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert "--head is given more than once" in refused.stderr


def test_no_line_is_suggested_for_keys_that_are_no_linear_layers(tmp_path):
    write_template(tmp_path, {"top": (4, "final")})
    change(tmp_path, top__norm__scale=torch.ones(32))
    with pytest.raises(ModelError) as refused:
        load_model(str(tmp_path))
    assert "not made of linear layers alone" in refused.value.hint
    assert "py:FILE.py:FUNCTION" in refused.value.hint
    tensors = {"a.weight": torch.zeros(3, 7), "a.bias": torch.zeros(3)}
    assert suggestion(list(tensors), tensors, 32) == ""
    assert suggestion(list(tensors), tensors, 7) == '--head "pool=mean, out=a"'


def test_the_message_names_two_unknown_heads_side_by_side(tmp_path):
    names = ("anger", "neutral", "sadness", "fear", "arousal", "valence")
    write_template(tmp_path, {"emo": (4, "out_proj"), "dim": (2, "output")})
    with pytest.raises(ModelError) as refused:
        load_model(str(tmp_path))
    line = "--head dim=dense-tanh-output --head emo=dense-tanh-out"
    assert f"try {line} if its authors compute that; the labels are in this order" in refused.value.hint
    heads = {"emo": "dense-tanh-out", "dim": "dense-tanh-output"}
    model = load_model(str(tmp_path), LoadOptions(head=heads, labels=names))
    assert (model.task, model.predict(speech([8000])).scores.shape) == ("joint", (1, 6))


def test_a_layer_without_a_bias_is_read_where_it_is_described(tmp_path):
    template = write_template(tmp_path, {"top": (4, "final")})
    change(tmp_path, top__final__bias=None)
    template.top.final.bias.data.zero_()
    expected = torch.stack([row[0].softmax(-1) for row in original(template, speech(LENGTHS))]).numpy()
    np.testing.assert_allclose(scores(tmp_path, DESCRIBED), expected, atol=1e-5)
    with pytest.raises(ModelError) as refused:
        load_model(str(tmp_path))
    assert f'--head "{DESCRIBED}"' in refused.value.hint


def test_layers_are_put_in_the_order_that_their_shapes_allow():
    shapes = {"b": (16, 32), "a": (4, 16), "c": (32, 32)}
    tensors = {f"{stem}.weight": torch.zeros(shape) for stem, shape in shapes.items()}
    tensors |= {f"{stem}.bias": torch.zeros(shape[0]) for stem, shape in shapes.items()}
    expected = '--head "pool=mean, dense=c, act=tanh, dense=b, act=tanh, out=a"'
    assert suggestion(list(tensors), tensors, 32) == expected


def test_names_of_layouts_are_no_descriptions():
    assert not describes("classifier=dense-tanh-out")
    assert layout_named("dense-tanh-out").prefix == "classifier"
    assert layout_named("own-of-another-toolkit").branches == ()


def test_inspect_prints_json_by_either_option():
    import json

    of = [
        json.loads(CliRunner().invoke(app, ["model", "inspect", "toy:loudness", *option]).stdout)
        for option in (["--json"], ["--format", "json"])
    ]
    assert [row["property"] for row in of[0]] == [row["property"] for row in of[1]]
