"""Finds the weight files of a checkpoint: exactly those that transformers reads."""

from pathlib import Path
from typing import TYPE_CHECKING

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.weights.tensors import tensors_in

if TYPE_CHECKING:
    import torch

WHOLE = "model.safetensors"
IN_ORDER = (WHOLE, f"{WHOLE}.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
"""Files that transformers looks for; the first one that exists counts, and no other file is read."""

NAMED_IN_CONFIG = "transformers_weights"
"""Key of config.json that names another safetensors file or index, in place of `IN_ORDER`."""


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights of a checkpoint; several if an index lists its parts.

    Raises:
        ModelError: there are no weights, parts without their index, an index that is damaged or names a file
            elsewhere, or a part that is missing
    """
    named = _named_in_config(folder)
    wanted = [named] if named else [name for name in IN_ORDER if (folder / name).is_file()][:1]
    if not wanted:
        parts = sorted(
            path.name for pattern in ("*-of-*.safetensors", "*-of-*.bin") for path in folder.glob(pattern)
        )
        if parts:
            index = WHOLE if parts[0].endswith("safetensors") else "pytorch_model.bin"
            raise ModelError(
                f"{folder} has parts of the weights ({parts[0]}), but not their index {index}.index.json",
                hint="download or copy the index too",
            )
        raise ModelError(
            f"{folder} has no weights: neither model.safetensors nor pytorch_model.bin",
            hint="name a directory that contains both config.json and the weights",
        )
    path = folder / wanted[0]
    if not path.is_file():
        raise ModelError(f"{folder} lacks {wanted[0]}, which config.json names as {NAMED_IN_CONFIG}")
    return _parts(path) if path.name.endswith(".index.json") else [path]


def weight_tensors(folder: Path) -> dict[str, "torch.Tensor"]:
    """All tensors of a checkpoint by key; memory-mapped if the format allows it.

    Raises:
        ModelError: see `weight_files`; or a file is truncated, is not a weight file, or is a pickle that
            contains more than tensors
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in weight_files(folder):
        tensors |= tensors_in(path)
    return tensors


def _named_in_config(folder: Path) -> str:
    """The file that config.json names in place of the usual one; empty if it names none."""
    if not (folder / "config.json").is_file():
        return ""
    content = read_json(folder / "config.json", error=ModelError, what="the settings of a checkpoint")
    named = content.get(NAMED_IN_CONFIG) if isinstance(content, dict) else None
    if named is None:
        return ""
    plain = isinstance(named, str) and Path(named).name == named
    if not plain or not named.endswith((".safetensors", ".safetensors.index.json")):
        raise ModelError(
            f"{folder / 'config.json'}: {NAMED_IN_CONFIG} is {str(named)[:60]!r}, which is not a safetensors "
            "file in its folder"
        )
    return str(named)


def _parts(index: Path) -> list[Path]:
    """The files that an index lists, after checking that they exist next to it."""
    content = read_json(index, error=ModelError, what="the index of the weight files")
    listed = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(listed, dict) or not listed:
        raise ModelError(
            f"{index} has no weight_map, which names the file of each weight",
            hint="download or copy it again",
        )
    names = sorted({str(name) for name in listed.values()})
    elsewhere = [name for name in names if Path(name).name != name]
    if elsewhere:
        raise ModelError(f"{index} names {elsewhere[0][:100]!r}, which is not a file in its folder")
    absent = [name for name in names if not (index.parent / name).is_file()]
    if absent:
        raise ModelError(
            f"{index.parent} lacks {len(absent)} of the {len(names)} weight files that {index.name} lists: "
            f"{', '.join(absent[:3])}",
            hint="download or copy them too",
        )
    return [index.parent / name for name in names]
