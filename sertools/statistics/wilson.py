"""Wilson's interval of a share, and how many independent clips a share is worth."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

INTRA_SPEAKER = 0.02
"""Intra-speaker correlation assumed for a share when too few clips show how much speakers differ."""


def wilson(value: float, effective: float, quantile: float) -> tuple[float, float]:
    """Lowest and highest share within `quantile` of its own standard errors of the value (Wilson 1927)."""
    square = quantile**2 / effective
    centre = (value + square / 2) / (1 + square)
    half = math.sqrt(value * (1 - value) * square + square**2 / 4) / (1 + square)
    # at a share of 0 or 1, rounding may push the bounds outside [0, 1] or past the value
    return max(min(centre - half, value), 0.0), min(max(centre + half, value), 1.0)


def effective_clips(weights: ArrayLike, unit: ArrayLike) -> float:
    """How many independent clips is a share worth at most: 1 / (Σw² · design effect) (Kish 1965)?

    The design effect is that of an intra-speaker correlation of .02, because few clips of the rarer outcome
    cannot show how much speakers differ.

    Args:
        weights: of the clips in the share, Σ 1, shape (n,)
        unit: speaker codes, shape (n,)

    >>> round(effective_clips([0.25] * 4, [0, 0, 1, 1]), 3)
    3.922
    """
    squares = float((np.asarray(weights, dtype=np.float64) ** 2).sum())
    of_unit = np.unique(np.asarray(unit), return_counts=True)[1].astype(np.float64)
    return 1 / (squares * design_effect(of_unit))


def design_effect(of_unit: NDArray[np.float64]) -> float:
    """By how much speakers with these numbers of clips widen a variance."""
    return 1 + max(float((of_unit**2).sum() / of_unit.sum()) - 1, 0.0) * INTRA_SPEAKER
