"""Untrained copies of models with random weights, to show what an architecture encodes before training."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sertools.models.loaded import LoadedModel

if TYPE_CHECKING:
    import torch

Twin = TypeVar("Twin", bound=LoadedModel)

FINGERPRINT_VERSION = "twin-1"
"""Increased whenever a change of this file changes results; part of the fingerprint."""


def redrawn(build: "Callable[[], torch.nn.Module]", seed: int) -> "torch.nn.Module":
    """A newly built network with weights from this seed; torch's global random state is not changed."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        module = build().eval()
    return module.float()


def twin_fingerprint(module: "torch.nn.Module", settings: str) -> str:
    """Hash of the weights and of the settings that affect the results."""
    digest = hashlib.blake2b(f"{FINGERPRINT_VERSION} {settings}".encode(), digest_size=16)
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def untrained(model: Twin, seed: int, **changes: Any) -> Twin:
    """A copy of a loaded model as a bare encoder with random weights.

    Args:
        model: the trained model
        seed: of the random weights, for the facts
        changes: the fields that differ besides name, labels, task and facts: the network, the fingerprint …
    """
    facts = {
        **model.facts,
        "source": f"{model.facts['source']}, with random weights from seed {seed}",
        "head": "none",
        "labels": [],
        "task": "encoder",
        "unexpected_keys": [],
        "notes": [],
    }
    name = f"{model.name} random twin"
    blank: dict[str, Any] = {"labels": (), "ranges": (), "task": "encoder", "training": None}
    blank |= {"files": (), "keys_read": None, "compared_with": ""}
    return replace(model, name=name, facts=facts, **blank, **changes)
