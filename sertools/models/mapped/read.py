"""Reads a checkpoint of transformers: without it where the weights can be used as they are, or by it."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sertools.models.checkpoints import feature_extraction, foreign_layouts
from sertools.models.checkpoints.described_heads import head_in
from sertools.models.checkpoints.heads import build, build_foreign
from sertools.models.checkpoints.hub.own_code import code_files, listed_code, named_code, names_code
from sertools.models.checkpoints.inputs import check_extractor
from sertools.models.checkpoints.weights import adapters
from sertools.models.checkpoints.weights.adapters import Adapter, adapter_in, merged_tensors, with_labels
from sertools.models.load import LoadOptions
from sertools.models.mapped.network import Read, mapped

if TYPE_CHECKING:
    import torch


def read(folder: Path, options: LoadOptions, device: "torch.device") -> Read:
    """Settings, feature extractor, notes on assumptions, and network of a checkpoint.

    Raises:
        ModelError: the checkpoint cannot be read, or its head is missing or does not fit
    """
    return _mapped(folder, options, device) or _by_library(folder, options)


def _mapped(folder: Path, options: LoadOptions, device: "torch.device") -> Read | None:
    """The checkpoint without transformers, for most on the CPU; None for others."""
    if device.type != "cpu" or options.trust_remote_code or (folder / adapters.SETTINGS).exists():
        return None
    if foreign_layouts.recognised(folder) is not None and not options.head:
        return None

    @cache
    def whole() -> Read:
        return _by_library(folder, options)

    return mapped(folder, options.head, lambda: whole().extractor, lambda: whole().network.module)


def _by_library(folder: Path, options: LoadOptions) -> Read:
    """The checkpoint as transformers reads it."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    trust = options.trust_remote_code
    adapter = adapter_in(folder, trust_remote_code=trust)
    if adapter is not None:
        return _adapted(adapter, options)
    foreign = foreign_layouts.recognised(folder)
    if foreign is not None and not options.head:
        parts = foreign.parts_of(folder)
        return Read(parts.config, parts.extractor, [*parts.notes], build_foreign(folder, parts))
    config = feature_extraction.config_of(folder, trust_remote_code=trust)
    extractor, notes = feature_extraction.extractor_of(folder, config, trust_remote_code=trust)
    head = options.head or head_in(config, folder)
    network = build(folder, config, head=head, trust_remote_code=trust)
    check_extractor(extractor, network.module, folder)
    if code := listed_code(code_files(network.module, config, extractor)):
        notes = [*notes, f"Code that comes with the checkpoint was run: {code}."]
    elif names_code(folder / "config.json"):
        named = named_code(folder / "config.json")
        notes = [*notes, f"config.json names code of its own ({named}); transformers' own was run instead."]
    return Read(config, extractor, notes, network)


def _adapted(adapter: Adapter, options: LoadOptions) -> Read:
    """The same for an adapter, merged into its base."""
    trust, own = options.trust_remote_code, (adapter.folder / "preprocessor_config.json").is_file()
    tensors = merged_tensors(adapter)
    config = feature_extraction.config_of(adapter.base, trust_remote_code=trust)
    config = with_labels(config, tensors, adapter, options.labels)
    sounds = adapter.folder if own else adapter.base
    extractor, notes = feature_extraction.extractor_of(sounds, config, trust_remote_code=trust)
    network = build(adapter.base, config, head=options.head, trust_remote_code=trust, merged=tensors)
    check_extractor(extractor, network.module, sounds)
    return Read(config, extractor, [adapter.note, *notes], network)
