"""Reads the weights in an ONNX file (number, size, type), and the activations of its outputs."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sertools.errors import ModelError, foreign

TYPES = {
    "FLOAT": "fp32",
    "DOUBLE": "fp64",
    "FLOAT16": "fp16",
    "BFLOAT16": "bf16",
    "INT8": "int8",
    "UINT8": "uint8",
}
"""Data types of weights, ONNX's name → ours; tensors of other types do not count as weights."""


ACTIVATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "HardSigmoid": "sigmoid"}
"""Operators whose results are probabilities."""

_SHAPING = ("Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Cast", "Dropout")
"""Operators that change no number, only its place or type."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Number, size and most common data type of the weights of a network, and the files that store them.

    Attributes:
        count: number of weights (scalars)
        bytes: total size of the weights
        precision: most common data type; empty if there are no weights
        files: external weight files, sorted by name
        activations: name of an output → `softmax` or `sigmoid`, for outputs that such an operator computes
    """

    count: int
    bytes: int
    precision: str
    files: tuple[Path, ...]
    activations: Mapping[str, str]


def weights(path: Path) -> Weights:
    """The weights of a network; neither the network nor external weight files are opened by onnxruntime.

    Raises:
        ModelError: not an ONNX file, or an external weight file that is not a file in the folder of `path`
    """
    import onnx

    with foreign(f"{path} is not an ONNX network", ModelError):
        model = onnx.load(path, load_external_data=False)
    files = {_inside(path, entry.value) for entry in _locations(model)}
    by_type: dict[str, int] = {}
    size = 0
    for tensor in model.graph.initializer:
        name, count = TYPES.get(onnx.TensorProto.DataType.Name(tensor.data_type)), math.prod(tensor.dims)
        if name:
            by_type[name] = by_type.get(name, 0) + count
            size += count * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return Weights(
        count=sum(by_type.values()),
        bytes=size,
        precision=max(by_type, key=lambda name: by_type[name], default=""),
        files=tuple(sorted(files)),
        activations=_activations(model.graph),
    )


def _activations(graph: Any) -> dict[str, str]:
    """The operator that makes probabilities of each output, also if others change its shape afterwards."""
    made_by = {name: node for node in graph.node for name in node.output}
    found = {}
    for output in graph.output:
        node = made_by.get(output.name)
        for _ in graph.node:  # no chain is longer
            if node is None or node.op_type not in _SHAPING or not node.input:
                break
            node = made_by.get(node.input[0])
        if node is not None and node.op_type in ACTIVATIONS:
            found[output.name] = ACTIVATIONS[node.op_type]
    return found


def _locations(message: Any) -> Iterator[Any]:
    """The entries `location` of all tensors in a protobuf message, also in subgraphs and functions."""
    waiting = [message]
    while waiting:
        each = waiting.pop()
        if each.DESCRIPTOR.name == "TensorProto":
            yield from (entry for entry in each.external_data if entry.key == "location")
            continue
        for field, value in each.ListFields():
            if field.type == field.TYPE_MESSAGE:
                waiting += value if isinstance(value, Iterable) else [value]


def _inside(path: Path, location: str) -> Path:
    """The path of an external weight file.

    Raises:
        ModelError: the location leads out of the folder, or is not a regular file
    """
    file = path.parent / location
    try:
        # in the cache of the model hub, both are links to files that lie side by side
        homes = {path.parent.resolve(), path.resolve().parent}
        inside = not location.startswith("/") and bool(homes & set(file.resolve().parents))
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside or not file.is_file():
        raise ModelError(
            f"{path} has weights in {location[:100]!r}, which is not a file in its folder",
            hint="put the files of the weights next to the network",
        )
    return file
