"""Mean and spread of the predictions on synthetic speech."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.statistics.statistic import Statistic, ratio, unit_sums

MEAN = Statistic(
    name="mean",
    sums=lambda truth, prediction, unit, units: unit_sums(
        np.stack([np.ones(len(prediction)), prediction], axis=1), unit, units
    ),
    value=lambda sums: ratio(sums[..., 1], sums[..., 0]),
)
"""Mean of the predictions."""


def _square_sums(
    truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
) -> NDArray[np.float64]:
    t, p = np.asarray(truth, dtype=np.float64) - 0.5, np.asarray(prediction, dtype=np.float64) - 0.5
    return unit_sums(np.stack([np.ones_like(t), t, t * t, p, p * p], axis=1), unit, units)


def _spread_ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    n, t, tt, p, pp = np.moveaxis(sums, -1, 0)
    # rounding can make the variance of a constant negative; a variance up to 1e-12 counts as constant
    variance_t, variance_p = (
        np.maximum(ratio(xx, n) - ratio(x, n) ** 2, 0.0) for x, xx in ((t, tt), (p, pp))
    )
    value: NDArray[np.float64] = np.sqrt(
        ratio(np.where(variance_p > 1e-12, variance_p, 0.0), np.where(variance_t > 1e-12, variance_t, 0.0))
    )
    return value


SPREAD_RATIO = Statistic(name="spread_ratio", sums=_square_sums, value=_spread_ratio, bounds=(0.0, np.inf))
"""s_p / s_t, standard deviations with divisor n; nan if the truth is constant."""
