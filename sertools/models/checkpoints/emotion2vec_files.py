"""Reads and checks the files of an emotion2vec checkpoint, before FunASR is imported."""

import ast
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError, foreign
from sertools.files import read_yaml
from sertools.models.checkpoints.settings import check_numbers
from sertools.models.checkpoints.weights.tensors import tensors_in

if TYPE_CHECKING:
    import torch

HEAD = "proj.weight"

MOST_LAYERS = 64
"""Largest number of convolutional layers that a config.yaml may define."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """The contents of an emotion2vec directory.

    Attributes:
        folder: the directory
        settings: `model_conf` of config.yaml
        convolutions: channels, kernel and stride of each convolutional layer
        tokens: lines of tokens.txt; empty if there are none
        tensors: weights by their names
        digest: hash of everything that affects the results
    """

    folder: Path
    settings: dict[str, Any]
    convolutions: list[tuple[int, int, int]]
    tokens: list[str]
    tensors: dict[str, "torch.Tensor"]
    digest: str


def read(folder: Path) -> Files:
    """Reads an emotion2vec directory without running any code from it.

    Raises:
        ModelError: a missing, damaged or unsafe file
    """
    config_path, weights = _file(folder, "config.yaml"), _file(folder, "model.pt")
    text = config_path.read_bytes()
    config = read_yaml(config_path, error=ModelError, what="the configuration")
    try:
        settings = dict(config["model_conf"])
        audio = dict(settings["modalities"]["audio"])
        kind, spec = config["model"], audio["feature_encoder_spec"]
    except (TypeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{config_path} is not a valid emotion2vec configuration: {reason}") from error
    if kind != "Emotion2vec":
        raise ModelError(f"{config_path} is for the model {kind!r}, not Emotion2vec")
    check_numbers(settings, str(config_path))
    convolutions = conv_layers(spec, str(config_path))
    audio |= {"feature_encoder_spec": repr(convolutions), "decoder": None}
    settings["modalities"] = {**settings["modalities"], "audio": audio}
    listed = folder / "tokens.txt"
    with foreign(f"cannot read {listed}", ModelError):
        lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    tensors = _tensors(weights, config.get("scope_map") or [])
    tokens = [line.rstrip() for line in lines if line.strip()]
    outputs = len(tensors[HEAD]) if HEAD in tensors else 0
    if outputs and outputs != len(tokens):
        raise ModelError(f"{weights} has {outputs} outputs, but {listed} names {len(tokens)}")
    if tokens and not outputs:
        raise ModelError(
            f"{listed} names {len(tokens)} classes, but {weights} has no classification head",
            hint="FunASR would use a random head; remove tokens.txt to load a bare encoder",
        )
    digest = hashlib.blake2b(text + "\n".join(tokens).encode(), digest_size=16)
    with weights.open("rb") as file:
        digest.update(hashlib.file_digest(file, "blake2b").digest())
    return Files(
        folder=folder,
        settings=settings,
        convolutions=convolutions,
        tokens=tokens,
        tensors=tensors,
        digest=digest.hexdigest(),
    )


def english(token: str) -> str:
    """The English name in a line of tokens.txt.

    >>> english("生气/angry"), english("<unk>"), english("happy")
    ('angry', 'unknown', 'happy')
    """
    return "unknown" if token == "<unk>" else token.rpartition("/")[2].strip()


def conv_layers(spec: Any, where: str) -> list[tuple[int, int, int]]:
    """Channels, kernel and stride of each convolutional layer, from a string that FunASR would run as code.

    Only lists of triples of integers, joined by + and repeated by *, are accepted; nothing is run.

    Raises:
        ModelError: the string contains anything else

    >>> conv_layers("[(512, 10, 5)] + [(512, 3, 2)] * 2", "config.yaml")
    [(512, 10, 5), (512, 3, 2), (512, 3, 2)]
    """
    try:
        found = _layers(ast.parse(str(spec).strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ModelError(
            f"{where}: feature_encoder_spec {str(spec)[:80]!r} is not a list of (channels, kernel, stride)",
            hint="FunASR would run this string as code; do not use it there unless you trust its source",
        ) from error
    if not found or min(min(layer) for layer in found) < 1:
        raise ModelError(
            f"{where}: feature_encoder_spec {str(spec)[:80]!r} has no layers, or a value below 1"
        )
    return found


def _layers(node: ast.expr) -> list[tuple[int, int, int]]:
    """The layers that an expression describes; ValueError if it is anything but lists of triples."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            found = _layers(left) + _layers(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=ast.Constant(value=int(times))) if (
            times <= MOST_LAYERS
        ):
            found = _layers(left) * times
        case ast.List(elts=elements):
            found = [_triple(element) for element in elements]
        case _:
            raise ValueError
    if len(found) > MOST_LAYERS:
        raise ValueError
    return found


def _triple(node: ast.expr) -> tuple[int, int, int]:
    match node:
        case ast.Tuple(
            elts=[
                ast.Constant(value=int(channels)),
                ast.Constant(value=int(kernel)),
                ast.Constant(value=int(stride)),
            ]
        ):
            return channels, kernel, stride
    raise ValueError


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ModelError(
            f"{folder} is not an emotion2vec checkpoint: it has no {name}",
            hint="hf download emotion2vec/emotion2vec_plus_base --local-dir DIR; then emotion2vec:DIR",
        )
    return path


def _tensors(path: Path, scopes: Sequence[Any]) -> dict[str, "torch.Tensor"]:
    """Weights by their names in the network.

    Args:
        path: of model.pt
        scopes: `scope_map` of config.yaml: prefix in the file, in the network, in the file, …; `none` means
            an empty prefix
    """
    prefixes = ["" if str(p).lower() == "none" else str(p) for p in (*scopes, "module.", "none")]
    found = {}
    for key, tensor in tensors_in(path).items():
        for theirs, ours in zip(prefixes[::2], prefixes[1::2], strict=False):
            if theirs and key.startswith(theirs):
                key = ours + key.removeprefix(theirs)
        found[key] = tensor
    return found
