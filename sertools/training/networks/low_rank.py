"""LoRA: low-rank matrices added to the frozen weights of an encoder, by the package peft."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sertools.errors import ModelError
from sertools.training.encoders import seeded

if TYPE_CHECKING:
    import torch


def adapted(
    encoder: Any, *, rank: int, alpha: float, dropout: float, targets: Sequence[str], seed: int
) -> Any:
    """The encoder with adapters on its linear layers of these names; only the adapters train.

    Raises:
        ModelError: peft is not installed, or the encoder has no such layers
    """
    try:
        import peft
    except ImportError as error:
        raise ModelError("method lora needs peft, which is not installed", hint="pip install peft") from error

    names = {name.rpartition(".")[2] for name, _ in encoder.named_modules()}
    absent = [name for name in targets if name not in names]
    if absent:
        raise ModelError(f"the encoder has no layer named {absent[0]}, which lora would adapt")
    encoder.requires_grad_(False)
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=list(targets))
    return seeded(lambda: peft.inject_adapter_in_model(config, encoder), seed, "lora")


def merged(encoder: Any) -> "dict[str, torch.Tensor]":
    """The weights of an adapted encoder, with the adapters merged into their layers."""
    from peft.tuners.lora import LoraLayer

    state = encoder.state_dict()
    found = {key.replace(".base_layer.", "."): value for key, value in state.items() if ".lora_" not in key}
    for name, module in encoder.named_modules():
        if isinstance(module, LoraLayer):
            found[f"{name}.weight"] = module.weight + module.get_delta_weight("default")
    return found
