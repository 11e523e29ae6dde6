"""What stands beside an ONNX file, and which outputs and activations it has."""

import json

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech
from tests.helpers.onnx_networks import DIM, onnx, write_network

pytest.importorskip("onnxruntime", reason="it runs the networks")


def write_beside(folder, *, labels=None, problem=None, extractor=None, **config):
    """config.json and preprocessor_config.json, as optimum writes them next to model.onnx."""
    if labels:
        config["id2label"] = dict(enumerate(labels))
        config.setdefault("label2id", {name: i for i, name in enumerate(labels)})
    (folder / "config.json").write_text(
        json.dumps({"model_type": "wav2vec2", "problem_type": problem} | config)
    )
    if extractor is not None:
        extractor.save_pretrained(folder)


FOUR = ("anger", "happiness", "neutral", "sadness")


@pytest.mark.parametrize("inner", ["", "onnx"])
def test_settings_beside_the_file_count_as_for_a_checkpoint(tmp_path, inner):
    reference = write_network(tmp_path / inner / "model.onnx", 4)
    write_beside(tmp_path, labels=FOUR, extractor=Wav2Vec2FeatureExtractor(sampling_rate=8000))
    model = load_model(f"onnx:{tmp_path / inner / 'model.onnx'}")
    assert (model.labels, model.sampling_rate, model.task) == (FOUR, 8000, "single_label")
    assert model.facts["features"] == "every clip scaled to zero mean and unit variance"
    assert model.facts["notes"] == []
    signals = speech([8000, 5001, 12345])
    rows = []
    for signal in signals:
        scaled = (signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)
        rows.append(reference(torch.from_numpy(scaled)[None])[1].softmax(-1)[0].numpy())
    np.testing.assert_allclose(model.predict(signals).scores, rows, atol=1e-5)
    alone = np.concatenate([model.predict([signal]).scores for signal in signals])
    np.testing.assert_allclose(alone, rows, atol=1e-5)
    Wav2Vec2FeatureExtractor(sampling_rate=8000, do_normalize=False).save_pretrained(tmp_path)
    raw = load_model(f"onnx:{tmp_path / inner / 'model.onnx'}")
    assert raw.fingerprint != model.fingerprint
    expected = [reference(torch.from_numpy(s)[None])[1].softmax(-1)[0].numpy() for s in signals]
    np.testing.assert_allclose(raw.predict(signals).scores, expected, atol=1e-5)


def test_settings_that_contradict_the_file_or_themselves_are_refused(tmp_path):
    path = tmp_path / "mine.onnx"
    write_network(path, 2, metadata={"labels": "anger, neutral", "sampling_rate": "16000"})
    write_beside(tmp_path, labels=("neutral", "anger"))
    with pytest.raises(
        ModelError, match="names its outputs anger, neutral, but .* names them neutral, anger"
    ):
        load_model(f"onnx:{path}")
    assert load_model(f"onnx:{path}", LoadOptions(labels=("anger", "neutral"))).labels == ("anger", "neutral")
    write_beside(tmp_path, labels=("anger", "neutral"), label2id={"anger": 1, "neutral": 0})
    with pytest.raises(ModelError, match="config.json contradicts itself"):
        load_model(f"onnx:{path}")
    write_beside(
        tmp_path, labels=("anger", "neutral"), extractor=Wav2Vec2FeatureExtractor(sampling_rate=8000)
    )
    with pytest.raises(ModelError, match="states a sampling rate of 16000 Hz, but .* states 8000 Hz"):
        load_model(f"onnx:{path}")
    assert load_model(f"onnx:{path}", LoadOptions(sampling_rate=8000)).sampling_rate == 8000


def test_features_that_are_no_signal_are_refused(tmp_path):
    write_network(tmp_path / "model.onnx", 4)
    write_beside(tmp_path, labels=FOUR, extractor=WhisperFeatureExtractor())
    with pytest.raises(
        ModelError, match="is of a WhisperFeatureExtractor, .* but the network takes a signal"
    ):
        load_model(f"onnx:{tmp_path}")


def add_nodes(path, *nodes, outputs):
    """Appends operators to a network, and names its outputs: (name, number of labels)."""
    h, t = onnx.helper, onnx.TensorProto
    model = onnx.load(path)
    model.graph.node.extend(h.make_node(kind, [a], [b], **given) for kind, a, b, given in nodes)
    del model.graph.output[:]
    model.graph.output.extend(h.make_tensor_value_info(name, t.FLOAT, [1, n]) for name, n in outputs)
    onnx.save(model, path)


def test_independent_probabilities_are_left_alone(tmp_path):
    path = tmp_path / "p.onnx"
    reference = write_network(path, 4)
    add_nodes(
        path, ("Sigmoid", "logits", "s", {}), ("Identity", "s", "chances", {}), outputs=[("chances", 4)]
    )
    model = load_model(f"onnx:{path}", LoadOptions(labels=FOUR))
    assert (model.facts["activation"], model.task) == ("none", "multi_label")
    signal = speech([8000])
    expected = reference(torch.from_numpy(signal[0])[None])[1].sigmoid().numpy()
    np.testing.assert_allclose(model.predict(signal).scores, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("none", lambda x: x), ("softmax", lambda x: x.softmax(-1)), ("sigmoid", lambda x: x.sigmoid())],
)
def test_the_activation_of_the_command_line_decides(tmp_path, activation, expected):
    reference = write_network(tmp_path / "p.onnx", 4)
    model = load_model(f"onnx:{tmp_path / 'p.onnx'}", LoadOptions(labels=FOUR, activation=activation))
    signal = speech([8000])
    logits = reference(torch.from_numpy(signal[0])[None])[1]
    np.testing.assert_allclose(model.predict(signal).scores, expected(logits).numpy(), atol=1e-5)
    with pytest.raises(ModelError, match="unknown activation 'relu'"):
        load_model(f"onnx:{tmp_path / 'p.onnx'}", LoadOptions(labels=FOUR, activation="relu"))


def test_the_problem_type_beside_the_file_decides_the_activation(tmp_path):
    reference = write_network(tmp_path / "model.onnx", 4)
    write_beside(tmp_path, labels=FOUR, problem="multi_label_classification")
    signal = speech([8000])
    expected = reference(torch.from_numpy(signal[0])[None])[1].sigmoid().numpy()
    np.testing.assert_allclose(load_model(f"onnx:{tmp_path}").predict(signal).scores, expected, atol=1e-6)


def test_several_outputs_of_one_number_each_are_named_by_output(tmp_path):
    path = tmp_path / "two.onnx"
    reference = write_network(path, 2)
    model = onnx.load(path)
    model.graph.node.append(
        onnx.helper.make_node("Split", ["logits"], ["arousal", "valence"], axis=1, num_outputs=2)
    )
    model.opset_import[0].version = 18
    model.graph.node[3].attribute.pop(0)
    model.graph.node[3].input.append("axes2")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([2]), "axes2"))
    del model.graph.output[:]
    for name in ("arousal", "valence", "hidden_states"):
        size = DIM if name == "hidden_states" else 1
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, size]))
    onnx.save(model, path)
    with pytest.raises(ModelError, match="of one number each: --output arousal,valence"):
        load_model(f"onnx:{path}")
    signals = speech([8000, 5000])
    expected = torch.cat([reference(torch.from_numpy(s)[None])[1] for s in signals]).detach().numpy()
    both = load_model(f"onnx:{path}", LoadOptions(output="valence, arousal"))
    assert (both.labels, both.task) == (("valence", "arousal"), "regression")
    np.testing.assert_allclose(both.predict(signals).scores, expected[:, ::-1], atol=1e-5)
    with pytest.raises(ModelError, match="output 'hidden_states' .* has 6 numbers without names"):
        load_model(f"onnx:{path}", LoadOptions(output="arousal,hidden_states"))
    with pytest.raises(ModelError, match="has no output 'dominance': it has arousal, valence"):
        load_model(f"onnx:{path}", LoadOptions(output="arousal,dominance"))


def write_joint(folder, yaml, *, softmax=False):
    """One network with the outputs `emotion` (4), `affect` (2) and `age` (1); returns the reference."""
    reference = write_network(folder / "model.onnx", 7)
    h, model = onnx.helper, onnx.load(folder / "model.onnx")
    sizes = {"logit": 4, "affect": 2, "age": 1}
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([4, 2, 1]), "sizes"))
    model.graph.node.append(h.make_node("Split", ["logits", "sizes"], list(sizes), axis=1))
    made = h.make_node("Softmax", ["logit"], ["emotion"]) if softmax else None
    model.graph.node.append(made or h.make_node("Identity", ["logit"], ["emotion"]))
    del model.graph.output[:]
    for name, size in {"emotion": 4, "affect": 2, "age": 1}.items():
        model.graph.output.append(h.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, size]))
    onnx.save(model, folder / "model.onnx")
    lines = "".join(f"    {name}: [{', '.join(labels)}]\n" for name, labels in yaml.items())
    (folder / "model.yaml").write_text(
        f"$audonnx.core.model.Model==0.7.0:\n  path: model.onnx\n  labels:\n{lines}"
    )
    return reference


JOINT = {"emotion": FOUR, "affect": ("valence", "arousal"), "age": ("years",)}


@pytest.mark.parametrize("softmax", [False, True])
def test_outputs_of_emotions_and_of_ratings_are_one_joint_model(tmp_path, softmax):
    reference = write_joint(tmp_path, JOINT, softmax=softmax)
    model = load_model(f"onnx:{tmp_path}")
    assert (model.task, model.labels) == ("joint", (*FOUR, "valence", "arousal"))
    signals = speech([8000, 5000])
    raw = torch.cat([reference(torch.from_numpy(s)[None])[1] for s in signals]).detach()
    expected = torch.cat([raw[:, :4].softmax(-1), raw[:, 4:6]], dim=1).numpy()
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    ratings = load_model(f"onnx:{tmp_path}", LoadOptions(output="affect"))
    assert (ratings.task, ratings.labels) == ("regression", ("valence", "arousal"))


def test_one_output_with_emotions_and_ratings_puts_only_the_emotions_through_softmax(tmp_path):
    reference = write_network(tmp_path / "mixed.onnx", 6)
    labels = ("arousal", *FOUR, "valence")
    model = load_model(f"onnx:{tmp_path / 'mixed.onnx'}", LoadOptions(labels=labels))
    signals = speech([8000])
    raw = reference(torch.from_numpy(signals[0])[None])[1].detach()
    expected = torch.cat([raw[:, :1], raw[:, 1:5].softmax(-1), raw[:, 5:]], dim=1).numpy()
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-5)
    assert model.task == "joint"


def test_outputs_that_do_not_go_together_are_one_sentence(tmp_path):
    write_joint(tmp_path, {**JOINT, "affect": ("valence", "arousal", "dominance")})
    with pytest.raises(
        ModelError, match="output 'affect' of .* has 2 numbers, but model.yaml names 3 labels"
    ):
        load_model(f"onnx:{tmp_path}")
    write_joint(tmp_path, {**JOINT, "affect": ("fear", "calm")})
    with pytest.raises(ModelError, match="has classes in more than one output: emotion, affect"):
        load_model(f"onnx:{tmp_path}")
