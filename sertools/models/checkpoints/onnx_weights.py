"""Reads the number, size and type of the weights in an ONNX file."""

import math
from collections.abc import Iterable, Iterator
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


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Number, size and most common data type of the weights of a network, and the files that store them.

    Attributes:
        count: number of weights (scalars)
        bytes: total size of the weights
        precision: most common data type; empty if there are no weights
        files: external weight files, sorted by name
    """

    count: int
    bytes: int
    precision: str
    files: tuple[Path, ...]


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
    )


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
