"""Loads a checkpoint's encoder and head, and refuses a checkpoint whose head is missing.

`AutoModelForAudioClassification` creates a random head when the checkpoint has none, or one with a different
layout, and only warns. Here every key of encoder and head is checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError, foreign, reason
from sertools.models import padding
from sertools.models.checkpoints import padded_forward
from sertools.models.checkpoints.described_heads import layout_named
from sertools.models.checkpoints.foreign_layouts import Parts, StatesHead, encoder_of, from_tensors, originals
from sertools.models.checkpoints.hub.own_code import code_files, is_own
from sertools.models.checkpoints.layouts import (
    LAYOUTS,
    Layout,
    OwnHead,
    entry_of,
    layout_of,
    own_head,
    pooling_of,
)
from sertools.models.checkpoints.settings import check_parameters
from sertools.models.checkpoints.weights.files import weight_tensors
from sertools.models.checkpoints.weights.unread import NEVER_USED, check_unread, listed
from sertools.models.checks import never_trained
from sertools.models.mapped.held import Mapped

if TYPE_CHECKING:
    import torch

    from sertools.models.checkpoints.inputs import Inputs

REFUSAL = "train one with sertools finetune, or describe it with --head PREFIX=LAYOUT, where LAYOUT is one of"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A loaded network with its head.

    Attributes:
        held: the transformers module, in evaluation mode; or the weights, of which it is made when needed
        head: what makes logits of the encoder's states; None if `module` includes it, or there is no head
        layout: one of LAYOUTS, or that of another toolkit
        unexpected: unused keys of the checkpoint
        pooling: how frames are pooled for `head`: one of POOLINGS, or by the head itself
        keys: number of keys of the checkpoint that are used; 0 for a network without a checkpoint
    """

    held: "torch.nn.Module | Mapped"
    head: OwnHead | StatesHead | None
    layout: str
    unexpected: tuple[str, ...]
    pooling: str = "mean"
    keys: int = 0

    @property
    def module(self) -> "torch.nn.Module":
        """The transformers module, which is now made of the weights if it was not yet."""
        return self.held.module if isinstance(self.held, Mapped) else self.held

    @property
    def readable(self) -> Any:
        """The module, or its weights in the same shape, as long as nobody has asked for the module."""
        return self.held.readable if isinstance(self.held, Mapped) else self.held

    @property
    def config(self) -> Any:
        """The settings of config.json, with those of transformers if it has read them."""
        return self.readable.config

    @property
    def architecture(self) -> str:
        """Name of the class of transformers."""
        return self.held.architecture if isinstance(self.held, Mapped) else type(self.held).__name__

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        if isinstance(self.held, Mapped):
            return self.held.parameters
        return sum(parameter.numel() for parameter in self.held.parameters())

    @property
    def never_trained(self) -> bool:
        """Whether the weights are still those with which a network is created, see `checks.never_trained`."""
        return self.held.never_trained if isinstance(self.held, Mapped) else never_trained(self.held)

    def code_files(self, *parts: Any) -> list[Path]:
        """The Python files of the checkpoint that define its module and these parts, if any."""
        return [] if isinstance(self.held, Mapped) else code_files(self.held, *parts)

    def move_to(self, device: "torch.device") -> None:
        """Moves the module to a device; weights that are mapped from a file are only used on the CPU."""
        if not isinstance(self.held, Mapped):
            self.held.to(device)

    @property
    def runs_own_code(self) -> bool:
        """Whether the class of the module comes with the checkpoint."""
        return not isinstance(self.held, Mapped) and is_own(self.held)

    @property
    def reads_all_layers(self) -> bool:
        """Whether the head needs the states of all layers, and not only those of the last one."""
        return bool(getattr(self.head, "reads_all_layers", False))

    def logits(self, outputs: Any, frames: list[int] | None) -> "torch.Tensor":
        """Logits (n, c) of the encoder's outputs, of whose states the first `frames` are a clip's own."""
        assert self.head is not None, "the caller asks whether there is a head"
        states = outputs.last_hidden_state.float()
        if isinstance(self.head, OwnHead):
            return self.head(padding.pooled(self.head.of_frames(states), frames, self.pooling))
        if self.reads_all_layers:
            return self.head([state.float() for state in outputs.hidden_states], frames)
        return self.head(states, frames)


def hidden_of(network: Network, inputs: "Sequence[Inputs]", dtype: "torch.dtype") -> "torch.Tensor":
    """The input of the last layer of a head, shape (n, d).

    Args:
        network: with a head
        inputs: of each clip, as for `padded_forward.states`
        dtype: number format of matrix products

    Raises:
        ModelError: there is no head, or none of a known form
    """
    read: list[torch.Tensor] = []
    last: Any = getattr(network.module, "classifier", None)
    if network.layout == "native" and hasattr(last, "register_forward_pre_hook"):
        hook = last.register_forward_pre_hook(lambda _, given: read.append(given[0]))
        try:
            padded_forward.states(network.module, inputs, layers=False, dtype=dtype)
        finally:
            hook.remove()
    elif isinstance(network.head, OwnHead):
        outputs, frames = padded_forward.states(network.module, inputs, layers=False, dtype=dtype)
        states = network.head.of_frames(outputs.last_hidden_state.float())
        read.append(network.head.hidden(padding.pooled(states, frames, network.pooling)))
    if not read or read[0].ndim != 2:
        raise ModelError("the model has no head whose hidden layer can be read")
    return read[0]


def compared_with(layout: str) -> str:
    """The reference that tests compare the outputs of a layout with; empty if there is none."""
    return LAYOUTS[layout].original if layout in LAYOUTS else originals().get(layout, "")


def build_foreign(folder: Path, parts: Parts) -> Network:
    """The network of a checkpoint of another toolkit, after checking every key of its encoder.

    Raises:
        ModelError: a key is missing, has the wrong shape, or would not be read
    """
    module, info = encoder_of(parts, folder)
    _check_keys(module, info, folder)
    unread = sorted(map(str, info["unexpected_keys"]))
    check_unread(unread, module, layout=parts.layout, head={}, folder=folder, tensors=parts.encoder)
    return Network(
        held=module.eval(),
        head=parts.head,
        layout=parts.layout,
        unexpected=tuple(unread),
        pooling=parts.layout,
        keys=parts.keys - len(unread),
    )


def build(
    folder: Path,
    config: Any,
    *,
    head: Mapping[str, str],
    trust_remote_code: bool,
    merged: "Mapping[str, torch.Tensor] | None" = None,
) -> Network:
    """The network of a checkpoint, after checking every key.

    Args:
        folder: of the checkpoint
        config: of transformers
        head: prefix → layout, as named by the user
        trust_remote_code: whether code that comes with the checkpoint may run
        merged: tensors to use in place of those in the folder, into which an adapter is merged

    Raises:
        ModelError: a key of the encoder or the head is missing, has the wrong shape, or would not be read
    """
    tensors = weight_tensors(folder) if merged is None else merged
    code = getattr(config, "auto_map", None) if trust_remote_code else None
    layout, prefix = layout_of(set(tensors), [*(config.architectures or []), *(code or [])], head)
    if merged is None:
        module, info = _pretrained(folder, config, layout, tensors, trust_remote_code=trust_remote_code)
    else:
        with foreign(f"{folder} cannot be loaded by transformers", ModelError):
            module, info = from_tensors(_loader(layout), config, tensors, folder)
    _check_keys(module, info, folder)
    unread = sorted(map(str, info["unexpected_keys"]))
    entry = entry_of(layout, head) if len(head) > 1 else layout_named(layout)
    found, pooling, read = head_of(tensors, config, entry, prefix, folder)
    unread = [key for key in unread if key not in read]
    if "" in head:
        head = dict.fromkeys(entry.stems(prefix), layout)
    check_unread(unread, module, layout=layout, head=head, folder=folder, tensors=tensors)
    if config.model_type == "whisper" and layout != "native":
        module = module.get_encoder()
    return Network(
        held=module.eval(),
        head=found,
        layout=layout,
        unexpected=tuple(unread),
        pooling=pooling,
        keys=len(tensors) - len(unread),
    )


def head_of(
    tensors: "Mapping[str, torch.Tensor]", config: Any, entry: Layout, prefix: str, folder: Path
) -> tuple[OwnHead | None, str, set[str]]:
    """A head that transformers does not compute, how frames are pooled for it, and keys that it may have.

    Args:
        tensors: of the checkpoint, by key
        config: settings of the checkpoint
        entry: layout of the head; one without branches is left to transformers
        prefix: of the keys of the head
        folder: of the checkpoint, for messages

    Raises:
        ModelError: a key of the head is missing, has the wrong shape, or is not finite
    """
    if not entry.branches:
        return None, "mean", set()
    pooling = entry.pooling or pooling_of(config, folder)
    read = {f"{stem}.{kind}" for stem in entry.stems(prefix) for kind in ("weight", "bias")}
    return own_head(tensors, entry, prefix, _width(config), folder), pooling, read


def _width(config: Any) -> int | None:
    """Number of values in each state that the encoder returns; None if config.json does not say."""
    size = getattr(config, "output_hidden_size", None) if getattr(config, "add_adapter", False) else None
    size = size or getattr(config, "hidden_size", None)
    return size if isinstance(size, int) else None


def _pretrained(
    folder: Path, config: Any, layout: str, tensors: "Mapping[str, torch.Tensor]", *, trust_remote_code: bool
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
            f"{folder} lacks keys of {type(module).__name__}: {listed(missing)}; "
            f"unexpected keys: {listed(unexpected) if unexpected else 'none'}",
            hint=f"{REFUSAL} {', '.join(LAYOUTS)}",
        )
    broken = [name for name, value in module.named_parameters() if not all_finite(value)]
    if broken:
        raise ModelError(
            f"{folder} has weights that are not finite numbers: {listed(sorted(broken))}",
            hint="training diverged, or the file is damaged",
        )


def all_finite(values: "torch.Tensor") -> bool:
    """Whether all numbers are finite; their sum, which is quicker, is not finite if one of them is not."""
    return bool(values.sum().isfinite()) or bool(values.isfinite().all())


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])
