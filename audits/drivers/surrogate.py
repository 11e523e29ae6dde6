"""How much of answers, ratings and errors do plain acoustics explain for unseen speakers?"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.probing import probes
from sertools.probing.folds import disjoint_folds
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums

from .material import Material

FOLDS = 5
INNER_GROUPS = 15
"""Most groups of speakers that are left out in turn to choose the strength of the regression."""

LEAST_STRENGTH = 1e-3
"""Strength of the regression that must not shrink anything, as a multiple of the mean eigenvalue: it only
damps directions in which features hardly vary, which would be extrapolated to unseen speakers without
bounds."""

KINDS = ("answers", "truth", "errors")


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Variance that one group of features explains on unseen speakers.

    Attributes:
        shares: kind → share of its variance that is explained, in (−∞, 1]
        more: the share of the answers minus that of the truth
        error: root mean square of the explained part of the errors, ≥ 0, in the unit of the answers
    """

    shares: dict[str, Estimate]
    more: Estimate
    error: Estimate


def explained(material: Material, fold: NDArray[np.integer], features: NDArray[np.integer]) -> Explained:
    """Ridge regression of answers, truth and errors on some features, scored on speakers left out of the
    fit.

    Args:
        material: features, answers and truth
        fold: from `folds_of`
        features: indices of the features
    """
    pair = material.pair
    values = [material.answers, material.truth, material.errors]
    stacked = np.concatenate(values, axis=1)
    found = probes.linear(material.features[:, features], stacked, pair.unit % INNER_GROUPS, fold)
    predicted = np.column_stack([each.prediction for each in found])
    parts = np.split(predicted, len(values), axis=1)
    squares = [
        np.column_stack([_deviation(y), ((y - p) ** 2).sum(axis=1)])
        for y, p in zip(values, parts, strict=True)
    ]
    shares = {kind: _estimate(SHARE, each, material) for kind, each in zip(KINDS, squares, strict=True)}
    more = _estimate(MORE, np.column_stack(squares[:2]), material)
    plain = unshrunk(material.features[:, features], material.errors, fold)
    columns = np.column_stack([material.errors, plain])
    error = rooted(_estimate(explained_square(material.errors.shape[1]), columns, material))
    return Explained(shares=shares, more=more, error=error)


def unshrunk(
    features: NDArray[np.float64], values: NDArray[np.float64], fold: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Least-squares predictions (n, k) of the clips of each fold from fits on the others.

    Unlike predictions with a chosen strength, they are not drawn towards the mean, so that their covariance
    with the values is an unbiased estimate of the variance that the features explain.

    Args:
        features: shape (n, f)
        values: shape (n, k)
        fold: shape (n,)
    """
    predicted = np.zeros_like(values)
    for code in np.unique(fold):
        test = fold == code
        x, y = features[~test], values[~test]
        mean, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale > 1e-12 * np.maximum(np.abs(mean), 1e-300), scale, np.inf)
        z, centre = (x - mean) / scale, y.mean(axis=0)
        gram = z.T @ z
        gram[np.diag_indices_from(gram)] += max(LEAST_STRENGTH * np.trace(gram) / len(gram), 1e-12)
        weights = np.linalg.solve(gram, z.T @ (y - centre))
        predicted[test] = (features[test] - mean) / scale @ weights + centre
    return predicted


def folds_of(material: Material, clips: pd.DataFrame) -> NDArray[np.integer]:
    """Fold of each clip, shape (n,); no speaker is in two, and sexes and emotions are balanced over them."""
    part = clips.loc[material.pair.clips]
    first = np.unique(material.pair.unit, return_index=True)[1]
    named = part["speaker"].to_numpy(dtype=object)[first] if "speaker" in part else [None] * len(first)
    names = np.array(
        [
            f"clip {clip}" if pd.isna(name) or not material.pair.by_speaker else f"of {name}"
            for name, clip in zip(named, material.pair.clips[first], strict=True)
        ]
    )
    strata = pd.Series("", index=part.index)
    for column in ("sex", "emotion"):
        if column in part:
            strata = strata + "/" + part[column].astype(str)
    return disjoint_folds(names[material.pair.unit], strata.to_numpy(dtype=str), FOLDS)


def _deviation(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance of each row from the mean row, shape (n,)."""
    squares: NDArray[np.float64] = ((values - values.mean(axis=0)) ** 2).sum(axis=1)
    return squares


def _estimate(statistic: Statistic, squares: NDArray[np.float64], material: Material) -> Estimate:
    """A statistic of squares (n, k), with its interval over speakers."""
    pair = material.pair
    rows = np.arange(pair.n)
    ours = replace(
        statistic, sums=lambda truth, _, unit, units: statistic.sums(squares[truth], truth, unit, units)
    )
    return estimate(ours, rows, rows, pair.unit, pair.units)


def _sums(
    squares: NDArray[np.float64], _: NDArray[np.integer], unit: NDArray[np.integer], units: int
) -> NDArray[np.float64]:
    return unit_sums(np.column_stack([np.ones(len(squares)), squares]), unit, units)


def _share(sums: NDArray[np.float64], at: int = 1) -> NDArray[np.float64]:
    """1 − squared errors / squared deviations; nan where there is no deviation to explain."""
    total = sums[..., at]
    return 1 - ratio(sums[..., at + 1], np.where(total > 1e-18 * sums[..., 0], total, 0.0))


SHARE = Statistic(name="share", sums=_sums, value=_share, bounds=(-np.inf, 1.0))
MORE = Statistic(name="difference", sums=_sums, value=lambda sums: _share(sums) - _share(sums, 3))


def explained_square(outputs: int) -> Statistic:
    """Covariance of values and predictions, summed over k outputs; of columns (n, 2 k), values first."""

    def sums(
        columns: NDArray[np.float64], _: NDArray[np.integer], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        products = (columns[:, :outputs] * columns[:, outputs:]).sum(axis=1)
        return unit_sums(np.column_stack([np.ones(len(columns)), columns, products]), unit, units)

    def value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        n, totals = sums[..., 0], sums[..., 1:-1]
        product = (totals[..., :outputs] * totals[..., outputs:]).sum(axis=-1)
        return ratio(sums[..., -1], n) - ratio(product, n**2)

    return Statistic(name="explained_error", sums=sums, value=value)


def rooted(square: Estimate) -> Estimate:
    """The root of a square that may be estimated below 0, where it is 0.

    The upper end of the interval is at least as far from 0 as it would be if the square were estimated at 0.
    """
    if math.isnan(square.value):
        return square
    value = max(square.value, 0.0)

    def ends(low: float, high: float) -> tuple[float, float]:
        return math.sqrt(max(low, 0.0)), math.sqrt(value + max(high - square.value, 0.0))

    found = replace(square, value=math.sqrt(value))
    if math.isnan(square.low):
        return found
    low, high = ends(square.low, square.high)
    return replace(found, low=low, high=high, inner=square.inner and ends(*square.inner))
