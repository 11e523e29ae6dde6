"""Untrained copies of models with random weights, to show what an architecture encodes before training."""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


ENGINE = "twin-1"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


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
