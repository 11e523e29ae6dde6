"""How much higher is a mean in some clips than in others with the same truth? (Direct standardisation.)"""

import numpy as np
from numpy.typing import NDArray

from sertools.statistics.statistic import Statistic, ratio, unit_sums


def cells(stratum: NDArray[np.integer], inside: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Code of each clip's stratum and side, 2 · stratum + inside, shape (n,)."""
    code: NDArray[np.integer] = stratum * 2 + inside
    return code


def standardised_difference(strata: int) -> Statistic:
    """Mean of values inside minus outside, within strata, weighted by the clips inside.

    Σ_k n_k (mean inside in stratum k − mean outside in stratum k) / Σ_k n_k over the strata with clips on
    both sides, with n_k clips inside; nan without such a stratum. In place of truth and prediction, the
    statistic takes `cells` and the values.

    Args:
        strata: number of strata

    >>> from sertools.statistics.statistic import overall
    >>> inside, stratum = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    >>> overall(standardised_difference(2), cells(stratum, inside), [3.0, 1.0, 0.0, 1.0])
    0.5
    """

    def sums(
        cell: NDArray[np.integer], value: NDArray[np.float64], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        member = (cell[:, None] == np.arange(2 * strata)).astype(np.float64)
        return unit_sums(np.concatenate([member, member * value[:, None]], axis=1), unit, units)

    def value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        n, total = np.moveaxis(sums.reshape(*sums.shape[:-1], 2, strata, 2), -3, 0)
        mean = ratio(total, n)
        both = (n > 0).all(axis=-1)
        weight = np.where(both, n[..., 1], 0.0)
        apart = np.where(both, mean[..., 1] - mean[..., 0], 0.0)
        return ratio((weight * apart).sum(axis=-1), weight.sum(axis=-1))

    return Statistic(name="difference", sums=sums, value=value)
