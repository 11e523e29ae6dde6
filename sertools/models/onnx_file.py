"""What an ONNX file says of its weights, read without building the network.

A file is a tree of fields (protocol buffers): a tag of number and kind, then a value. The graph is field 7
of the model, its weights field 5 of the graph; a weight has its dimensions in field 1, its type in 2, and
in 13 the pairs that tell in which file beside it its numbers lie (onnx.proto of onnx.ai).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TYPES = {1: ("fp32", 4), 2: ("uint8", 1), 3: ("int8", 1), 10: ("fp16", 2), 11: ("fp64", 8), 16: ("bf16", 2)}
"""Types that weights have, by their number: name and bytes; whole numbers of other types are no weights."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How many weights a file has, their size, the type of most of them, and the files that they lie in.

    Attributes:
        count: numbers in all weights
        bytes: of all of them
        precision: type of most of them; empty where there are none
        files: beside the network, in the order of their names
    """

    count: int
    bytes: int
    precision: str
    files: tuple[Path, ...]


def weights(path: Path) -> Weights:
    """The weights of a network that onnxruntime can read.

    Raises:
        OSError: the file cannot be read
    """
    by_type: dict[str, int] = {}
    size, files = 0, set()
    content = memoryview(path.read_bytes())
    graphs = [value for number, value in _fields(content) if number == 7]
    for number, tensor in (field for graph in graphs for field in _fields(_bytes(graph))):
        if number != 5:
            continue
        shape: list[int] = []
        kind = 0
        for inner, value in _fields(_bytes(tensor)):
            if inner == 1:
                shape += [value] if isinstance(value, int) else _numbers(value)
            elif inner == 2 and isinstance(value, int):
                kind = value
            elif inner == 13:
                pair = {i: bytes(_bytes(text)).decode() for i, text in _fields(_bytes(value))}
                if pair.get(1) == "location":
                    files.add(path.parent / pair.get(2, ""))
        if kind in TYPES:
            name, width = TYPES[kind]
            by_type[name] = by_type.get(name, 0) + math.prod(shape)
            size += math.prod(shape) * width
    return Weights(
        count=sum(by_type.values()),
        bytes=size,
        precision=max(by_type, key=lambda name: by_type[name], default=""),
        files=tuple(sorted(files)),
    )


def _bytes(value: int | memoryview) -> memoryview:
    return memoryview(b"") if isinstance(value, int) else value


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: a whole number, or the bytes of a text or of a tree of its own."""
    at = 0
    while at < len(content):
        tag, at = _number(content, at)
        kind = tag & 7
        if kind == 0:
            value, at = _number(content, at)
            yield tag >> 3, value
            continue
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            length, at = _number(content, at)
        yield tag >> 3, content[at : at + length]
        at += length


def _numbers(content: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(content):
        value, at = _number(content, at)
        found.append(value)
    return found


def _number(content: memoryview, at: int) -> tuple[int, int]:
    """A whole number, seven bits to a byte, lowest first, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
