"""Refuses a checkpoint if weights that affect its predictions would not be read."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError
from sertools.models.checkpoints.described_heads import FORM, describes, linear_layers, suggestion
from sertools.models.checkpoints.layouts import LAYOUTS
from sertools.wording import plural

if TYPE_CHECKING:
    import torch

NEVER_USED = ("masked_spec_embed",)
"""Encoder parameters used only in training: a checkpoint may lack them, or hold them without use."""

FROM_PRE_TRAINING = (
    "lm_head", "ctc_proj", "quantizer", "project_hid", "project_q", "proj_out", "decoder", "final_proj",
    "label_embs_concat", "label_embeddings_concat", "speaker_proj", "dropout_features", "target_glu",
    "loss", "loss_fct", "criterion",
)  # fmt: skip
"""First parts of keys outside the encoder that no prediction of emotions uses: heads of pre-training and of
speech recognition, and the parameters of losses."""

_ADAPTED = re.compile(r"(^|\.)(lora_|ia3_|base_layer\.|modules_to_save\.|original_module\.)")
_LAYER = re.compile(r"(^|\.)layers?\.(\d+)\.")


def listed(keys: Sequence[str], shown: int = 6) -> str:
    """Keys for a message; of many, the first ones and the number of the others.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more key'
    """
    more = f" and {plural(len(keys) - shown, 'more key')}" if len(keys) > shown else ""
    return ", ".join(" ".join(key.split())[:200] for key in keys[:shown]) + more


def check_unread(
    unread: Sequence[str],
    module: Any,
    *,
    layout: str,
    head: Mapping[str, str],
    folder: Path,
    tensors: "Mapping[str, torch.Tensor]",
) -> None:
    """Refuses unread keys that belong to the encoder, to the head, or to something that looks like a head.

    Keys of pre-training (a quantiser, the head of a speech recogniser) may stay unread. If the user names the
    head, so may all keys that share neither the encoder's nor this head's prefix.

    Args:
        unread: keys of the checkpoint that neither encoder nor head uses
        module: the module of transformers
        layout: of the head
        head: prefix → layout, as named by the user
        folder: of the checkpoint
        tensors: of the checkpoint, by key

    Raises:
        ModelError: such a key is unread
    """
    adapted = [key for key in unread if _ADAPTED.search(key)]
    if adapted:
        raise ModelError(
            f"{folder} contains an adapter (LoRA) in addition to the base weights, which would not be read: "
            f"{listed(adapted)}",
            hint="merge it into the weights (merge_and_unload of peft), and save the whole",
        )
    unread = [key for key in unread if not key.endswith(NEVER_USED)]
    inside = [key for key in unread if _in_encoder(key, module)]
    if inside:
        raise ModelError(
            f"{folder} has weights of the encoder that {type(module).__name__} would not read: "
            f"{listed(inside)}{_layers(inside, module)}",
            hint="correct config.json, or remove these keys if the model was trained without them",
        )
    _check_parts(unread, head, folder)
    if head:
        return
    heads = [key for key in unread if not set(key.split(".")[:2]) & set(FROM_PRE_TRAINING)]
    if heads:
        found = "no head that is known here" if layout == "none" else f"more than its head ({layout})"
        raise ModelError(
            f"{folder} has {found}; these keys would not be read: {listed(heads)}",
            hint=_cure(heads, layout, tensors, getattr(module.config, "hidden_size", None)),
        )


def _cure(heads: Sequence[str], layout: str, tensors: "Mapping[str, torch.Tensor]", width: int | None) -> str:
    """What to do about keys that look like a head and would not be read."""
    first = heads[0].rpartition(".")[0].split(".")[0] or heads[0]
    own = "let the code of its authors answer, --model py:FILE.py:FUNCTION"
    if layout != "none":
        prefix = LAYOUTS[layout].prefix or "classifier" if layout in LAYOUTS else ""
        if first == prefix or not prefix:
            return f'{own}, or describe the whole head, such as --head "{FORM}"'
        return f"{own}; if they use only that head, --head {prefix}={layout} leaves out the other keys"
    alone = f"--head {first}=none for the encoder alone"
    described = suggestion(heads, tensors, width)
    if described:
        several = "; the labels are in this order" if described.count("--head") > 1 else ""
        return f"try {described} if its authors compute that{several}; {alone}"
    if linear_layers(heads, tensors):
        return f'describe it, such as --head "{FORM}"; {alone}'
    return f"it is not made of linear layers alone, so {own}; {alone}"


def _check_parts(unread: Sequence[str], head: Mapping[str, str], folder: Path) -> None:
    """Refuses `--head` if it names only a part of a head."""
    for prefix in head:
        parts = [key for key in unread if key.split(".")[0] == prefix.split(".")[0]]
        if parts and head[prefix] != "none":
            layout = head[prefix]
            given, whole = f"{prefix}={layout}", f"name the whole head, with a layout of {', '.join(LAYOUTS)}"
            if describes(layout):
                given, whole = f'"{layout}"', "describe all layers of the head"
            raise ModelError(
                f"--head {given} reads only a part of the head in {folder}: {listed(parts)} would "
                "not be read",
                hint=whole,
            )


def _in_encoder(key: str, module: Any) -> bool:
    """Whether a key belongs to a part of the encoder, with or without its prefix in transformers."""
    prefix = str(getattr(module, "base_model_prefix", ""))
    base = getattr(module, prefix, module) if prefix else module
    under = bool(prefix) and key.startswith(f"{prefix}.")
    top = key.removeprefix(f"{prefix}.").split(".")[0] if under else key.split(".")[0]
    return (under or top in {name for name, _ in base.named_children()}) and top not in FROM_PRE_TRAINING


def _layers(keys: Sequence[str], module: Any) -> str:
    """A remark on the number of layers, if the unread keys are of layers that config.json leaves out."""
    numbers = [int(found[2]) for key in keys if (found := _LAYER.search(key))]
    stated = getattr(module.config, "num_hidden_layers", None)
    if not numbers or not isinstance(stated, int) or max(numbers) < stated:
        return ""
    return f"; config.json describes {stated} layers, but the checkpoint holds {max(numbers) + 1}"
