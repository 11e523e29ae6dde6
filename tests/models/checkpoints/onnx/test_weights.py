"""What a file of ONNX says of its weights, beside what was put into it."""

import os

import numpy as np
import onnx
import pytest

from sertools.errors import ModelError
from sertools.models.checkpoints.onnx.weights import weights
from sertools.models.load import LoadOptions, load_model


def write(path, arrays, **settings):
    """A network that holds the arrays and adds the first to its input."""
    h, t = onnx.helper, onnx.TensorProto
    graph = h.make_graph(
        [h.make_node("Add", ["x", "w0"], ["y"])],
        "adds",
        [h.make_tensor_value_info("x", t.FLOAT, [1])],
        [h.make_tensor_value_info("y", t.FLOAT, [1])],
        [onnx.numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(arrays)],
    )
    onnx.save(h.make_model(graph), path, **settings)
    return path


def test_weights_are_counted_and_numbers_of_other_kinds_are_not(tmp_path):
    arrays = [np.ones((3, 700), np.float32), np.ones(200, np.float16), np.arange(9), np.float32(1)]
    found = weights(write(tmp_path / "a.onnx", arrays))
    assert (found.count, found.bytes) == (2100 + 200 + 1, 2100 * 4 + 200 * 2 + 4)
    assert (found.precision, found.files) == ("fp32", ())


def test_the_type_of_most_weights_is_named(tmp_path):
    assert (
        weights(write(tmp_path / "a.onnx", [np.ones(5, np.float32), np.ones(6, np.int8)])).precision == "int8"
    )
    assert weights(write(tmp_path / "b.onnx", [np.arange(5)])).precision == ""


@pytest.mark.parametrize("name", ["w.bin", "a name of more than 127 letters " + "x" * 120 + ".bin"])
def test_files_that_hold_weights_beside_the_network_are_found_whatever_their_name(tmp_path, name):
    arrays = [np.ones((40, 40), np.float32), np.ones(4, np.float32)]
    path = write(tmp_path / "a.onnx", arrays, save_as_external_data=True, location=name, size_threshold=100)
    found = weights(path)
    assert found.files == (tmp_path / name,)
    assert (found.count, found.bytes) == (1604, 6416)


def external(path, location, *, inside=False):
    """A network that adds a vector of four ones from another file; `inside` the branch of a condition."""
    h, t = onnx.helper, onnx.TensorProto
    tensor = t(name="w", data_type=t.FLOAT, dims=[4], data_location=t.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    y = h.make_tensor_value_info("logits", t.FLOAT, [1, 4])
    nodes = [h.make_node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=1)]
    if inside:
        branch = h.make_graph([h.make_node("Constant", [], ["logits"], value=tensor)], "branch", [], [y])
        condition = h.make_tensor("c", t.BOOL, [], [True])
        nodes = [
            h.make_node("Constant", [], ["c"], value=condition),
            h.make_node("If", ["c"], ["logits"], then_branch=branch, else_branch=branch),
        ]
    else:
        nodes.append(h.make_node("Add", ["m", "w"], ["logits"]))
    x = h.make_tensor_value_info("x", t.FLOAT, [1, "time"])
    graph = h.make_graph(nodes, "g", [x], [y], [] if inside else [tensor])
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(h.make_model(graph, opset_imports=[h.make_opsetid("", 13)]).SerializeToString())
    return path


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    "location",
    ["../secret.bin", "{}/secret.bin", "link.bin", "/dev/zero", "pipe", ".", "none.bin", "a\0b", ""],
)
def test_weights_outside_the_folder_are_not_read(tmp_path, location, inside):
    path = external(tmp_path / "m" / "model.onnx", location.format(tmp_path), inside=inside)
    (tmp_path / "secret.bin").write_bytes(np.ones(4, dtype=np.float32).tobytes())
    (tmp_path / "m" / "link.bin").symlink_to(tmp_path / "secret.bin")
    os.mkfifo(tmp_path / "m" / "pipe")
    with pytest.raises(ModelError, match="which is not a file in its folder"):
        weights(path)
    with pytest.raises(ModelError, match="which is not a file in its folder"):
        load_model(f"onnx:{path}", LoadOptions(labels=("a", "b", "c", "d")))


def test_weights_in_the_folder_are_read_also_through_the_links_of_a_cache(tmp_path):
    path = external(tmp_path / "m" / "model.onnx", "w.bin")
    (tmp_path / "m" / "w.bin").write_bytes(np.ones(4, dtype=np.float32).tobytes())
    assert weights(path).files == (tmp_path / "m" / "w.bin",)
    (tmp_path / "snapshot").mkdir()
    for name in ("model.onnx", "w.bin"):
        (tmp_path / "snapshot" / name).symlink_to(tmp_path / "m" / name)
    assert weights(tmp_path / "snapshot" / "model.onnx").files == (tmp_path / "snapshot" / "w.bin",)


def test_a_description_names_no_network_elsewhere(tmp_path):
    external(tmp_path / "other.onnx", "w.bin")
    (tmp_path / "m").mkdir()
    for named in ("../other.onnx", str(tmp_path / "other.onnx"), "..", "."):
        (tmp_path / "m" / "model.yaml").write_text(f"$audonnx.core.model.Model==0.7.0:\n  path: {named}\n")
        with pytest.raises(ModelError, match="which is not a file in its folder|no ONNX file"):
            load_model(f"onnx:{tmp_path / 'm'}")
