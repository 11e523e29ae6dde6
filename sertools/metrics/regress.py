"""How well do predicted ratings agree with the truth? Concordance, correlation and errors.

Each metric is a plain function on two ratings and a `Statistic` on additive sums; both share one formula.
Moments are divided by n.
"""

import numpy as np
from numpy.typing import ArrayLike

from sertools.metrics.sums import Statistic, overall, ratio, unit_sums

CONSTANT = 1e-10
"""A rating is constant when its variance is below this share of its mean square about the centre.

Sums cannot tell a constant from rounding: the variance of 100 000 equal numbers comes out as up to 2e-11 of
their mean square. A rating that moves by less than 1e-5 of its distance from the centre moves for no reader.
"""


def ccc(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Concordance between two ratings, in [-1, 1] (Lin 1989).

    2 s_tp / (s_t² + s_p² + (m_t − m_p)²), moments divided by n. Returns nan for n < 2 or two constants, and
    0 when exactly one side is constant.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    >>> round(ccc([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]), 12)
    0.8
    """
    return overall(CCC, truth, prediction)


def pcc(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Do two ratings rise and fall together, in [-1, 1] (Pearson's r)?

    s_tp / (s_t s_p). Returns nan for n < 2 or when either side is constant.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,)

    >>> round(pcc([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]), 12)
    1.0
    """
    return overall(PCC, truth, prediction)


def mae(truth: ArrayLike, prediction: ArrayLike) -> float:
    """How far is a prediction from the truth on average, ≥ 0, in the unit of the ratings?

    Σ|p − t| / n. Returns nan for n = 0.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    >>> mae([0, 0, 0, 0], [1, -1, 2, 0])
    1.0
    """
    return overall(MAE, truth, prediction)


def rmse(truth: ArrayLike, prediction: ArrayLike) -> float:
    """How far is a prediction from the truth when large errors weigh more, ≥ 0, in the unit of the ratings?

    √(Σ(p − t)² / n). Returns nan for n = 0.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    >>> rmse([0, 0, 0, 0], [1, -1, 1, -1])
    1.0
    """
    return overall(RMSE, truth, prediction)


def bias(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Are predictions too high (> 0) or too low (< 0) on average, in the unit of the ratings?

    Σ(p − t) / n, the mean prediction minus the mean truth. Returns nan for n = 0.

    Args:
        truth: ratings, shape (n,)
        prediction: ratings, shape (n,), same unit

    >>> bias([0, 1, 2], [1, 2, 3])
    1.0
    """
    return overall(BIAS, truth, prediction)


def moments(truth: np.ndarray, prediction: np.ndarray, unit: np.ndarray, units: int) -> np.ndarray:
    """The columns n, Σt, Σp, Σt², Σp², Σtp of each unit, shape (units, 6), about a common centre.

    Centring both sides by one constant changes no concordance or correlation, and without it the squares
    of distant ratings swallow their variance. Ratings in [0, 1] are centred by 0.5, always, so that their
    sums add up over calls; ratings of another scale by their mean truth, and add up within one call only.
    """
    t, p = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    mean = t.mean() if len(t) else 0.5
    centre = mean if abs(mean - 0.5) > 1 else 0.5
    t, p = t - centre, p - centre
    return unit_sums(np.stack([np.ones_like(t), t, p, t * t, p * p, t * p], axis=1), unit, units)


def _central(
    sums: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """n, m_p − m_t, s_t², s_p² and s_tp of moments (..., 6); a constant has variance exactly 0."""
    n, t, p, tt, pp, tp = np.moveaxis(sums, -1, 0)
    m_t, m_p, tt, pp, tp = (ratio(x, n) for x in (t, p, tt, pp, tp))
    s_t, s_p = tt - m_t**2, pp - m_p**2
    constant_t, constant_p = s_t <= CONSTANT * tt, s_p <= CONSTANT * pp
    s_tp = np.where(constant_t | constant_p, 0.0, tp - m_t * m_p)
    return n, m_p - m_t, np.where(constant_t, 0.0, s_t), np.where(constant_p, 0.0, s_p), s_tp


def _ccc_value(sums: np.ndarray) -> np.ndarray:
    n, shift, s_t, s_p, s_tp = _central(sums)
    value = ratio(2 * s_tp, s_t + s_p + shift**2)
    return np.where((n < 2) | ((s_t == 0) & (s_p == 0)), np.nan, value)


def _pcc_value(sums: np.ndarray) -> np.ndarray:
    n, _, s_t, s_p, s_tp = _central(sums)
    # rounding may carry a perfect correlation past 1
    value = np.clip(ratio(s_tp, np.sqrt(s_t) * np.sqrt(s_p)), -1.0, 1.0)
    return np.where(n < 2, np.nan, value)


def error_sums(truth: np.ndarray, prediction: np.ndarray, unit: np.ndarray, units: int) -> np.ndarray:
    """The columns n, Σ(p − t), Σ|p − t|, Σ(p − t)² of each unit, shape (units, 4)."""
    error = np.asarray(prediction, dtype=np.float64) - np.asarray(truth, dtype=np.float64)
    return unit_sums(np.stack([np.ones_like(error), error, np.abs(error), error**2], axis=1), unit, units)


def _rmse_value(sums: np.ndarray) -> np.ndarray:
    # leaving the only wrong unit out may leave a rounding error below 0
    value: np.ndarray = np.sqrt(np.maximum(ratio(sums[..., 3], sums[..., 0]), 0.0))
    return value


def _mae_value(sums: np.ndarray) -> np.ndarray:
    value: np.ndarray = np.maximum(ratio(sums[..., 2], sums[..., 0]), 0.0)
    return value


def _bias_value(sums: np.ndarray) -> np.ndarray:
    return ratio(sums[..., 1], sums[..., 0])


CCC = Statistic(name="ccc", sums=moments, value=_ccc_value, scale="fisher", bounds=(-1.0, 1.0))
PCC = Statistic(name="pcc", sums=moments, value=_pcc_value, scale="fisher", bounds=(-1.0, 1.0))
MAE = Statistic(name="mae", sums=error_sums, value=_mae_value, bounds=(0.0, np.inf))
RMSE = Statistic(name="rmse", sums=error_sums, value=_rmse_value, bounds=(0.0, np.inf))
BIAS = Statistic(name="bias", sums=error_sums, value=_bias_value)
