"""Perturbs the signal of a clip as a condition describes it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sertools.perturbations import registry
from sertools.randomness import identity_rng
from sertools.tables.condition import Condition

Signal = NDArray[np.float32]


def perturb(
    signal: Signal,
    rate: int,
    clip: str,
    condition: Condition,
    *,
    others: Sequence[Signal],
    recordings: Sequence[Signal] | None = None,
) -> Signal:
    """The signal under a condition; random numbers depend only on seed, clip, perturbation and draw.

    Args:
        signal: shape (samples,), full scale ±1
        rate: samples per second
        clip: id of the clip
        condition: a perturbation with its level, its draw and its seed
        others: the other clips of the corpus, in corpus order, of which babble is made
        recordings: recordings of the condition's folder; None if it names no folder

    Raises:
        AudioError: the perturbation cannot be applied to this signal
        AuditError: no such perturbation, a level that is not valid, or missing recordings
    """
    perturbation = registry.get(condition.perturbation)
    if perturbation.needs == "other clips":
        perturbation = perturbation.using(others)
    elif recordings is not None:
        perturbation = perturbation.using(recordings)
    rng = identity_rng(condition.seed, clip, condition.perturbation, str(condition.draw))
    level = perturbation.draw_level(None, rng) if condition.level is None else condition.level
    return perturbation.apply(signal, rate, level, rng)
