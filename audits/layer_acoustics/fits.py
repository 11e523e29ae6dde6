"""Directions fitted on some frames and scored on others, for many fits and groups of features at once.

A layer has up to thousands of dimensions and the features have few, so each fit is reduced to matrices of the
features' size before any group of features is looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from sertools.metrics import cca
from sertools.metrics.cca import Covariance, Directions
from sertools.statistics.statistic import ratio

MEASURES = ("cca", "pwcca", "svcca", "cka")
"""Mean CCA, projection-weighted CCA, SVCCA and linear CKA."""


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A layer as far as it explains k features: x projected on S = (S_xx + r_x I)⁻¹ S_xy, for b fits.

    Attributes:
        explained: S_yx S in the frames of the fit, shape (b, k, k)
        spread: Sᵀ S_xx S in the frames of the fit, shape (b, k, k)
        yy: covariance of the features in the frames of the fit, shape (b, k, k)
        moved: S_xx S in the frames of the fit, shape (b, d, k)
        xx, xy, yy_apart: Sᵀ S_xx S, Sᵀ S_xy and S_yy in the frames that are scored, shape (b, k, k)
    """

    explained: NDArray[np.float64]
    spread: NDArray[np.float64]
    yy: NDArray[np.float64]
    moved: NDArray[np.float64]
    xx: NDArray[np.float64]
    xy: NDArray[np.float64]
    yy_apart: NDArray[np.float64]

    @classmethod
    def of(cls, rest: Sequence[Covariance], apart: Sequence[Covariance], ridge: float) -> "Solved | None":
        """One fit for each kind of features, which share xx; None if x is constant."""
        upper = cca.factor(rest[0].xx, ridge)
        if upper is None:
            return None
        k = rest[0].xy.shape[1]
        solved = scipy.linalg.cho_solve((upper, False), np.hstack([r.xy for r in rest]), check_finite=False)
        moved, there = rest[0].xx @ solved, apart[0].xx @ solved
        each = [slice(i, i + k) for i in range(0, solved.shape[1], k)]
        return cls(
            explained=np.array([r.xy.T @ solved[:, s] for r, s in zip(rest, each, strict=True)]),
            spread=np.array([solved[:, s].T @ moved[:, s] for s in each]),
            yy=np.array([r.yy for r in rest]),
            moved=np.array([moved[:, s] for s in each]),
            xx=np.array([solved[:, s].T @ there[:, s] for s in each]),
            xy=np.array([solved[:, s].T @ a.xy for a, s in zip(apart, each, strict=True)]),
            yy_apart=np.array([a.yy for a in apart]),
        )

    @classmethod
    def stacked(cls, parts: "Sequence[Solved]") -> "Solved":
        """The fits of all parts, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def take(self, rows: NDArray[np.integer], columns: Sequence[int] | NDArray[np.integer]) -> "Solved":
        """Some fits, for some of the features."""
        columns = np.asarray(columns)
        inside = np.ix_(rows, columns, columns)
        squares = {
            field.name: getattr(self, field.name)[inside] for field in fields(self) if field.name != "moved"
        }
        return Solved(**squares, moved=self.moved[rows][:, :, columns])

    def correlations(self, y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Correlations in the frames that are scored, and weights, shape (b, m), along y (b, k, m)."""
        spread = np.sqrt(np.maximum((y * (self.spread @ y)).sum(axis=1), 0.0))[:, None]
        x = np.divide(y, spread, out=np.zeros_like(y), where=spread > 0)
        weight = np.abs(self.moved @ x).sum(axis=1)
        there = Covariance(n=np.nan, xx=self.xx, yy=self.yy_apart, xy=self.xy)
        return cca.correlations(Directions(x=x, y=y, weight=weight), there), weight


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What is kept of one fit, with every kind of features.

    Attributes:
        whole: the layer as it is; None if it is constant
        reduced: the layer's principal directions, for SVCCA; None without
        deviation: standard deviations of the features in the frames of the fit, shape (kinds, k)
        squares: sums over the dimensions of x of S_xy², in the frames that are scored, shape (kinds, k)
        norm: ‖S_xx‖ there
        yy: covariances of the features there, shape (kinds, k, k)
    """

    whole: Solved | None
    reduced: Solved | None
    deviation: NDArray[np.float64]
    squares: NDArray[np.float64]
    norm: float
    yy: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        rest: Sequence[Covariance],
        apart: Sequence[Covariance],
        directions: NDArray[np.float64] | None,
        ridge: float,
    ) -> "Fit":
        """A fit on the `rest`, scored on frames `apart`: a covariance for each kind, which share xx."""
        fewer = None
        if directions is not None:
            fewer = Solved.of(_reduced(rest, directions), _reduced(apart, directions), ridge)
        return cls(
            whole=Solved.of(rest, apart, ridge),
            reduced=fewer,
            deviation=np.sqrt([np.diagonal(one.yy) for one in rest]),
            squares=np.array([(one.xy**2).sum(axis=0) for one in apart]),
            norm=float(np.linalg.norm(apart[0].xx)),
            yy=np.array([one.yy for one in apart]),
        )


def _reduced(of: Sequence[Covariance], x: NDArray[np.float64]) -> list[Covariance]:
    """The covariances of every kind, with x projected onto the given directions; all share xx."""
    xx = x.T @ of[0].xx @ x
    return [Covariance(n=one.n, xx=xx, yy=one.yy, xy=x.T @ one.xy) for one in of]


def scored(
    fits: Sequence[Fit], groups: Sequence[Sequence[int]], measures: Sequence[str], ridge: float
) -> list[NDArray[np.float64]]:
    """Scores of every fit, each of shape (m, kinds, f); nan where undefined.

    Args:
        fits: the fits
        groups: columns of each of f groups of features
        measures: names from `MEASURES`
        ridge: see `cca.fit`
    """
    return [
        np.array(each)
        for each in zip(*(_of_measure(measure, fits, groups, ridge) for measure in measures), strict=True)
    ]


def _of_measure(
    measure: str, fits: Sequence[Fit], groups: Sequence[Sequence[int]], ridge: float
) -> list[NDArray[np.float64]]:
    """Scores of every fit by one measure, each of shape (kinds, f)."""
    if measure == "cka":
        return [np.column_stack([_cka(fit, columns) for columns in groups]) for fit in fits]
    of = [fit.reduced if measure == "svcca" else fit.whole for fit in fits]
    found = [np.full((len(fit.yy), len(groups)), np.nan) for fit in fits]
    known = [i for i, each in enumerate(of) if each is not None]
    if known:
        stack = Solved.stacked([each for each in of if each is not None])
        value = np.column_stack([_SCORES[measure](stack, columns, ridge) for columns in groups])
        for i, part in zip(known, np.split(value, len(known)), strict=True):
            found[i] = part
    return found


def _along(
    of: Solved, columns: Sequence[int], ridge: float
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.float64], NDArray[np.float64]]]:
    """Fits whose features vary alike: their indices, correlations along directions, and weights."""
    part = of.take(np.arange(len(of.yy)), columns)
    varies = np.diagonal(part.yy, axis1=1, axis2=2) > 0
    for pattern in np.unique(varies, axis=0):
        if pattern.any():
            rows = np.flatnonzero((varies == pattern).all(axis=1))
            these = part.take(rows, np.flatnonzero(pattern))
            y = cca.directions_of_y(these.explained, these.yy, ridge=ridge, most=of.moved.shape[1])
            yield rows, *these.correlations(y)


def _cca(of: Solved, columns: Sequence[int], ridge: float) -> NDArray[np.float64]:
    """Mean correlation of each fit, shape (b,)."""
    found = np.full(len(of.yy), np.nan)
    for rows, values, _ in _along(of, columns, ridge):
        found[rows] = values.mean(axis=1)
    return found


def _pwcca(of: Solved, columns: Sequence[int], ridge: float) -> NDArray[np.float64]:
    """Correlations of each fit weighted by what their directions account for, shape (b,)."""
    found = np.full(len(of.yy), np.nan)
    for rows, values, weight in _along(of, columns, ridge):
        found[rows] = ratio((weight * values).sum(axis=1), weight.sum(axis=1))
    return found


def _svcca(of: Solved, columns: Sequence[int], ridge: float) -> NDArray[np.float64]:
    """Mean correlation of each fit along the principal directions of both views, shape (b,)."""
    found = np.full(len(of.yy), np.nan)
    part = of.take(np.arange(len(of.yy)), columns)
    for rows, basis in cca.standard_bases(part.yy):
        these, turned = part.take(rows, np.arange(len(columns))), np.swapaxes(basis, 1, 2)
        explained, yy = turned @ these.explained @ basis, turned @ these.yy @ basis
        y = cca.directions_of_y(explained, yy, ridge=ridge, most=of.moved.shape[1])
        found[rows] = these.correlations(basis @ y)[0].mean(axis=1)
    return found


_SCORES: dict[str, Callable[[Solved, Sequence[int], float], NDArray[np.float64]]] = {
    "cca": _cca,
    "pwcca": _pwcca,
    "svcca": _svcca,
}


def _cka(fit: Fit, columns: Sequence[int]) -> NDArray[np.float64]:
    """`cca.cka` of features divided by their deviations in the fit, for every kind, shape (kinds,)."""
    inverse = ratio(np.ones_like(fit.deviation), fit.deviation)[:, columns]
    inverse[~np.isfinite(inverse)] = 0.0
    yy = fit.yy[:, columns][:, :, columns] * inverse[:, :, None] * inverse[:, None]
    explained = (fit.squares[:, columns] * inverse**2).sum(axis=1)
    return np.minimum(ratio(explained, fit.norm * np.sqrt((yy**2).sum(axis=(1, 2)))), 1.0)
