"""Perturbations of audio: changes that a listener would not notice, or that occur in real recordings.

One file per family. Every module-level `Perturbation` in this folder is registered, so a new one is one
function with its `Perturbation`, without a list to edit.
"""

import functools
import importlib
import pkgutil

from sertools.errors import AuditError, nearest
from sertools.perturbations import families
from sertools.perturbations.perturbation import Perturbation


def perturbations(subset: str = "all") -> dict[str, Perturbation]:
    """The available perturbations: name → perturbation, sorted by family and name.

    Args:
        subset: "all", or the name of a published set, e.g. "small" (Wagner et al. 2023) or "ser-tests"

    Raises:
        AuditError: unknown set

    >>> len(perturbations("small"))
    8
    """
    every = _every()
    if subset == "all":
        return {p.name: p for p in every}
    chosen = {p.name: p for p in every if subset in p.sets}
    if not chosen:
        known = sorted({"all"}.union(*(p.sets for p in every)))
        raise AuditError(f"unknown set of perturbations {subset!r}", hint=nearest(subset, known))
    return chosen


@functools.lru_cache(maxsize=1)
def _every() -> tuple[Perturbation, ...]:
    """All perturbations in this folder; read once, because the engine needs them for every clip."""
    found: dict[str, Perturbation] = {}
    for module in pkgutil.iter_modules(families.__path__):
        for value in vars(importlib.import_module(f"{families.__name__}.{module.name}")).values():
            if isinstance(value, Perturbation):
                assert found.get(value.name, value) is value, f"two perturbations are named {value.name}"
                found[value.name] = value
    return tuple(sorted(found.values(), key=lambda p: (p.family, p.name)))


def get(name: str) -> Perturbation:
    """The perturbation with this name.

    Raises:
        AuditError: unknown name; the hint suggests the nearest

    >>> get("gain").unit
    'dB'
    """
    known = perturbations()
    if name not in known:
        raise AuditError(f"unknown perturbation {name!r}", hint=nearest(name, list(known)))
    return known[name]
