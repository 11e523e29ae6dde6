"""Untrained copies of models with random weights, to show what an architecture encodes before training."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from sertools.models.cnn14 import Cnn14Model
    from sertools.models.hf import TransformersModel

ENGINE = "twin-1"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


def of_transformers(model: "TransformersModel", seed: int) -> "TransformersModel":
    """An untrained model with the same configuration, extractor, device and number format, without a head.

    The weights are initialised as transformers does before training.

    Args:
        model: in fp32 or bf16; if its precision is undecided, so is that of the copy
        seed: of the weights
    """
    from sertools.models.device import stamped
    from sertools.models.heads import Network

    trained: Any = model.network.module
    module = redrawn(lambda: type(trained)(trained.config), seed).to(model.device)
    content = fingerprint(module, f"{model.extractor.to_json_string()} {trained.config.to_json_string()}")
    precision = str(model.facts["precision"])
    return replace(
        model,
        name=twin_name(model.name),
        labels=(),
        task="encoder",
        network=Network(module=module, head=None, layout="none", unexpected=()),
        content=content,
        fingerprint=stamped(content, precision, model.device),
        facts=_facts(model.facts, seed),
        encoder=None,
    )


def of_cnn14(model: "Cnn14Model", seed: int) -> "Cnn14Model":
    """An untrained CNN14 of the same width on the same spectrogram; its head is not used.

    The mean and variance of the spectrogram's bands are copied, as they are statistics of the input rather
    than learnt weights.
    """
    from sertools.models.cnn14 import build

    trained: Any = model.network
    network: Any = redrawn(lambda: build(1, width=len(trained.conv_block1.conv1.weight)), seed)
    network.bn0.running_mean.copy_(trained.bn0.running_mean)
    network.bn0.running_var.copy_(trained.bn0.running_var)
    return replace(
        model,
        name=twin_name(model.name),
        labels=(),
        task="encoder",
        network=network.to(model.device),
        fingerprint=fingerprint(network, str(model.config)),
        facts=_facts(model.facts, seed),
    )


def redrawn(build: "Callable[[], torch.nn.Module]", seed: int) -> "torch.nn.Module":
    """A newly built network with weights from this seed; torch's global random state is not changed."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        module = build().eval()
    return module.float()


def fingerprint(module: "torch.nn.Module", settings: str) -> str:
    """Hash of the weights and of the settings that affect the results."""
    digest = hashlib.blake2b(f"{ENGINE} {settings}".encode(), digest_size=16)
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def twin_name(name: str) -> str:
    """Name of a model's random twin."""
    return f"{name} random twin"


def _facts(facts: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {
        **facts,
        "source": f"{facts['source']}, with random weights from seed {seed}",
        "head": "none",
        "labels": [],
        "task": "encoder",
        "unexpected_keys": [],
        "notes": [],
    }
