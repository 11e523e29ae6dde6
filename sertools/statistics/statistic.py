"""Metrics as functions of additive sums per unit, so that leaving out a speaker is a subtraction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError

Scale = Literal["linear", "fisher", "log"]

BLOCK = 500_000
"""Numbers that are computed with at once."""


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """A metric in two steps: sums that add up over clips, and the value computed from such sums.

    Attributes:
        name: the field's term, e.g. `ccc`
        sums: (truth (n,), prediction (n,), unit (n,) codes, units) → (units, k), additive over clips
        value: sums (..., k) → values (...), nan where undefined, without warnings
        scale: scale on which the interval is symmetric: the value itself, Fisher's z = artanh(value), or the
            logarithm for values that cannot be negative
        bounds: range of the value; intervals are clipped to it
        weights: of a share of clips: truth (n,) → weight of each clip in it, Σ 1; None for any other value
    """

    name: str
    sums: Callable[[NDArray[Any], NDArray[Any], NDArray[np.integer], int], NDArray[np.float64]]
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    scale: Scale = "linear"
    bounds: tuple[float, float] = (-np.inf, np.inf)
    weights: Callable[[NDArray[Any]], NDArray[np.float64]] | None = None


def without_each(
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    sums: NDArray[np.float64],
    units: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """The value of all units without each one in turn, shape (units, ...).

    In blocks of units, because the sums alone may be large: 36 MB with 30 classes and 5000 speakers.

    Args:
        value: sums (..., k) → values (...), or values (..., c)
        sums: sums of each unit, shape (units, k)
        units: which ones are left out in turn; all by default

    >>> without_each(lambda sums: sums[..., 0], np.array([[1.0], [2.0], [4.0]])).tolist()
    [6.0, 5.0, 3.0]
    """
    total = sums.sum(axis=0)
    left_out = np.arange(len(sums)) if units is None else np.flatnonzero(units)
    at_once = max(1, BLOCK // max(1, sums.shape[1]))
    # also of no unit there are values, as many as there are units
    starts = range(0, max(1, len(left_out)), at_once)
    return np.concatenate([value(total - sums[left_out[i : i + at_once]]) for i in starts])


def unit_sums(values: NDArray[Any], unit: NDArray[np.integer], units: int) -> NDArray[np.float64]:
    """Sums over the clips of each unit, shape (units, k).

    Args:
        values: shape (n, k)
        unit: codes 0..units−1, shape (n,); a unit without clips sums to 0
        units: number of units

    >>> unit_sums(np.array([[1.0], [2.0], [4.0]]), np.array([0, 1, 0]), 2).tolist()
    [[5.0], [2.0]]
    """
    columns = np.asarray(values, dtype=np.float64).T
    return np.stack([np.bincount(unit, weights=column, minlength=units) for column in columns], axis=1)


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Numerator divided by denominator, nan where the denominator is 0; broadcasts, never warns.

    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    above, below = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def paired(truth: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Truth and prediction as one-dimensional arrays of the same length.

    Raises:
        AuditError: they differ in length or are not one-dimensional
    """
    t, p = np.asarray(truth), np.asarray(prediction)
    if t.ndim != 1 or t.shape != p.shape:
        raise AuditError(
            f"truth has shape {t.shape} and prediction {p.shape}",
            hint="both must be one-dimensional, with one value per clip",
        )
    return t, p


def overall(statistic: Statistic, truth: ArrayLike, prediction: ArrayLike) -> float:
    """The value of a statistic over all clips together."""
    t, p = paired(truth, prediction)
    return float(statistic.value(statistic.sums(t, p, np.zeros(len(t), dtype=np.int64), 1)[0]))
