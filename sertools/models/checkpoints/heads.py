"""Loads a checkpoint's encoder and head, and refuses a checkpoint whose head is missing.

`AutoModelForAudioClassification` creates a random head when the checkpoint has none, or one with a different
layout, and only warns. Here every key of encoder and head is checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError, reason
from sertools.models.checkpoints.settings import check_parameters
from sertools.models.checkpoints.weights import tensors_in

if TYPE_CHECKING:
    import torch

LAYOUTS = {
    "native": "the head of the transformers class named in config.json",
    "dense-tanh-out": "mean over frames → dense → tanh → out_proj (audEERING's dimensional models)",
    "linear": "mean over frames → one linear layer",
    "none": "a bare encoder",
}
NEVER_USED = ("masked_spec_embed",)
"""Encoder parameters used only in training; a checkpoint may lack them."""

REFUSAL = "train one with sertools finetune, or describe it with --head PREFIX=LAYOUT, where LAYOUT is one of"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A loaded network with its head.

    Attributes:
        module: the transformers module, in evaluation mode
        head: pooled states (n, d) → logits (n, c); None if `module` includes the head, or there is no head
        layout: one of LAYOUTS
        unexpected: unused keys of the checkpoint
    """

    module: "torch.nn.Module"
    head: Callable[["torch.Tensor"], "torch.Tensor"] | None
    layout: str
    unexpected: tuple[str, ...]


def weight_files(folder: Path) -> list[Path]:
    """The weight files of a checkpoint: safetensors if there are any, otherwise PyTorch files.

    Raises:
        ModelError: there are no weight files
    """
    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        found = sorted(folder.glob(pattern))
        if found:
            return found
    raise ModelError(
        f"{folder} has no weights: neither model.safetensors nor pytorch_model.bin",
        hint="name a directory that contains both config.json and the weights",
    )


def weight_tensors(folder: Path) -> dict[str, "torch.Tensor"]:
    """All tensors of a checkpoint by key; memory-mapped if the format allows it.

    Raises:
        ModelError: a file is truncated, is not a weight file, or is a pickle that contains more than tensors
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in weight_files(folder):
        tensors |= tensors_in(path)
    return tensors


def layout_of(keys: set[str], architectures: list[str], head: Mapping[str, str]) -> str:
    """The layout of a checkpoint's head, determined from its keys.

    Raises:
        ModelError: `head` names an unknown layout or keys that do not exist
    """
    for prefix, layout in head.items():
        if layout not in LAYOUTS:
            raise ModelError(f"--head {prefix}={layout}: unknown layout", hint=", ".join(LAYOUTS))
        if not any(key.startswith(f"{prefix}.") for key in keys):
            raise ModelError(f"--head {prefix}={layout}: the checkpoint has no keys {prefix}.…")
        return layout
    if {"classifier.dense.weight", "classifier.out_proj.weight"} <= keys:
        return "dense-tanh-out"
    claims = any(
        name.endswith(("ForSequenceClassification", "ForAudioClassification")) for name in architectures
    )
    if claims or keys & {"projector.weight", "classifier.weight", "classifier.dense.weight"}:
        return "native"
    return "none"


def build(folder: Path, config: Any, *, head: Mapping[str, str], trust_remote_code: bool) -> Network:
    """The network of a checkpoint, after checking every key.

    Raises:
        ModelError: a key of the encoder or the head is missing, or has the wrong shape
    """
    tensors = weight_tensors(folder)
    layout = layout_of(set(tensors), list(config.architectures or []), head)
    module, info = _pretrained(folder, config, layout, tensors, trust_remote_code=trust_remote_code)
    unexpected = sorted(info["unexpected_keys"])
    _check_keys(module, info, folder)
    if config.model_type == "whisper" and layout != "native":
        module = module.get_encoder()
    own_head = None
    if layout in {"dense-tanh-out", "linear"}:
        prefix = next(iter(head), "classifier")
        own_head = _own_head(tensors, prefix, layout, folder)
        unexpected = [key for key in unexpected if not key.startswith(f"{prefix}.")]
        _check_outputs(tensors, prefix, layout, config, folder)
    return Network(module=module.eval(), head=own_head, layout=layout, unexpected=tuple(unexpected))


def _pretrained(
    folder: Path, config: Any, layout: str, tensors: Mapping[str, "torch.Tensor"], *, trust_remote_code: bool
) -> tuple[Any, Mapping[str, Any]]:
    """The module of transformers, and what it reports about the keys of the checkpoint."""
    loader = _loader(layout)
    try:
        if not trust_remote_code:
            stored = sum(tensor.numel() for tensor in tensors.values())
            check_parameters(loader.from_config, stored, len(tensors), config, folder)
        module, info = loader.from_pretrained(
            folder,
            config=config,
            dtype="float32",
            output_loading_info=True,
            local_files_only=True,
            weights_only=True,
            trust_remote_code=trust_remote_code,
            ignore_mismatched_sizes=True,  # refused by `_check_keys`, with an error message that names them
        )
    except ModelError:
        raise
    except RuntimeError as error:
        raise ModelError(
            f"the weights in {folder} do not fit its config.json: {_first_line(error)}"
        ) from error
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"{folder} has the architecture {config.model_type!r}, for which transformers has no audio "
            f"model: {_first_line(error)[:120]}"
        ) from error
    except Exception as error:  # transformers raises anything for a checkpoint that it does not expect
        raise ModelError(f"{folder} cannot be loaded by transformers: {reason(error)}") from error
    return module, info


def _loader(layout: str) -> Any:
    """The class of transformers that builds the network."""
    from transformers import AutoModel, AutoModelForAudioClassification

    return AutoModelForAudioClassification if layout == "native" else AutoModel


def _check_keys(module: Any, info: Mapping[str, Any], folder: Path) -> None:
    """Refuses a checkpoint with a weight that is missing, has the wrong shape, or is not finite."""
    if info["mismatched_keys"]:
        key, stored, wanted = min(info["mismatched_keys"], key=lambda found: str(found[0]))
        raise ModelError(
            f"the weights in {folder} do not fit its config.json: {key} has shape {tuple(stored)}, but "
            f"config.json requires {tuple(wanted)}; {len(info['mismatched_keys'])} keys do not fit"
        )
    missing = sorted(key for key in info["missing_keys"] if not key.endswith(NEVER_USED))
    unexpected = sorted(info["unexpected_keys"])
    if missing:
        raise ModelError(
            f"{folder} lacks keys of {type(module).__name__}: {_keys(missing)}; "
            f"unexpected keys: {_keys(unexpected) if unexpected else 'none'}",
            hint=f"{REFUSAL} {', '.join(LAYOUTS)}",
        )
    broken = [name for name, value in module.named_parameters() if not value.isfinite().all()]
    if broken:
        raise ModelError(
            f"{folder} has weights that are not finite numbers: {_keys(sorted(broken))}",
            hint="training diverged, or the file is damaged",
        )


def _own_head(
    tensors: Mapping[str, "torch.Tensor"], prefix: str, layout: str, folder: Path
) -> Callable[["torch.Tensor"], "torch.Tensor"]:
    import torch
    from torch.nn.functional import linear

    parts = {"dense-tanh-out": ("dense", "out_proj"), "linear": ("",)}[layout]
    weights = []
    for part in parts:
        stem = f"{prefix}.{part}".rstrip(".")
        absent = [key for key in (f"{stem}.weight", f"{stem}.bias") if key not in tensors]
        if absent:
            raise ModelError(f"{folder} lacks keys of a head with layout {layout}: {_keys(absent)}")
        weights.append((tensors[f"{stem}.weight"].float(), tensors[f"{stem}.bias"].float()))

    def head(pooled: torch.Tensor) -> torch.Tensor:
        for i, (weight, bias) in enumerate(weights):
            pooled = torch.tanh(pooled) if i else pooled
            pooled = linear(pooled, weight.to(pooled), bias.to(pooled))
        return pooled

    return head


def _check_outputs(
    tensors: Mapping[str, "torch.Tensor"], prefix: str, layout: str, config: Any, folder: Path
) -> None:
    last = f"{prefix}.out_proj.bias" if layout == "dense-tanh-out" else f"{prefix}.bias"
    if len(tensors[last]) != len(config.id2label):
        raise ModelError(
            f"the head in {folder} has {len(tensors[last])} outputs, but config.json names "
            f"{len(config.id2label)} labels: {', '.join(map(str, config.id2label.values()))}",
            hint="list the labels in output order as id2label in config.json",
        )


def _keys(keys: list[str], shown: int = 6) -> str:
    more = f" and {len(keys) - shown} more keys" if len(keys) > shown else ""
    return ", ".join(" ".join(key.split())[:200] for key in keys[:shown]) + more


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])
