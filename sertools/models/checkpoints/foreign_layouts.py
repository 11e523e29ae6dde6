"""Checkpoints of other toolkits, read as data: an encoder of transformers, and a head on its states.

Each module in `foreign/` is a layout. It has `LAYOUT` (its name), `ORIGINAL` (what the tests compare it
with), `recognised(folder)`, `parts_of(folder)` and `files_of(folder)`, and runs no code that comes with the
checkpoint.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from sertools.errors import ModelError, foreign
from sertools.models.checkpoints.settings import check_parameters

if TYPE_CHECKING:
    import torch

KNOWN_ENCODERS: dict[str, Mapping[str, Any]] = {
    "facebook/wav2vec2-base": {"model_type": "wav2vec2"},
    "microsoft/wavlm-base-plus": {"model_type": "wavlm"},
    "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim": {
        "model_type": "wav2vec2",
        "hidden_size": 1024,
        "num_hidden_layers": 12,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "conv_bias": True,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
    },
    "microsoft/wavlm-large": {
        "model_type": "wavlm",
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
    },
}
"""Hub id of an encoder → settings of its config.json that differ from the defaults of its class."""


class StatesHead(Protocol):
    """Makes logits of all frames of the encoder's last layer, or with `reads_all_layers` of all layers."""

    def __call__(self, states: Any, frames: Sequence[int] | None) -> "torch.Tensor":
        """Logits (n, c) of states (n, frames, d), of which the first `frames` are a clip's own, or all.

        With an attribute `reads_all_layers` that is true, `states` are those of all layers, as a sequence.
        """
        ...

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a checkpoint of another toolkit.

    Attributes:
        layout: name of pooling and head, for the facts
        config: of the encoder, with the names of the outputs
        extractor: makes the encoder's input of a signal, like a feature extractor of transformers
        encoder: tensors of the encoder, by their keys in transformers
        head: pooling and the layers after it
        keys: number of keys of the checkpoint
        notes: sentences on what is not read, for the report
    """

    layout: str
    config: Any
    extractor: Any
    encoder: Mapping[str, "torch.Tensor"]
    head: StatesHead
    keys: int
    notes: tuple[str, ...] = ()


def recognised(folder: Path) -> ModuleType | None:
    """The layout of a checkpoint of another toolkit; None for one of transformers.

    Raises:
        ModelError: a settings file cannot be read
    """
    return next((module for module in _modules() if module.recognised(folder)), None)


def originals() -> dict[str, str]:
    """Name of each layout → the reference that tests compare it with."""
    return {module.LAYOUT: module.ORIGINAL for module in _modules()}


def _modules() -> list[ModuleType]:
    package = importlib.import_module(f"{__name__.rpartition('.')[0]}.foreign")
    return [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
    ]


def encoder_config(name: str, path: Path) -> Any:
    """The configuration of an encoder: one that is known here, or that of the hub.

    Args:
        name: hub id of the encoder
        path: file that names it, for messages

    Raises:
        ModelError: it is neither
    """
    from transformers import AutoConfig

    known = KNOWN_ENCODERS.get(name)
    if known is not None:
        return AutoConfig.for_model(**known)
    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=False)
    except Exception as error:  # transformers raises anything for a name that it cannot resolve
        raise ModelError(
            f"{path} names the encoder {name[:100]!r}, whose settings cannot be read",
            hint=f"go online once, or use a checkpoint with one of {', '.join(KNOWN_ENCODERS)}",
        ) from error


def encoder_of(parts: Parts, folder: Path) -> tuple[Any, Mapping[str, Any]]:
    """The encoder as a module of transformers, and what transformers reports about its keys.

    Raises:
        ModelError: transformers cannot build it, or it is far larger than the weights
    """
    from transformers import AutoModel

    with foreign(f"the encoder in {folder} cannot be loaded by transformers", ModelError):
        return from_tensors(AutoModel, parts.config, parts.encoder, folder)


def from_tensors(
    loader: Any, config: Any, tensors: Mapping[str, "torch.Tensor"], folder: Path
) -> tuple[Any, Mapping[str, Any]]:
    """A module of transformers with these tensors, and what transformers reports about their keys.

    Args:
        loader: an Auto class of transformers
        config: of the module
        tensors: by their keys in transformers
        folder: of the checkpoint, for messages

    Raises:
        ModelError: the network is far larger than the tensors
        Exception: of any class, from transformers, if the module cannot be built
    """
    stored = sum(tensor.numel() for tensor in tensors.values())
    check_parameters(loader.from_config, stored, len(tensors), config, folder)
    kind = type(loader.from_config(config))
    module, info = kind.from_pretrained(
        None,
        config=config,
        state_dict=dict(tensors),
        dtype="float32",
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # refused by the caller, with an error message that names them
    )
    return module, info
