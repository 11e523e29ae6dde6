"""How similar are two views of the same frames? CCA, PWCCA, SVCCA and CKA, from additive sums.

All of them need only n, Σx, Σy, Σxxᵀ, Σyyᵀ and Σxyᵀ in float64. These sums add up over sets of frames, so
memory does not grow with the corpus, and a fit on some speakers can be scored on others. x has d dimensions
(a layer of a model, d up to thousands), y has k (acoustic features, k small).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from sertools.statistics.statistic import ratio

RIDGE = 1e-3
"""Ridge added to the diagonals of the covariances, in units of the mean variance."""

ROUNDING_SHARE = 1e-7
"""A variance below this share of the mean square counts as 0: the rounding error of float32 products."""

SVCCA_VARIANCE = 0.99
"""Share of the variance that SVCCA keeps (Raghu et al. 2017)."""


@dataclass(frozen=True, kw_only=True)
class Covariance:
    """Covariances of two views of n frames, divided by n.

    Attributes:
        n: frames
        xx: shape (d, d)
        yy: shape (k, k)
        xy: shape (d, k)
    """

    n: float
    xx: NDArray[np.float64]
    yy: NDArray[np.float64]
    xy: NDArray[np.float64]

    def take(self, columns: ArrayLike) -> "Covariance":
        """The covariances of x with only these columns of y."""
        chosen = np.asarray(columns, dtype=np.int64)
        return Covariance(n=self.n, xx=self.xx, yy=self.yy[np.ix_(chosen, chosen)], xy=self.xy[:, chosen])


@dataclass(frozen=True, kw_only=True)
class Directions:
    """Pairs of directions, most correlated first; frames projected on them are the canonical variates.

    Attributes:
        x: directions in x, shape (d, m)
        y: directions in y, shape (k, m)
        weight: how much of x each pair accounts for (Morcos et al. 2018), shape (m,)
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    weight: NDArray[np.float64]


def covariance(
    n: float,
    x: NDArray[np.float64],
    xx: NDArray[np.float64],
    y: NDArray[np.float64],
    yy: NDArray[np.float64],
    xy: NDArray[np.float64],
) -> Covariance:
    """Covariances from sums: Σxyᵀ/n − m_x m_yᵀ; exactly 0 for a constant dimension. nan for n = 0.

    Args:
        n: frames
        x: Σx, shape (d,)
        xx: Σxxᵀ, shape (d, d)
        y: Σy, shape (k,)
        yy: Σyyᵀ, shape (k, k)
        xy: Σxyᵀ, shape (d, k)

    >>> x, y = np.array([[0.0], [2.0]]), np.array([[1.0], [5.0]])
    >>> covariance(2, x.sum(0), x.T @ x, y.sum(0), y.T @ y, x.T @ y).xy.tolist()
    [[2.0]]
    """
    if n == 0:
        return Covariance(n=0, xx=np.full_like(xx, np.nan), yy=np.full_like(yy, np.nan), xy=xy * np.nan)
    moves_x, moves_y = _moves(n, x, xx), _moves(n, y, yy)
    return Covariance(
        n=n,
        xx=_centred(n, x, x, xx, moves_x, moves_x),
        yy=_centred(n, y, y, yy, moves_y, moves_y),
        xy=_centred(n, x, y, xy, moves_x, moves_y),
    )


def _moves(n: float, total: NDArray[np.float64], products: NDArray[np.float64]) -> NDArray[np.bool_]:
    square = np.diagonal(products) / n
    moves: NDArray[np.bool_] = square - (total / n) ** 2 > ROUNDING_SHARE * square
    return moves


def _centred(
    n: float,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    xy: NDArray[np.float64],
    moves_x: NDArray[np.bool_],
    moves_y: NDArray[np.bool_],
) -> NDArray[np.float64]:
    found = xy / n
    found -= np.outer(x / n, y / n)
    found[~moves_x] = 0.0
    found[:, ~moves_y] = 0.0
    return found


def factor(xx: NDArray[np.float64], ridge: float = RIDGE) -> NDArray[np.float64] | None:
    """Upper Cholesky factor of xx + ridge · (mean variance) · I, shape (d, d); None if x is constant.

    This is the expensive part of `fit`, and it depends on x alone.

    Args:
        xx: covariance of x, shape (d, d)
        ridge: in units of the mean variance; must be above 0 if x may be rank-deficient

    Raises:
        LinAlgError: x is rank-deficient and the ridge is 0
    """
    mean = float(np.trace(xx)) / len(xx)
    if not mean > 0:
        return None
    try:
        return _cholesky(xx, ridge * mean)
    except np.linalg.LinAlgError:
        if not ridge > 0:
            raise
    # sums of float32 products can give a rank-deficient layer eigenvalues slightly below 0
    values, vectors = scipy.linalg.eigh(xx, driver="evd", check_finite=False)
    return _cholesky((vectors * np.maximum(values, 0.0)) @ vectors.T, ridge * mean)


def _cholesky(xx: NDArray[np.float64], more: float) -> NDArray[np.float64]:
    found = xx.copy()
    found[np.diag_indices_from(found)] += more
    upper: NDArray[np.float64] = scipy.linalg.cholesky(found, overwrite_a=True, check_finite=False)
    return upper


def fit(
    of: Covariance, *, ridge: float = RIDGE, upper: NDArray[np.float64] | None = None
) -> Directions | None:
    """Which directions of x and y are most correlated (Hotelling 1936; ridge: Vinod 1976)?

    Maximises aᵀ S_xy b / √(aᵀ (S_xx + r_x I) a · bᵀ (S_yy + r_y I) b). y is scaled to unit variance, because
    its features have different units; then r_y = ridge, and r_x = ridge · trace(S_xx) / d. Solved as an
    eigenproblem in the k dimensions of y. Constant features are ignored.

    Args:
        of: covariances
        ridge: in units of the mean variance
        upper: `factor(of.xx, ridge)` if already computed

    Returns:
        min(d, number of varying features) pairs, variates of x with unit variance; None if x or all of y is
        constant.
    """
    upper = factor(of.xx, ridge) if upper is None else upper
    if upper is None:
        return None
    varies = np.flatnonzero(np.diagonal(of.yy) > 0)
    if not len(varies):
        return None
    solved = scipy.linalg.cho_solve((upper, False), of.xy[:, varies], check_finite=False)
    explained, yy = of.xy[:, varies].T @ solved, of.yy[np.ix_(varies, varies)]
    y = np.zeros((len(of.yy), min(len(of.xx), len(varies))))
    y[varies] = directions_of_y(explained, yy, ridge=ridge, most=len(of.xx))
    x = solved @ y[varies]
    moved = of.xx @ x
    spread = np.sqrt(np.maximum((x * moved).sum(axis=0), 0.0))
    x, moved = (np.divide(each, spread, out=np.zeros_like(x), where=spread > 0) for each in (x, moved))
    return Directions(x=x, y=y, weight=np.abs(moved).sum(axis=0))


def directions_of_y(
    explained: NDArray[np.float64], yy: NDArray[np.float64], *, ridge: float, most: int
) -> NDArray[np.float64]:
    """Directions of y that x explains most of, most first; those of x are (S_xx + r_x I)⁻¹ S_xy times them.

    Args:
        explained: S_yx (S_xx + r_x I)⁻¹ S_xy, shape (…, k, k)
        yy: covariance of y, shape (…, k, k); every feature varies
        ridge: see `fit`
        most: number of dimensions of x

    Returns:
        shape (…, k, min(most, k)); they have norm 1 under the covariance of scaled features plus the ridge.

    >>> directions_of_y(np.diag([0.75, 2.0]), np.diag([1.0, 4.0]), ridge=0.0, most=1).ravel().tolist()
    [1.0, 0.0]
    """
    scale = np.sqrt(np.diagonal(yy, axis1=-2, axis2=-1))[..., None]
    of_unit_variance = scale * np.swapaxes(scale, -2, -1)
    lower = np.linalg.cholesky(yy / of_unit_variance + ridge * np.eye(yy.shape[-1]))
    half = np.linalg.solve(lower, explained / of_unit_variance)
    whole = np.linalg.solve(lower, np.swapaxes(half, -2, -1))
    _, vectors = np.linalg.eigh((whole + np.swapaxes(whole, -2, -1)) / 2)  # eigenvalues ascend
    found: NDArray[np.float64] = (
        np.linalg.solve(np.swapaxes(lower, -2, -1), vectors[..., ::-1][..., :most]) / scale
    )
    return found


def correlations(along: Directions | None, of: Covariance) -> NDArray[np.float64]:
    """How correlated are the canonical variates in these frames, shape (m,), in [-1, 1]?

    Directions and covariances may be stacks, of shape (…, d, m) and so on; the answer then has shape (…, m).

    On the frames of the fit these are the canonical correlations (slightly lower with a ridge). On other
    frames they show how well the fit generalises, and may be negative. 0 for a direction of x that is all
    zeros because nothing in y was left to explain; nan if a variate is constant here. Shape (0,) without a
    fit.

    >>> along = Directions(x=np.eye(1), y=np.eye(1), weight=np.ones(1))
    >>> one = Covariance(n=9, xx=np.array([[4.0]]), yy=np.array([[1.0]]), xy=np.array([[1.0]]))
    >>> correlations(along, one).tolist()
    [0.5]
    """
    if along is None:
        return np.empty(0)
    both = (along.x * (of.xy @ along.y)).sum(axis=-2)
    in_x = (along.x * (of.xx @ along.x)).sum(axis=-2)
    in_y = (along.y * (of.yy @ along.y)).sum(axis=-2)
    found: NDArray[np.float64] = np.clip(ratio(both, np.sqrt(np.maximum(in_x * in_y, 0.0))), -1.0, 1.0)
    found[(along.x == 0).all(axis=-2) & (in_y > 0)] = 0.0
    return found


def mean_cca(found: NDArray[np.float64]) -> float:
    """How similar are two layers on average: the mean correlation over directions, in [-1, 1]?

    Σ_i ρ_i / m, the score of Li et al. (2023). nan if there are no directions.

    Args:
        found: correlations ρ along the directions, shape (m,)

    >>> mean_cca(np.array([1.0, 0.5, 0.0]))
    0.5
    """
    return float(found.mean()) if len(found) else np.nan


def pwcca(found: NDArray[np.float64], along: Directions | None) -> float:
    """Projection-weighted CCA (Morcos et al. 2018): Σ α_i ρ_i / Σ α_i, in [-1, 1]; nan if undefined.

    α_i = Σ_j |cov(variate i, dimension j of x)|, from the frames of the fit: each direction is weighted by
    how much of the layer it accounts for.

    Args:
        found: correlations ρ along the directions, shape (m,)
        along: the directions; None if there are none

    >>> along = Directions(x=np.eye(2), y=np.eye(2), weight=np.array([3.0, 1.0]))
    >>> pwcca(np.array([1.0, 0.0]), along)
    0.75
    """
    return np.nan if along is None else float(ratio(along.weight @ found, along.weight.sum()))


def basis(xx: NDArray[np.float64], share: float = SVCCA_VARIANCE) -> NDArray[np.float64]:
    """The fewest principal directions that explain this share of the variance, shape (d, r); r may be 0.

    >>> basis(np.diag([1.0, 98.5, 0.5])).T.round().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    vectors, enough = _principal(xx[None], share)
    found: NDArray[np.float64] = vectors[0, :, : enough[0]]
    return found


def _principal(xx: NDArray[np.float64], share: float) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Principal directions (b, d, d), those of most variance first, and how many explain the share (b,)."""
    values, vectors = np.linalg.eigh(xx)
    values, vectors = np.maximum(values[:, ::-1], 0.0), vectors[:, :, ::-1]
    total = values.sum(axis=1, keepdims=True)
    # rounding must not add one direction
    enough = (np.cumsum(values, axis=1) < (share - 1e-12) * total).sum(axis=1) + 1
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    vectors = np.asarray(vectors * np.where(largest < 0, -1, 1), dtype=np.float64)
    return vectors, np.where(total[:, 0] > 0, enough, 0)


def projected(of: Covariance, x: NDArray[np.float64] | None, y: NDArray[np.float64] | None) -> Covariance:
    """Covariances of both views projected on directions x (d, r) and y (k, q); None: view unchanged."""
    xx, yy, xy = of.xx, of.yy, of.xy
    if x is not None:
        xx, xy = x.T @ xx @ x, x.T @ xy
    if y is not None:
        yy, xy = y.T @ yy @ y, xy @ y
    return Covariance(n=of.n, xx=xx, yy=yy, xy=xy)


def standard_basis(yy: NDArray[np.float64], share: float = SVCCA_VARIANCE) -> NDArray[np.float64]:
    """Same as `basis` for features with different units: each is divided by its standard deviation."""
    found = [bases[0] for _, bases in standard_bases(yy[None], share)]
    return found[0] if found else np.empty((len(yy), 0))


def standard_bases(
    yy: NDArray[np.float64], share: float = SVCCA_VARIANCE
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.float64]]]:
    """`standard_basis` of covariances (b, k, k): indices and bases (n, k, r), by the number of directions.

    Covariances without any variance are left out.
    """
    deviation = np.sqrt(np.diagonal(yy, axis1=1, axis2=2))
    inverse = ratio(np.ones_like(deviation), deviation)
    inverse[~np.isfinite(inverse)] = 0.0
    vectors, enough = _principal(yy * inverse[:, :, None] * inverse[:, None], share)
    for r in np.unique(enough[enough > 0]):
        rows = np.flatnonzero(enough == r)
        yield rows, inverse[rows, :, None] * vectors[rows, :, :r]


def cka(of: Covariance, deviation: NDArray[np.float64] | None = None) -> float:
    """Linear centred kernel alignment, ‖S_xy‖² / (‖S_xx‖ ‖S_yy‖), in [0, 1] (Kornblith et al. 2019).

    Frobenius norms. Unlike CCA it depends on the scale of dimensions: those with more variance count more.
    nan if x or y is constant.

    Args:
        of: covariances
        deviation: standard deviations by which y is divided first, shape (k,); None to leave y unchanged

    >>> cka(Covariance(n=9, xx=np.eye(4), yy=np.eye(4), xy=np.eye(4)[::-1]))
    1.0
    """
    scale = np.ones(len(of.yy)) if deviation is None else deviation
    inverse = ratio(np.ones_like(scale), scale)
    inverse[~np.isfinite(inverse)] = 0.0
    xy, yy = of.xy * inverse, of.yy * np.outer(inverse, inverse)
    norms = np.asarray(np.linalg.norm(of.xx) * np.linalg.norm(yy))
    return min(float(ratio((xy**2).sum(), norms)), 1.0)


def cca_of_large(
    of: Covariance, upper_x: NDArray[np.float64] | None, upper_y: NDArray[np.float64] | None
) -> float:
    """Mean canonical correlation of two layers, over the min(d, k) directions, in [0, 1].

    The mean singular value of R_x⁻ᵀ S_xy R_y⁻¹, where R are the factors with their ridge. The ridge lowers
    them, and a direction with hardly any variance counts as uncorrelated. In-sample, so biased upwards by
    about √(d / n) per direction. nan if a layer is constant.

    Args:
        of: covariances
        upper_x: `factor` of xx, shape (d, d); None if x is constant
        upper_y: `factor` of yy, shape (k, k); None if y is constant

    >>> x = np.array([[0.0], [2.0], [1.0]])
    >>> of = covariance(3, x.sum(0), x.T @ x, -x.sum(0), x.T @ x, -x.T @ x)
    >>> round(cca_of_large(of, factor(of.xx, ridge=0.0), factor(of.yy, ridge=0.0)), 12)
    1.0
    """
    if upper_x is None or upper_y is None:
        return np.nan
    half = scipy.linalg.solve_triangular(upper_x, of.xy, trans="T", check_finite=False)
    whole = scipy.linalg.solve_triangular(upper_y, half.T, trans="T", check_finite=False)
    found = scipy.linalg.svdvals(whole, check_finite=False)
    return float(np.minimum(found, 1.0).mean())
