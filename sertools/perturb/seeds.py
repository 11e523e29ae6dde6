"""Random numbers that depend on what is perturbed, never on the order of processing."""

from collections.abc import Sequence

import numpy as np

from sertools.perturb.perturbation import Perturbation
from sertools.randomness import identity_rng

__all__ = ["draw_level", "identity_rng"]


def draw_level(perturbation: Perturbation, levels: Sequence[float] | None, rng: np.random.Generator) -> float:
    """One of the levels, each equally likely (Wagner et al. 2023, section 3.4).

    Args:
        perturbation: the perturbation of these levels
        levels: levels to draw from; None for the perturbation's own
        rng: the generator for this seed, clip and perturbation. One number is drawn from it, even if there
            is only one level, so that later draws do not depend on the number of levels

    Raises:
        AuditError: a level that the perturbation does not accept

    >>> from sertools.perturb import get
    >>> draw_level(get("gain"), (3.0,), identity_rng(0, "clip", "gain"))
    3.0
    """
    choices = perturbation.levels if levels is None else levels
    for level in choices:
        perturbation.check_level(level)
    return float(choices[int(rng.random() * len(choices))])
