"""How well do predictions agree with ratings on a Likert scale, whose values are steps?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.metrics.regression import CCC
from sertools.statistics.statistic import Statistic, overall

MOST_LEVELS = 11
"""Most steps of a scale that counts as one of steps: from 0 to 10."""


def levels_of(truth: ArrayLike) -> int:
    """How many steps has the scale of these ratings in [0, 1]? 0 if they do not fit a common scale of steps.

    The smallest number k of 3 to 11 for which every rating is a multiple of 1 / (k − 1); the mean of several
    raters usually is none.

    Args:
        truth: ratings, shape (n,)

    >>> levels_of([0, 0.25, 1]), levels_of([0, 1]), levels_of([0.1, 0.123])
    (5, 3, 0)
    """
    ratings = np.unique(np.asarray(truth, dtype=np.float64))
    for k in range(3, MOST_LEVELS + 1):
        steps = ratings * (k - 1)
        if len(ratings) and (np.abs(steps - np.round(steps)) < 1e-6).all():
            return k
    return 0


def rounded(prediction: ArrayLike, levels: int) -> NDArray[np.float64]:
    """The nearest step of each prediction, in [0, 1], shape (n,); halves go up.

    >>> rounded([0.3, 0.375, 1.2], 5).tolist()
    [0.25, 0.5, 1.0]
    """
    steps = np.floor(np.asarray(prediction, dtype=np.float64) * (levels - 1) + 0.5)
    nearest: NDArray[np.float64] = np.clip(steps, 0, levels - 1) / (levels - 1)
    return nearest


def weighted_kappa(truth: ArrayLike, prediction: ArrayLike, levels: int) -> float:
    """Agreement of ratings on a scale of steps beyond chance, in [-1, 1]: Cohen's κ with quadratic weights.

    1 − Σ w o / Σ w e, with the observed and the expected share of each pair of steps i, j and w = (i − j)²
    (Cohen 1968), after each prediction was set to the nearest step. That is the concordance CCC of the steps.
    nan for n < 2 or if both sides are constant.

    Args:
        truth: ratings in [0, 1], each a step, shape (n,)
        prediction: predicted ratings, shape (n,)
        levels: number of steps of the scale

    Raises:
        AuditError: the two differ in length

    >>> round(weighted_kappa([0, 0.5, 1], [0.1, 0.4, 0.6], 3), 12)
    0.666666666667
    """
    return overall(CCC, np.asarray(truth, dtype=np.float64), rounded(prediction, levels))


WEIGHTED_KAPPA = Statistic(
    name="weighted_kappa", sums=CCC.sums, value=CCC.value, scale=CCC.scale, bounds=CCC.bounds
)
"""Of ratings and of predictions that are steps already, see `rounded`."""
