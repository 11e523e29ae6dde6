"""Do predictions stay the same when the sound changes a little?"""

import numpy as np
from numpy.typing import ArrayLike

from sertools.errors import AuditError
from sertools.metrics.sums import paired, ratio


def unchanged(clean: ArrayLike, perturbed: ArrayLike, tolerance: float = 0.05) -> np.ndarray:
    """Which predictions moved by less than the tolerance? Booleans, shape (n,).

    |p(x) − p(x′)| < tolerance, strictly, on unrounded values (Wagner et al. 2023, §3.4). The mean is the
    unchanged ratio, and `intervals.proportion` gives its interval.

    Args:
        clean: predictions, shape (n,)
        perturbed: predictions for the same clips, shape (n,), same unit
        tolerance: in the unit of the predictions

    Raises:
        AuditError: a prediction is missing, which is neither changed nor unchanged, or the tolerance is nan

    >>> unchanged([0.5, 0.5, 0.5], [0.5, 0.54, 0.56]).tolist()
    [True, True, False]
    """
    before, after = paired(clean, perturbed)
    moved = np.abs(after.astype(np.float64) - before.astype(np.float64))
    if not np.isfinite(moved).all() or np.isnan(tolerance):
        missing = int((~np.isfinite(moved)).sum())
        raise AuditError(
            f"{missing} of {len(moved)} pairs of predictions are missing (tolerance {tolerance:g})",
            hint="leave clips out that are missing in either condition",
        )
    return moved < tolerance


def unchanged_classes(clean: ArrayLike, perturbed: ArrayLike) -> np.ndarray:
    """Which clips are still given the same class? Booleans, shape (n,), from class codes.

    >>> unchanged_classes([0, 1, 2], [0, 1, 1]).tolist()
    [True, True, False]
    """
    before, after = paired(clean, perturbed)
    same: np.ndarray = before == after
    return same


def spread(truth: ArrayLike, prediction: ArrayLike) -> float:
    """How much do predictions move compared with the truth, ≥ 0: sd(p) / sd(t)?

    A constant has 0 and is trivially unchanged by anything. nan for n = 0 or a constant truth.

    >>> spread([0, 0.5, 1], [0.25, 0.5, 0.75])
    0.5
    """
    t, p = paired(truth, prediction)
    if len(t) == 0 or np.ptp(t) == 0:
        return float("nan")
    return float(ratio(np.std(p), np.std(t)))


def scale_free_tolerance(truth: ArrayLike, prediction: ArrayLike, tolerance: float = 0.05) -> float:
    """The tolerance for a model that moves less, or more, than the truth: tolerance · sd(p) / sd(t).

    It is 0 for a constant model, of which then no clip is unchanged; nan for n = 0 or a constant truth.

    Args:
        truth: ratings, shape (n,)
        prediction: predictions for the clean sound, shape (n,)
        tolerance: for a model with the spread of the truth

    >>> scale_free_tolerance([0, 0.5, 1], [0.25, 0.5, 0.75])
    0.025
    """
    return tolerance * spread(truth, prediction)
