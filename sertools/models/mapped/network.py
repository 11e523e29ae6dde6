"""Checkpoints of the wav2vec2 family whose weights can be used as they are in the file, without transformers.

Every key must be there in its shape, with finite numbers, and no other key beside those of the head. A
checkpoint of which one of these is not true is left to transformers, which says what is wrong, or knows
better.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sertools.models.checkpoints.described_heads import head_in, layout_named
from sertools.models.checkpoints.heads import Network, all_finite, head_of
from sertools.models.checkpoints.layouts import entry_of, layout_of
from sertools.models.checkpoints.weights.files import weight_tensors
from sertools.models.mapped.extractor import extractor_in
from sertools.models.mapped.held import Mapped
from sertools.models.mapped.parts import EARLIER, MASK, Shapes, encoder_shapes, head_shapes
from sertools.models.mapped.settings import CLASSES, PREFIXES, settings_in
from sertools.threads import side_by_side

if TYPE_CHECKING:
    import torch


class Read(NamedTuple):
    """A checkpoint that was read: settings, feature extractor, notes on assumptions, and network."""

    config: Any
    extractor: Any
    notes: list[str]
    network: Network


def mapped(
    folder: Path,
    head: Mapping[str, str],
    extractor: Callable[[], Any],
    module: "Callable[[], torch.nn.Module]",
) -> Read | None:
    """The checkpoint in a folder; None if transformers has to read it.

    Args:
        folder: of a checkpoint whose settings are checked
        head: prefix → layout, as named by the user
        extractor: makes the feature extractor of transformers
        module: makes the module of transformers

    Raises:
        ModelError: the weights cannot be read, or a head does not fit
    """
    config = settings_in(folder)
    made = None if config is None else extractor_in(folder, extractor)
    if config is None or made is None:
        return None
    network = _network(folder, config, head or head_in(config, folder), module)
    return None if network is None else Read(config, *made, network)


def _network(
    folder: Path, config: Any, head: Mapping[str, str], module: "Callable[[], torch.nn.Module]"
) -> Network | None:
    tensors = weight_tensors(folder)
    layout, prefix = layout_of(set(tensors), config.architectures or [], head)
    entry = entry_of(layout, head) if len(head) > 1 else layout_named(layout)
    of_head = {f"{stem}.{kind}" for stem in entry.stems(prefix) for kind in ("weight", "bias")}
    encoder, beside = _split({key: tensors[key] for key in tensors if key not in of_head}, config)
    masks, native = _mask_shapes(config), head_shapes(config, layout)
    shapes = {**encoder_shapes(config), **masks}
    if {**masks, **_shapes(encoder)} != shapes or _shapes(beside) != native:
        return None
    if not all(side_by_side([partial(_usable, tensor) for tensor in [*encoder.values(), *beside.values()]])):
        return None
    own, pooling, _ = head_of(tensors, config, entry, prefix, folder)
    held = Mapped(
        config=config,
        architecture=CLASSES[config.model_type] + ("ForSequenceClassification" if native else "Model"),
        parameters=sum(map(math.prod, [*shapes.values(), *native.values()])),
        encoder={key: tensor.float() for key, tensor in encoder.items() if key != MASK},
        head={key: tensor.float() for key, tensor in beside.items()},
        load=module,
    )
    return Network(held=held, head=own, layout=layout, unexpected=(), pooling=pooling, keys=len(tensors))


def _usable(tensor: "torch.Tensor") -> bool:
    return tensor.is_floating_point() and all_finite(tensor)


def _split(
    tensors: "Mapping[str, torch.Tensor]", config: Any
) -> "tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]":
    """Tensors of the encoder by their keys below it, and those beside it.

    Keys of the encoder begin with the name that it has in a class with a head. In a checkpoint of the encoder
    alone none of them does.
    """
    prefix = f"{PREFIXES[config.model_type]}."
    below = [key for key in tensors if key.startswith(prefix)] or list(tensors)
    keys = {key: key.removeprefix(prefix) for key in below}
    encoder = {EARLIER.get(short, short): tensors[key] for key, short in keys.items()}
    beside = {key: tensor for key, tensor in tensors.items() if key not in keys}
    return (encoder, beside) if len(encoder) == len(keys) else ({}, {})


def _shapes(tensors: "Mapping[str, torch.Tensor]") -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def _mask_shapes(config: Any) -> Shapes:
    """The weight that only training reads, if transformers would make it."""
    made = config.mask_time_prob > 0 or config.mask_feature_prob > 0 or config.model_type == "unispeech-sat"
    return {MASK: (config.hidden_size,)} if made else {}
