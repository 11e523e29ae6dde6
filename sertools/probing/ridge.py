"""Ridge regression with the strength chosen on left-out groups (speakers).

One eigendecomposition serves every strength, every target and every left-out group, so that hundreds of
probes (layers × folds) take seconds where separate fits would take hours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.errors import AuditError

STRENGTHS = tuple(10.0**power for power in range(4, -5, -1))
"""Regularisation strengths to try, strongest first, as multiples of the features' mean eigenvalue."""

RANK = 1e-10
"""An eigenvalue below this share of the largest is rounding error, and its direction is dropped."""


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """A fitted linear map, with leave-one-group-out predictions of its training clips.

    Attributes:
        mean, scale: mean and standard deviation of the features, shape (d,); a constant feature has scale 1
            and no influence
        coefficients: coefficients of the standardised features, shape (d, k)
        intercept: shape (k,)
        strength: the strength chosen from `STRENGTHS` for each target, shape (k,)
        left_out: predictions of each clip by a fit without the clip's group, shape (n, k)
        error: weighted mean squared error of `left_out`, shape (k,)
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]
    strength: NDArray[np.float64]
    left_out: NDArray[np.float64]
    error: NDArray[np.float64]

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Predictions (m, k) of features (m, d)."""
        found: NDArray[np.float64] = (
            (features - self.mean) / self.scale
        ) @ self.coefficients + self.intercept
        return found


def fit_ridge(
    features: NDArray[np.floating],
    values: NDArray[np.floating],
    group: NDArray[np.integer],
    *,
    weight: NDArray[np.float64] | None = None,
    together: bool = False,
    strengths: tuple[float, ...] = STRENGTHS,
) -> Ridge:
    """Fit ridge regression on standardised features, with the strength that predicts left-out groups best.

    Minimises Σ w (y − a − zβ)² + α |β|², where z are the features minus their weighted mean, divided by their
    weighted standard deviation, and α is a strength times the mean non-zero eigenvalue of Σ w zᵀz. The chosen
    strength has the lowest weighted squared error when each group in turn is left out. This is exact and
    needs no second fit: with H = T A⁻¹ Tᵀ, a left-out group's error is (I − H_gg)⁻¹ times its error in the
    fit. The standardisation always uses all n clips.

    Args:
        features: finite values, shape (n, d)
        values: finite targets, shape (n, k)
        group: codes, shape (n,), at least two different ones
        weight: weight of each clip, above 0, shape (n,); 1 for all by default
        together: whether all k targets share one strength, as for the classes of one label
        strengths: strengths to choose from, strongest first; the stronger wins a tie

    Raises:
        AuditError: there is only one group, so the strength cannot be chosen on another

    >>> x = np.arange(8.0)[:, None]
    >>> fitted = fit_ridge(x, 3 * x + 1, np.arange(8) % 2, strengths=(1e-12,))
    >>> fitted.predict(np.array([[10.0]])).round(6).tolist()
    [[31.0]]
    """
    if len(np.unique(group)) < 2:
        raise AuditError("all clips are in one group; choosing the ridge strength needs at least two")
    root = np.sqrt(np.ones(len(features)) if weight is None else weight)[:, None]
    mean, scale, standard = _standardised(features, root)
    axes, squares = _principal(standard)
    table = np.column_stack([standard @ axes, root])
    weighted = np.asarray(values, dtype=np.float64) * root
    errors, predictions, solutions = _fits(table, weighted, (squares, root), group, strengths)
    best = _best_strengths(errors, together)
    chosen = np.arange(len(best))
    solution = solutions[best, :, chosen].T
    return Ridge(
        mean=mean,
        scale=scale,
        coefficients=axes @ solution[:-1],
        intercept=solution[-1],
        strength=np.array(strengths)[best],
        left_out=predictions[best, :, chosen].T,
        error=errors[best, chosen],
    )


def _standardised(
    features: NDArray[np.floating], root: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean and standard deviation of the features (d,), and standardised features times `root`.

    Args:
        features: shape (n, d)
        root: square root of the weight of each clip, shape (n, 1)
    """
    mean = np.average(features, axis=0, weights=root[:, 0] ** 2)
    centred = np.asarray(features, dtype=np.float64) - mean
    scale = np.sqrt(np.average(centred**2, axis=0, weights=root[:, 0] ** 2))
    # in float32 a constant has a spread of about 1e-7 of its value; dividing by that would give noise
    constant = scale <= 1e-6 * np.abs(mean)
    scale = np.where(constant, 1.0, scale)
    centred[:, constant] = 0.0
    return mean, scale, centred / scale * root


def _fits(
    table: NDArray[np.float64],
    weighted: NDArray[np.float64],
    scales: tuple[NDArray[np.float64], NDArray[np.float64]],
    group: NDArray[np.integer],
    strengths: tuple[float, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Error (s, k), left-out predictions (s, n, k) and solution (s, r + 1, k) for each of the s strengths.

    Args:
        table: the features along their principal axes, and the intercept's column, shape (n, r + 1)
        weighted: values times the square root of the weights, shape (n, k)
        scales: sums of squares along the axes, shape (r,), and square root of the weights, shape (n, 1)
        group: codes, shape (n,)
        strengths: the strengths
    """
    squares, root = scales
    right = table.T @ weighted
    alphas = np.array(strengths) * (squares.mean() if len(squares) else 1.0)
    total = np.full((len(strengths), 1), (root**2).sum())
    diagonals = np.hstack([squares + alphas[:, None], total])
    solutions = right / diagonals[:, :, None]
    error = np.empty((len(strengths), *weighted.shape))
    for code in np.unique(group):
        inside = np.flatnonzero(group == code)
        error[:, inside] = _left_out(table[inside], weighted[inside], right, solutions, diagonals)
    return (error**2).sum(axis=1) / (root**2).sum(), (weighted - error) / root, solutions


def _best_strengths(error: NDArray[np.float64], together: bool) -> NDArray[np.integer]:
    """Index of the strength with the lowest error for each target, shape (k,).

    Args:
        error: shape (strengths, k), strongest first
        together: whether all targets share one strength
    """
    judged = np.repeat(error.sum(axis=1, keepdims=True), error.shape[1], axis=1) if together else error
    # rounding must not decide between strengths with equal errors
    best: NDArray[np.integer] = np.argmax(judged <= judged.min(axis=0) * (1 + 1e-9), axis=0)
    return best


def _principal(standard: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Principal axes (d, r) of the features, and the sums of squares along them (r,)."""
    n, d = standard.shape
    squares, vectors = np.linalg.eigh(standard.T @ standard if d <= n else standard @ standard.T)
    kept = squares > RANK * max(squares.max(initial=0.0), 1e-300)
    squares, vectors = squares[kept], vectors[:, kept]
    return (vectors if d <= n else standard.T @ (vectors / np.sqrt(squares))), squares


def _left_out(
    part: NDArray[np.float64],
    wanted: NDArray[np.float64],
    right: NDArray[np.float64],
    solutions: NDArray[np.float64],
    diagonals: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weighted errors (s, m, k) of a group's m clips in the fits on all other groups, for s strengths."""
    m, r = part.shape
    if m > r:
        inner, outer = part.T @ part, right - part.T @ wanted
        without = [np.linalg.solve(np.diag(diagonal) - inner, outer) for diagonal in diagonals]
        return wanted - part @ np.array(without)
    hat = (part / diagonals[:, None]) @ part.T
    return np.asarray(np.linalg.solve(np.eye(m) - hat, wanted - part @ solutions), dtype=np.float64)
