"""Reads and checks the files of a CNN14 checkpoint: config.json and weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from sertools.errors import ModelError
from sertools.files import read_json
from sertools.models.checkpoints.weights.tensors import tensors_in
from sertools.models.checks import check_rate
from sertools.models.cnn14.network import WIDTH, build
from sertools.models.cnn14.spectrogram import Config, mel_filters

if TYPE_CHECKING:
    import torch

AUDIOSET = "fc_audioset"

HEADS = ("fc_out", "fc_transfer", AUDIOSET)
"""Possible names of the last linear layer: in sertools, in PANNs' fine-tuning example (whose checkpoints also
hold the old, unused layer), and in the published checkpoints. The first one found is used."""

MAX_WINDOW = 2**17
"""Largest window and hop of the spectrogram in samples, several seconds."""

FRONT_END = ("spectrogram_extractor.", "logmel_extractor.")
"""Prefixes of the stored spectrogram constants; sertools computes its own from config.json and compares."""


def network_of(path: Path, config: Config) -> "tuple[torch.nn.Module, str, int]":
    """The network with the weights from a file, the name of its head, and the number of its outputs.

    Raises:
        ModelError: a missing or unexpected key, a weight that is not finite, or settings that contradict the
            spectrogram stored in a PANNs checkpoint
    """
    tensors = _tensors(path)
    front_end = {key: tensors.pop(key) for key in list(tensors) if key.startswith(FRONT_END)}
    _check_front_end(front_end, config, path)
    head = next((name for name in HEADS if f"{name}.bias" in tensors), None)
    if head is None:
        raise ModelError(
            f"{path} has no head: it has none of {', '.join(HEADS)}",
            hint="train one, or use a checkpoint with a head",
        )
    if head != AUDIOSET:
        tensors = {key: value for key, value in tensors.items() if not key.startswith(f"{AUDIOSET}.")}
    outputs = tensors[f"{head}.bias"].numel()
    first = tensors.get("conv_block1.conv1.weight")
    network = build(outputs, head, WIDTH if first is None or first.dim() != 4 else len(first))
    _fill(network, tensors, path)
    return network, head, outputs


def _fill(network: "torch.nn.Module", tensors: "Mapping[str, torch.Tensor]", path: Path) -> None:
    """Loads the weights into the network, after checking every key."""
    import torch

    counted = {key for key in network.state_dict() if not key.endswith("num_batches_tracked")}
    missing, odd = sorted(counted - set(tensors)), sorted(set(tensors) - set(network.state_dict()))
    if missing or odd:
        raise ModelError(
            f"{path} is not a CNN14 checkpoint: missing keys {_some(missing)}; unexpected keys {_some(odd)}",
            hint="name the keys as in the published PANNs checkpoints",
        )
    try:
        network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise ModelError(f"{path} is not a CNN14 checkpoint: {' '.join(str(error).split())[:200]}") from error
    broken = [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise ModelError(f"{path} has weights that are not finite: {_some(broken)}")


def config_of(folder: Path) -> Config:
    """The settings in config.json.

    Raises:
        ModelError: the file is missing or not valid, or its settings contradict each other
    """
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(
            f"{folder} is not a CNN14 checkpoint: it has no config.json",
            hint='create it with {"labels": […], "sampling_rate": 16000, "window": 512, …}',
        )
    try:
        config = Config.model_validate(read_json(path, error=ModelError, what="the configuration"))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = ", ".join(Config.model_fields)
            raise ModelError(
                f"{path} has the key {key!r}, which CNN14 has no use for",
                hint=f"known: {known}; a checkpoint of transformers is named without cnn14:",
            ) from error
        raise ModelError(f"{path} has an error at {key!r}: {first['msg']}") from error
    if max(config.window, config.hop) > MAX_WINDOW:
        raise ModelError(f"{path}: window {config.window} or hop {config.hop} is more than {MAX_WINDOW}")
    positive = min(config.sampling_rate, config.window, config.hop) > 0 and config.window % 2 == 0
    if not positive or not 0 <= config.fmin < config.fmax <= config.sampling_rate / 2:
        raise ModelError(
            f"{path}: sampling_rate {config.sampling_rate}, window {config.window}, hop {config.hop}, "
            f"fmin {config.fmin:g} and fmax {config.fmax:g} are not valid together",
            hint="all must be positive, the window even, and fmin < fmax ≤ sampling_rate / 2",
        )
    check_rate(config.sampling_rate, str(folder))
    return config


def weight_file(folder: Path) -> Path:
    """The only file of weights in a folder: `model.safetensors`, or one `.pth` or `.pt` file.

    Raises:
        ModelError: there is no such file, or more than one
    """
    if (folder / "model.safetensors").is_file():
        return folder / "model.safetensors"
    found = sorted([*folder.glob("*.pth"), *folder.glob("*.pt")])
    if len(found) != 1:
        raise ModelError(
            f"{folder} has {len(found) or 'no'} weight files: {', '.join(p.name for p in found) or 'none'}",
            hint="provide exactly one: model.safetensors or a .pth file of PANNs",
        )
    return found[0]


def _tensors(path: Path) -> dict[str, "torch.Tensor"]:
    # the transfer learning example of PANNs stores the network under `base`
    return {k.removeprefix("module.").removeprefix("base."): t for k, t in tensors_in(path).items()}


def _check_front_end(stored: "Mapping[str, torch.Tensor]", config: Config, path: Path) -> None:
    """Refuses a config.json that does not match the spectrogram which the checkpoint was trained on."""
    filters = stored.get("logmel_extractor.melW")
    if filters is None:
        return
    ours = mel_filters(config).T
    if tuple(filters.shape) != ours.shape or not np.allclose(filters.numpy(), ours, rtol=1e-3, atol=1e-6):
        raise ModelError(
            f"{path} was trained on a different spectrogram than config.json describes: its filters of shape "
            f"{tuple(filters.shape)} do not match {config.sampling_rate} Hz, window "
            f"{config.window}, {config.fmin:g} to {config.fmax:g} Hz",
            hint="sampling_rate, window, hop, fmin, fmax of PANNs: 16000, 512, 160, 50, 8000 or "
            "32000, 1024, 320, 50, 14000",
        )


def _some(keys: list[str], shown: int = 4) -> str:
    more = f" and {len(keys) - shown} more" if len(keys) > shown else ""
    return (", ".join(keys[:shown]) + more) or "none"
