"""Do predictions stay the same when the audio changes slightly?"""

import numpy as np
from numpy.typing import ArrayLike

from sertools.errors import AuditError
from sertools.statistics.statistic import paired, ratio


def unchanged(clean: ArrayLike, perturbed: ArrayLike, tolerance: float = 0.05) -> np.ndarray:
    """Which predictions changed by less than the tolerance? Booleans, shape (n,).

    |p(x) − p(x′)| < tolerance, strictly, on unrounded values (Wagner et al. 2023, §3.4). The mean is the
    unchanged ratio; `intervals.proportion` gives its interval.

    Args:
        clean: predictions, shape (n,)
        perturbed: predictions for the same clips, shape (n,), same unit
        tolerance: in the unit of the predictions

    Raises:
        AuditError: a prediction is missing (neither changed nor unchanged), or the tolerance is nan

    >>> unchanged([0.5, 0.5, 0.5], [0.5, 0.54, 0.56]).tolist()
    [True, True, False]
    """
    before, after = paired(clean, perturbed)
    moved = np.abs(after.astype(np.float64) - before.astype(np.float64))
    if not np.isfinite(moved).all() or np.isnan(tolerance):
        missing = int((~np.isfinite(moved)).sum())
        raise AuditError(
            f"{missing} of {len(moved)} pairs of predictions are missing (tolerance {tolerance:g})",
            hint="leave out clips that are missing in either condition",
        )
    return moved < tolerance


def unchanged_classes(clean: ArrayLike, perturbed: ArrayLike) -> np.ndarray:
    """Which clips still get the same class? Booleans, shape (n,), from class codes.

    >>> unchanged_classes([0, 1, 2], [0, 1, 1]).tolist()
    [True, True, False]
    """
    before, after = paired(clean, perturbed)
    same: np.ndarray = before == after
    return same


def spread(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Spread of the predictions relative to that of the truth, ≥ 0: sd(p) / sd(t).

    0 for a constant, which is trivially unchanged by anything; nan for n = 0 or a constant truth.

    >>> spread([0, 0.5, 1], [0.25, 0.5, 0.75])
    0.5
    """
    t, p = paired(truth, prediction)
    if len(t) == 0 or np.ptp(t) == 0:
        return float("nan")
    return float(ratio(np.std(p), np.std(t)))


def scale_free_tolerance(truth: ArrayLike, prediction: ArrayLike, tolerance: float = 0.05) -> float:
    """The tolerance scaled to the spread of the predictions: tolerance · sd(p) / sd(t).

    0 for a constant model, so that none of its clips count as unchanged; nan for n = 0 or a constant truth.

    Args:
        truth: ratings, shape (n,)
        prediction: predictions on clean audio, shape (n,)
        tolerance: tolerance for a model whose predictions have the same spread as the truth

    >>> scale_free_tolerance([0, 0.5, 1], [0.25, 0.5, 0.75])
    0.025
    """
    return tolerance * spread(truth, prediction)
