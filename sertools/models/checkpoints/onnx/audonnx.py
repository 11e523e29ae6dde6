"""Finds the ONNX file of a model, and its labels in the YAML files that audonnx writes next to it."""

from pathlib import Path
from typing import Any

from sertools.errors import ModelError
from sertools.files import read_yaml

SCORES = "logits"
"""Name of the output with the scores, unless the files or the user name another one."""


def find(given: Path) -> tuple[Path, dict[str, list[str]]]:
    """The ONNX file, and output → labels from the YAML files in the same folder.

    Raises:
        ModelError: no such file, a damaged YAML file, or features that audonnx would have to compute
    """
    folder = given if given.is_dir() else given.parent
    described = _described(folder) if given.is_dir() or given.name == "model.onnx" else {}
    named = str(described.get("path", "model.onnx"))
    if Path(named).name != named:
        raise ModelError(
            f"{folder / 'model.yaml'}: path is {named[:100]!r}, which is not a file in its folder"
        )
    path = given / named if given.is_dir() else given
    if not path.is_file():
        raise ModelError(f"no ONNX file {path}", hint="name a file, or a directory with model.onnx")
    if described.get("transform"):
        transform = described["transform"]
        kind = next(iter(transform), "?") if isinstance(transform, dict) else transform
        raise ModelError(
            f"{folder / 'model.yaml'} requires features computed by audonnx ({kind}), which is not supported",
            hint="write a function that calls audonnx: --model py:FILE.py:FUNCTION",
        )
    labels = described.get("labels") or {}
    if isinstance(labels, list):
        labels = {SCORES: labels}
    if not isinstance(labels, dict) or not all(isinstance(names, list | None) for names in labels.values()):
        raise ModelError(f"{folder} names labels that are not lists")
    return path, {str(node): [str(name) for name in found] for node, found in labels.items() if found}


def _described(folder: Path) -> dict[str, Any]:
    """The contents of `model.yaml`, or of the older pair labels.yaml and transform.yaml."""
    found: dict[str, Any] = {}
    for path in (folder / "labels.yaml", folder / "transform.yaml", folder / "model.yaml"):
        if not path.is_file():
            continue
        content = read_yaml(path, error=ModelError, what="the description of the network")
        if path.name != "model.yaml":
            found[path.stem] = content
            continue
        inner = next(iter(content.values()), None) if isinstance(content, dict) else None
        if not isinstance(inner, dict) or not next(iter(content)).startswith("$audonnx"):
            raise ModelError(f"{path} does not describe an audonnx model: its first key is not $audonnx…")
        found |= inner
    return found
