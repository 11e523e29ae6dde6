"""Reads the number, size and type of the weights in an ONNX file."""

import math
from dataclasses import dataclass
from pathlib import Path

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
    """The weights of a network that onnxruntime can read; external weight files are not opened.

    Raises:
        OSError: the file cannot be read
    """
    import onnx
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    by_type: dict[str, int] = {}
    size, files = 0, set()
    for tensor in onnx.load(path, load_external_data=False).graph.initializer:
        if uses_external_data(tensor):
            files.add(path.parent / ExternalDataInfo(tensor).location)
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
