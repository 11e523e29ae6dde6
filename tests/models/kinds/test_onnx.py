import json
import subprocess
import sys
import wave

import numpy as np
import pytest
import torch

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech
from tests.helpers.onnx_networks import DIM, WIDTH, onnx, write_audonnx, write_network

pytest.importorskip("onnxruntime", reason="it runs the networks")


def test_audonnx_directory_equals_the_torch_network_clip_by_clip(tmp_path):
    reference = write_audonnx(tmp_path / "w2v2-msp")
    model = load_model(f"onnx:{tmp_path / 'w2v2-msp'}")
    assert model.labels == ("arousal", "dominance", "valence")
    assert (model.name, model.task, model.sampling_rate) == ("w2v2-msp", "regression", 16000)
    signals = speech([16000, 9001, 24321])
    outputs = model.predict(signals, layers=True)
    for i, signal in enumerate(signals):
        hidden, logits = reference(torch.from_numpy(signal)[None])
        np.testing.assert_allclose(outputs.scores[i], logits[0].numpy(), atol=1e-5)
        np.testing.assert_allclose(outputs.layers[i, 0], hidden[0].numpy(), atol=1e-5)
    assert outputs.layers.shape == (3, 1, DIM)
    assert outputs.scores.std(axis=0).min() > 1e-3, "the clips must differ, or the test shows nothing"
    assert model.predict(signals).layers is None


def test_shortest_clip_is_the_width_of_the_first_filter(tmp_path):
    write_audonnx(tmp_path)
    assert load_model(f"onnx:{tmp_path}").shortest == WIDTH


def test_logits_of_emotions_become_probabilities_by_softmax(tmp_path):
    emotions = ("anger", "happiness", "neutral", "sadness")
    reference = write_audonnx(tmp_path, emotions)
    model = load_model(f"onnx:{tmp_path}")
    assert model.task == "single_label"
    signals = speech([8000])
    expected = reference(torch.from_numpy(signals[0])[None])[1].softmax(-1).numpy()
    np.testing.assert_allclose(model.predict(signals).scores, expected, atol=1e-6)


def test_probabilities_are_not_put_through_softmax_twice(tmp_path):
    h, t = onnx.helper, onnx.TensorProto
    write_network(tmp_path / "plain.onnx", 4)
    model = onnx.load(tmp_path / "plain.onnx")
    model.graph.node.append(h.make_node("Softmax", ["logits"], ["shares"]))
    model.graph.output.append(h.make_tensor_value_info("shares", t.FLOAT, [1, 4]))
    onnx.save(model, tmp_path / "both.onnx")
    given = {"labels": ("anger", "fear", "neutral", "sadness")}
    by_us = load_model(f"onnx:{tmp_path / 'both.onnx'}", LoadOptions(**given))
    by_graph = load_model(f"onnx:{tmp_path / 'both.onnx'}", LoadOptions(output="shares", **given))
    assert (by_us.facts["activation"], by_graph.facts["activation"]) == ("softmax", "none")
    signals = speech([8000, 5000])
    np.testing.assert_allclose(by_graph.predict(signals).scores, by_us.predict(signals).scores, atol=1e-6)
    assert by_us.fingerprint != by_graph.fingerprint


def test_labels_and_rate_come_from_the_metadata_of_a_single_file(tmp_path):
    metadata = {"labels": "arousal, valence", "sampling_rate": "8000"}
    write_network(tmp_path / "mine.onnx", 2, metadata=metadata)
    model = load_model(f"onnx:{tmp_path / 'mine.onnx'}")
    assert (model.name, model.labels, model.sampling_rate) == ("mine", ("arousal", "valence"), 8000)
    asked = LoadOptions(labels=("valence", "arousal"), sampling_rate=16000)
    other = load_model(f"onnx:{tmp_path / 'mine.onnx'}", asked)
    assert (other.labels, other.sampling_rate) == (("valence", "arousal"), 16000)
    assert other.fingerprint != model.fingerprint


def test_other_output_names_are_listed_and_chosen_by_output(tmp_path):
    path = tmp_path / "odd.onnx"
    write_network(path, 3, names=("embedding", "emotions"))
    labels = ("arousal", "dominance", "valence")
    with pytest.raises(
        ModelError, match=r"none is called logits: embedding, emotions \(select .*--output NAME"
    ):
        load_model(f"onnx:{path}", LoadOptions(labels=labels))
    with pytest.raises(ModelError, match="no output 'emotion': it has embedding, emotions .*'emotions'"):
        load_model(f"onnx:{path}", LoadOptions(labels=labels, output="emotion"))
    assert load_model(f"onnx:{path}", LoadOptions(labels=labels, output="emotions")).labels == labels


def test_a_network_for_clips_of_one_length_hears_no_other(tmp_path):
    write_network(tmp_path / "fixed.onnx", 2, time=8000)
    model = load_model(f"onnx:{tmp_path / 'fixed.onnx'}", LoadOptions(labels=("arousal", "valence")))
    assert (model.shortest, model.longest) == (8000, 8000)


def test_weights_in_a_file_beside_are_part_of_the_fingerprint(tmp_path):
    write_network(tmp_path / "inside.onnx", 2)
    options = LoadOptions(labels=("arousal", "valence"))
    onnx.save(
        onnx.load(tmp_path / "inside.onnx"), tmp_path / "m.onnx", save_as_external_data=True,
        location="weights.bin", size_threshold=64,
    )  # fmt: skip
    before = load_model(f"onnx:{tmp_path / 'm.onnx'}", options)
    content = bytearray((tmp_path / "weights.bin").read_bytes())
    content[0] ^= 1
    (tmp_path / "weights.bin").write_bytes(content)
    assert load_model(f"onnx:{tmp_path / 'm.onnx'}", options).fingerprint != before.fingerprint
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ModelError, match="has weights in 'weights.bin', which is not a file in its folder"):
        load_model(f"onnx:{tmp_path / 'm.onnx'}", options)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, number):
    write_audonnx(tmp_path, spoil=number)
    with pytest.raises(ModelError, match="predicts (nan|inf|-inf) for noise, which is not a finite number"):
        load_model(f"onnx:{tmp_path}")


def test_every_way_of_naming_no_network_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match=r"no ONNX file .*model\.onnx"):
        load_model(f"onnx:{tmp_path}")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(ModelError, match="is not an ONNX network"):
        load_model(f"onnx:{tmp_path / 'text.onnx'}")
    write_audonnx(tmp_path / "truncated")
    whole = (tmp_path / "truncated" / "model.onnx").read_bytes()
    (tmp_path / "truncated" / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="is not an ONNX network"):
        load_model(f"onnx:{tmp_path / 'truncated'}")
    write_audonnx(tmp_path / "mel", transform="{$audsp.MelSpectrogram==1: {}}")
    with pytest.raises(
        ModelError, match=r"requires features computed by audonnx \(\$audsp.MelSpectrogram==1\)"
    ):
        load_model(f"onnx:{tmp_path / 'mel'}")
    write_audonnx(tmp_path / "yaml")
    (tmp_path / "yaml" / "model.yaml").write_text("path: model.onnx")
    with pytest.raises(ModelError, match="does not describe an audonnx model"):
        load_model(f"onnx:{tmp_path / 'yaml'}")


def test_labels_must_be_named_and_as_many_as_outputs(tmp_path):
    write_network(tmp_path / "mine.onnx", 3)
    with pytest.raises(ModelError, match="declares no labels for its 3 outputs .*--labels"):
        load_model(f"onnx:{tmp_path / 'mine.onnx'}")
    with pytest.raises(ModelError, match="has 3 outputs, but there are 2 labels: arousal, valence"):
        load_model(f"onnx:{tmp_path / 'mine.onnx'}", LoadOptions(labels=("arousal", "valence")))


def test_inputs_that_are_no_signal_are_named(tmp_path):
    h, t = onnx.helper, onnx.TensorProto
    image = h.make_tensor_value_info("mel", t.FLOAT, [1, 64, "time"])
    out = h.make_tensor_value_info("out", t.FLOAT, None)
    node = h.make_node("Identity", ["mel"], ["out"])
    one = h.make_model(
        h.make_graph([node], "g", [image], [out]), opset_imports=[h.make_opsetid("", 17)], ir_version=9
    )
    onnx.save(one, tmp_path / "mel.onnx")
    with pytest.raises(ModelError, match=r"does not accept a signal .*mel tensor\(float\)\[1, 64, 'time'\]"):
        load_model(f"onnx:{tmp_path / 'mel.onnx'}")
    mask = h.make_tensor_value_info("mask", t.FLOAT, [1, "time"])
    signal = h.make_tensor_value_info("mel", t.FLOAT, [1, "time"])
    two = h.make_model(
        h.make_graph([h.make_node("Add", ["mel", "mask"], ["out"])], "g", [signal, mask], [out]),
        opset_imports=[h.make_opsetid("", 17)], ir_version=9,
    )  # fmt: skip
    onnx.save(two, tmp_path / "two.onnx")
    with pytest.raises(ModelError, match="has 2 inputs"):
        load_model(f"onnx:{tmp_path / 'two.onnx'}")


def test_without_onnxruntime_the_extra_is_named(tmp_path):
    write_audonnx(tmp_path)
    code = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from sertools.errors import ModelError\n"
        "from sertools.models.load import load_model\n"
        "try: load_model('onnx:' + sys.argv[1])\n"
        "except ModelError as error: print(error)\n"
    )
    made = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert "onnxruntime, which is not installed (pip install onnxruntime onnx)" in made.stdout


def test_cuda_is_refused_where_onnxruntime_has_none(tmp_path):
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    write_audonnx(tmp_path)
    with pytest.raises(ModelError, match="has no CUDA support"):
        load_model(f"onnx:{tmp_path}", LoadOptions(device="cuda"))


def test_the_command_line_predicts_with_an_onnx_file(tmp_path):
    from typer.testing import CliRunner

    from sertools.cli.app import app

    reference = write_network(tmp_path / "odd.onnx", 2, names=("embedding", "emotions"))
    signal = (speech([8000])[0] * 32767).astype(np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(signal.tobytes())
    (tmp_path / "clips.csv").write_text("file\na.wav\n")
    command = ["predict", "--model", f"onnx:{tmp_path / 'odd.onnx'}", "--data", str(tmp_path / "clips.csv")]
    command += ["--labels", "arousal,valence", "--output", "emotions", "--cache", str(tmp_path / "cache")]
    made = CliRunner().invoke(app, [*command, "--csv", str(tmp_path / "p.csv"), "--quiet"])
    assert made.exit_code == 0, made.output
    header, row = (tmp_path / "p.csv").read_text().splitlines()
    assert header == "clip,file,arousal,valence"
    clips_with_layers = torch.from_numpy(signal.astype(np.float32) / 32768)[None]
    np.testing.assert_allclose(
        json.loads(f"[{row.split(',', 2)[2]}]"), reference(clips_with_layers)[1][0], atol=1e-5
    )


def write_layered(path, widths, names):
    """A network with an output of frames × width for each name, and logits from the mean of the last one."""
    h, t = onnx.helper, onnx.TensorProto
    rng = np.random.default_rng(0)
    kernels = [rng.normal(size=(width, 1, WIDTH)).astype(np.float32) for width in widths]
    constants = {f"kernel{i}": kernel for i, kernel in enumerate(kernels)}
    constants |= {"weight": rng.normal(size=(widths[-1], 2)).astype(np.float32), "axis": np.array([1])}
    nodes = [h.make_node("Unsqueeze", ["signal", "axis"], ["wide"])]
    for i, name in enumerate(names):
        nodes.append(h.make_node("Conv", ["wide", f"kernel{i}"], [f"frames{i}"], strides=[160]))
        nodes.append(h.make_node("Transpose", [f"frames{i}"], [name], perm=[0, 2, 1]))
    nodes.append(h.make_node("ReduceMean", [names[-1]], ["mean"], axes=[1], keepdims=0))
    nodes.append(h.make_node("MatMul", ["mean", "weight"], ["logits"]))
    outputs = [
        h.make_tensor_value_info(n, t.FLOAT, [1, "frames", w]) for n, w in zip(names, widths, strict=True)
    ]
    graph = h.make_graph(
        nodes,
        "layered",
        [h.make_tensor_value_info("signal", t.FLOAT, [1, "time"])],
        [*outputs, h.make_tensor_value_info("logits", t.FLOAT, [1, 2])],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9), path)
    return kernels


def test_several_hidden_outputs_are_layers_in_the_order_of_their_numbers_averaged_over_time(tmp_path):
    # as text, 10 would come before 2; the narrower layer is filled up with zeros
    names = ["hidden_states.0", "hidden_states.2", "hidden_states.10"]
    kernels = write_layered(tmp_path / "m.onnx", [3, 5, 5], [names[0], names[2], names[1]])
    model = load_model(f"onnx:{tmp_path / 'm.onnx'}", LoadOptions(labels=("calm", "anger")))
    assert model.network.hidden == tuple(names)
    (signal,) = speech([5000])
    layers = model.predict([signal], layers=True).layers
    assert layers.shape == (1, 3, 5)
    frames = np.lib.stride_tricks.sliding_window_view(signal, WIDTH)[::160]
    for row, i in ((0, 0), (1, 2), (2, 1)):
        by_hand = (frames @ kernels[i][:, 0].T).mean(axis=0)
        np.testing.assert_allclose(layers[0, row, : len(by_hand)], by_hand, atol=1e-5)
    assert (layers[0, 0, 3:] == 0).all()


def test_hidden_outputs_with_a_time_axis_are_frames(tmp_path):
    kernels = write_layered(tmp_path / "m.onnx", [3, 5], ["hidden_states.0", "hidden_states.1"])
    model = load_model(f"onnx:{tmp_path / 'm.onnx'}", LoadOptions(labels=("calm", "anger")))
    assert model.has_frames
    signals = speech([5000, 8000])
    outputs, frames = model.predict_frames(signals)
    assert np.array_equal(outputs.layers, model.predict(signals, layers=True).layers)
    for signal, found in zip(signals, frames, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(signal, WIDTH)[::160]
        assert found.step_s == pytest.approx([len(signal) / 16000 / len(windows)] * 2)
        assert found.first_s == pytest.approx([found.step_s[0] / 2] * 2)
        for state, kernel in zip(found.states, kernels, strict=True):
            np.testing.assert_allclose(state, windows @ kernel[:, 0].T, atol=1e-5)


def test_a_hidden_output_without_a_time_axis_has_no_frames(tmp_path):
    write_audonnx(tmp_path)
    assert not load_model(f"onnx:{tmp_path}").has_frames
