"""What a file of ONNX says of its weights, beside what was put into it."""

import numpy as np
import onnx
import pytest

from sertools.models.checkpoints.onnx_weights import weights


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
