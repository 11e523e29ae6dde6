"""Correlations of each acoustic feature with answers, ratings and errors, within speakers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from sertools.statistics.jackknife import MIN_UNITS
from sertools.statistics.statistic import ratio

from .material import Material

NONE_LEFT = 1e-10
"""Share of the variance of an answer below which nothing is left of it once the truth is known."""


@dataclass(frozen=True, kw_only=True)
class Correlations:
    """Within-speaker correlations of each of f features with each of c outputs, shape (f, c) each.

    Attributes:
        with_answers: with the answers
        with_ratings: with the truth
        beyond: with the answers, where the truth is held constant (partial correlation)
        low, high: 95 % interval of `beyond` over speakers
        p_value: two-sided, of no such correlation
    """

    with_answers: NDArray[np.float64]
    with_ratings: NDArray[np.float64]
    beyond: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p_value: NDArray[np.float64]


def correlations(material: Material) -> Correlations:
    """Correlations from cross-products about the means of each speaker, with the jackknife over speakers.

    The truth that is held constant is the rating, or which class is true (all classes together). There are
    none if the corpus names no speakers.
    """
    f, c = material.features.shape[1], material.answers.shape[1]
    if not material.pair.by_speaker:
        none = np.full((f, c), np.nan)
        return Correlations(
            with_answers=none, with_ratings=none, beyond=none, low=none, high=none, p_value=none
        )
    z = np.column_stack([material.features, material.answers, material.truth])
    # features have any unit: standardised, so that small ones are not rounded away
    z = (z - z.mean(axis=0)) / np.where(z.std(axis=0) > 0, z.std(axis=0), 1.0)
    products = np.array([_products(z[material.pair.unit == code]) for code in range(material.pair.units)])
    total = products.sum(axis=0)
    beyond = _partial(total, f, c)
    with np.errstate(invalid="ignore", divide="ignore"):
        left_out = np.arctanh(
            np.clip([_partial(total - each, f, c) for each in products], -1 + 1e-12, 1 - 1e-12)
        )
        centre = np.arctanh(np.clip(beyond, -1 + 1e-12, 1 - 1e-12))
    units = material.pair.units
    enough = units >= MIN_UNITS
    error = np.sqrt((units - 1) * left_out.var(axis=0)) if enough else np.full((f, c), np.nan)
    half = float(stdtrit(max(units - 1, 1), 0.975)) * error
    with np.errstate(invalid="ignore", divide="ignore"):
        p_value = 2 * stdtr(max(units - 1, 1), -np.abs(centre) / error)
    return Correlations(
        with_answers=_plain(total, slice(0, f), slice(f, f + c)),
        with_ratings=_plain(total, slice(0, f), slice(f + c, f + 2 * c)),
        beyond=beyond,
        low=np.tanh(centre - half),
        high=np.tanh(centre + half),
        p_value=p_value,
    )


def _products(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of products about the means of these rows, shape (k, k)."""
    about = rows - rows.mean(axis=0)
    products: NDArray[np.float64] = about.T @ about
    return products


def _plain(total: NDArray[np.float64], rows: slice, columns: slice) -> NDArray[np.float64]:
    """Correlations from sums of products, nan where one side is constant."""
    own = np.diagonal(total)
    scale = np.sqrt(np.outer(own[rows], own[columns]))
    return ratio(total[rows, columns], scale)


def _partial(total: NDArray[np.float64], f: int, c: int) -> NDArray[np.float64]:
    """Partial correlations of features and answers given the truth, (f, c); nan where nothing is left."""
    known = slice(f + c, None)
    explained = (
        total[:, known] @ np.linalg.pinv(total[known, known], rcond=1e-10, hermitian=True) @ total[known]
    )
    rest = total - explained
    own, left = np.diagonal(total), np.diagonal(rest)
    left = np.where(left > NONE_LEFT * own, left, np.nan)
    partial: NDArray[np.float64] = rest[:f, f : f + c] / np.sqrt(np.outer(left[:f], left[f : f + c]))
    return partial
