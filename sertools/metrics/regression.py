"""How well do predicted ratings agree with the truth? Concordance, correlation and errors.

Each metric exists as a plain function on two rating arrays and as a `Statistic` on additive sums; both use
the same formula. Moments are divided by n.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.statistics.statistic import Statistic, overall, ratio, unit_sums

CONSTANT = 1e-10
"""Ratings count as constant when their variance is below this share of their mean square about the centre.

Rounding hides a constant: the variance of 100 000 equal numbers, computed from sums, can reach 2e-11 of their
mean square. Variations below 1e-5 of the distance from the centre have no practical meaning.
"""


def ccc(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Concordance between two ratings, in [-1, 1] (Lin 1989).

    2 s_tp / (s_t² + s_p² + (m_t − m_p)²), moments divided by n. Returns nan for n < 2 or if both sides are
    constant, and 0 if exactly one is.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> round(ccc([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]), 12)
    0.8
    """
    return overall(CCC, truth, prediction)


def pcc(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Do two ratings rise and fall together, in [-1, 1] (Pearson's r)?

    s_tp / (s_t s_p), moments divided by n (Pearson 1895). Returns nan for n < 2 or if either side is
    constant.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,)

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> round(pcc([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]), 12)
    1.0
    """
    return overall(PCC, truth, prediction)


def mae(truth: ArrayLike, prediction: ArrayLike) -> float:
    """How far are predictions from the truth on average, ≥ 0, in the unit of the ratings?

    Σ|p − t| / n. Returns nan for n = 0.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> mae([0, 0, 0, 0], [1, -1, 2, 0])
    1.0
    """
    return overall(MAE, truth, prediction)


def rmse(truth: ArrayLike, prediction: ArrayLike) -> float:
    """How far are predictions from the truth, with large errors weighing more, ≥ 0, in the ratings' unit?

    √(Σ(p − t)² / n). Returns nan for n = 0.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> rmse([0, 0, 0, 0], [1, -1, 1, -1])
    1.0
    """
    return overall(RMSE, truth, prediction)


def bias(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Are predictions too high (> 0) or too low (< 0) on average, in the unit of the ratings?

    Σ(p − t) / n, the mean prediction minus the mean truth; any real number. Returns nan for n = 0.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    Raises:
        AuditError: the two differ in length, or are not one-dimensional

    >>> bias([0, 1, 2], [1, 2, 3])
    1.0
    """
    return overall(BIAS, truth, prediction)


def frame_sums(
    truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
) -> NDArray[np.float64]:
    """The columns n, Σt, Σp, Σt², Σp², Σtp of each unit, shape (units, 6), about a common centre.

    Centring both sides by the same constant does not change concordance or correlation. Without it, the
    variance of ratings far from 0 would be lost to rounding in their squares. Ratings in [0, 1] are always
    centred by 0.5, so that their sums add up across calls; ratings on another scale are centred by the mean
    truth, so that their sums add up within one call only.
    """
    t, p = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    mean = t.mean() if len(t) else 0.5
    centre = mean if abs(mean - 0.5) > 1 else 0.5
    t, p = t - centre, p - centre
    return unit_sums(np.stack([np.ones_like(t), t, p, t * t, p * p, t * p], axis=1), unit, units)


def _central(
    sums: NDArray[np.float64],
) -> tuple[
    NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]
]:
    """n, m_p − m_t, s_t², s_p² and s_tp from moments (..., 6); a constant has variance exactly 0."""
    n, t, p, tt, pp, tp = np.moveaxis(sums, -1, 0)
    m_t, m_p, tt, pp, tp = (ratio(x, n) for x in (t, p, tt, pp, tp))
    s_t, s_p = tt - m_t**2, pp - m_p**2
    constant_t, constant_p = s_t <= CONSTANT * tt, s_p <= CONSTANT * pp
    s_tp = np.where(constant_t | constant_p, 0.0, tp - m_t * m_p)
    return n, m_p - m_t, np.where(constant_t, 0.0, s_t), np.where(constant_p, 0.0, s_p), s_tp


def _ccc_value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    n, shift, s_t, s_p, s_tp = _central(sums)
    value = ratio(2 * s_tp, s_t + s_p + shift**2)
    return np.where((n < 2) | ((s_t == 0) & (s_p == 0)), np.nan, value)


def _pcc_value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    n, _, s_t, s_p, s_tp = _central(sums)
    # rounding may carry a perfect correlation past 1
    value = np.clip(ratio(s_tp, np.sqrt(s_t) * np.sqrt(s_p)), -1.0, 1.0)
    return np.where(n < 2, np.nan, value)


def error_sums(
    truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
) -> NDArray[np.float64]:
    """The columns n, Σ(p − t), Σ|p − t|, Σ(p − t)² of each unit, shape (units, 4)."""
    error = np.asarray(prediction, dtype=np.float64) - np.asarray(truth, dtype=np.float64)
    return unit_sums(np.stack([np.ones_like(error), error, np.abs(error), error**2], axis=1), unit, units)


def _rmse_value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    # without the only unit that has errors, rounding may give a sum below 0
    value: NDArray[np.float64] = np.sqrt(np.maximum(ratio(sums[..., 3], sums[..., 0]), 0.0))
    return value


def _mae_value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    value: NDArray[np.float64] = np.maximum(ratio(sums[..., 2], sums[..., 0]), 0.0)
    return value


def _bias_value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return ratio(sums[..., 1], sums[..., 0])


CCC = Statistic(name="ccc", sums=frame_sums, value=_ccc_value, scale="fisher", bounds=(-1.0, 1.0))
PCC = Statistic(name="pcc", sums=frame_sums, value=_pcc_value, scale="fisher", bounds=(-1.0, 1.0))
MAE = Statistic(name="mae", sums=error_sums, value=_mae_value, bounds=(0.0, np.inf))
RMSE = Statistic(name="rmse", sums=error_sums, value=_rmse_value, bounds=(0.0, np.inf))
BIAS = Statistic(name="bias", sums=error_sums, value=_bias_value)
