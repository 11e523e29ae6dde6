"""Do confidences match accuracy, and do predicted ratings match the true ones? Calibration metrics."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sertools.errors import AuditError
from sertools.metrics.regression import CONSTANT, frame_sums
from sertools.statistics.beyond_chance import Square, root_beyond_chance
from sertools.statistics.jackknife import Estimate
from sertools.statistics.statistic import Statistic, overall, paired, ratio, unit_sums

BINS = 15
"""Equal bins of confidence, as in Guo et al. 2017."""


def ece(correct: ArrayLike, confidence: ArrayLike, bins: int = BINS) -> float:
    """How far is confidence from accuracy, in [0, 1] (expected calibration error; Naeini et al. 2015)?

    Σ_b n_b/n · |accuracy_b − mean confidence_b| over equal bins of confidence on [0, 1], closed above (Guo et
    al. 2017). Only the predicted class of each clip is used (top label). With few clips the ECE is above 0
    even for a calibrated model: see `ece_by_chance` and `ece_beyond_chance`. nan for n = 0.

    Args:
        correct: whether the predicted class is correct, shape (n,)
        confidence: probability of the predicted class, in [0, 1], shape (n,)
        bins: number of bins

    >>> round(ece([True, False, True, True], [0.9, 0.9, 0.6, 0.6]), 12)
    0.4
    """
    right = np.asarray(correct, dtype=np.float64)
    return overall(ece_statistic(bins), right, np.asarray(confidence, dtype=np.float64))


def ece_by_chance(confidence: ArrayLike, bins: int = BINS) -> float:
    """How large an ECE should a calibrated model with these confidences show by chance, ≥ 0?

    Σ_b √(2/π · Σ c(1 − c)) / n: in a bin, the number of correct predictions minus Σc is roughly normal with
    variance Σ c(1 − c), if each prediction is correct with probability c and clips are independent. nan for
    n = 0.

    Args:
        confidence: probability of the predicted class, in [0, 1], shape (n,)
        bins: number of bins

    >>> round(ece_by_chance([0.5, 0.5, 0.5, 0.5]), 12) == round((2 / np.pi) ** 0.5 / 4, 12)
    True
    """
    c = np.asarray(confidence, dtype=np.float64)
    variance = np.bincount(confidence_bins(c, bins), weights=c * (1 - c), minlength=bins)
    return float(ratio(np.sqrt(2 / np.pi * variance).sum(), np.asarray(len(c))))


def ece_beyond_chance(
    correct: ArrayLike, confidence: ArrayLike, unit: ArrayLike, bins: int = BINS
) -> Estimate:
    """How far is confidence from accuracy beyond chance, in [0, 1]?

    √max(0, Σ_b w_b (gap_b² − SE_b²)): the root mean square of the gaps between mean confidence and accuracy,
    over bins with equally many clips and without what chance adds to each squared gap. w_b is the share of
    clips in a bin. SE_b is the standard error over speakers, but at least that of independent clips of a
    calibrated model, √Σ c (1 − c) / n_b. 0 if only chance makes the gaps; for the interval see
    `statistics.beyond_chance.root_beyond_chance`.

    Args:
        correct: whether the predicted class is correct, shape (n,)
        confidence: probability of the predicted class, in [0, 1], shape (n,)
        unit: speaker codes, shape (n,)
        bins: number of bins; fewer if equal confidences fill several

    >>> right, sure = np.tile([True, False], 200), np.full(400, 0.75)
    >>> found = ece_beyond_chance(right, sure, np.repeat(np.arange(20), 20))
    >>> round(found.value**2, 8) == round(0.25**2 - 0.75 * 0.25 / 400, 8)
    True
    """
    right, c = paired(np.asarray(correct, dtype=np.float64), np.asarray(confidence, dtype=np.float64))
    present, unit = np.unique(np.asarray(unit), return_inverse=True)
    units, n = len(present), len(c)
    if not n:
        return Estimate(value=np.nan, low=np.nan, high=np.nan, n=0, units=0, reason="no clips")
    edges = np.unique(np.quantile(c, np.arange(1, bins) / bins, method="inverted_cdf"))
    _, code = np.unique(np.searchsorted(edges, c, side="left"), return_inverse=True)
    used = int(code.max()) + 1
    columns = np.stack([np.ones(n), c - right, c * (1 - c)], axis=1)
    of_unit = unit_sums(columns, unit * used + code, units * used).reshape(units, used, 3)
    clips, excess, binomial = np.moveaxis(of_unit.sum(axis=0), -1, 0)
    gaps, weights = excess / clips, clips / n
    influence = (of_unit[..., 1] - gaps * of_unit[..., 0]) / clips
    covariance = influence.T @ influence * (units / max(units - 1, 1))
    np.fill_diagonal(covariance, np.maximum(np.diag(covariance), binomial / clips**2))
    weighted = weights[:, None] * covariance
    square = Square(
        observed=float((weights * gaps**2).sum()),
        chance=float(np.trace(weighted)),
        chance_variance=2 * float((weighted * weighted.T).sum()),
        variance=4 * float((weights * gaps) @ covariance @ (weights * gaps)),
    )
    return root_beyond_chance(square, n, units)


def confidence_bins(confidence: ArrayLike, bins: int = BINS) -> NDArray[np.integer]:
    """Bin of each confidence, for equal bins on [0, 1]: codes 0..bins−1, shape (n,).

    Bins are closed above, (a, b], as in Guo et al. 2017; 0 belongs to the first.

    Args:
        confidence: probabilities, shape (n,)
        bins: number of equal bins

    Raises:
        AuditError: a confidence is not in [0, 1]

    >>> confidence_bins([0.0, 0.25, 1.0], 4).tolist()
    [0, 0, 3]
    """
    c = np.asarray(confidence, dtype=np.float64)
    outside = c[~((c >= 0) & (c <= 1))]
    if len(outside):
        raise AuditError(
            f"a confidence is {outside[0]:g}", hint="confidences are probabilities and must be in [0, 1]"
        )
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], c, side="left")


def brier_losses(truth: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """How far are the predicted probabilities of each clip from its label? (n,), in [0, 2] (Brier 1950).

    Σ_c (p_c − y_c)², where y is the one-hot label; the mean over clips is the Brier score. With two classes
    it is twice the binary score Σ (p_1 − y_1)² / n that other tools report.

    Args:
        truth: class codes, shape (n,)
        probabilities: shape (n, c)

    >>> brier_losses([0], [[0.5, 0.5]]).tolist()
    [0.5]
    """
    codes, p = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    error = p.copy()
    error[np.arange(len(p)), codes] -= 1
    losses: NDArray[np.float64] = np.square(error, out=error).sum(axis=1)
    return losses


def ece_statistic(bins: int = BINS) -> Statistic:
    """ECE as a statistic on correctness (0 or 1) and confidence."""

    def sums(
        correct: NDArray[Any], confidence: NDArray[np.float64], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        cell = unit * bins + confidence_bins(confidence, bins)
        columns = np.stack([np.ones_like(confidence), confidence - correct], axis=1)
        return unit_sums(columns, cell, units * bins).reshape(units, bins * 2)

    def value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        by_bin = sums.reshape(*sums.shape[:-1], bins, 2)
        return ratio(np.abs(by_bin[..., 1]).sum(axis=-1), by_bin[..., 0].sum(axis=-1))

    return Statistic(name="ece", sums=sums, value=value, bounds=(0.0, 1.0))


def probabilities_problem(scores: ArrayLike) -> str:
    """Why class scores (n, c) are not probabilities; empty if they are, to within 1e-3.

    >>> probabilities_problem([[0.2, 0.8], [1.0, 0.0]]), probabilities_problem([[2.0, -1.0]])
    ('', 'scores reach from -1 to 2')
    """
    p = np.asarray(scores, dtype=np.float64)
    if p.size and (p.min() < 0 or p.max() > 1 + 1e-3):
        return f"scores reach from {p.min():.3g} to {p.max():.3g}"
    off = np.abs(p.sum(axis=1) - 1)
    if p.size and off.max() > 1e-3:
        return f"the scores of a clip sum to {p[off.argmax()].sum():.3g}"
    return ""


def _mean_sums(
    truth: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
) -> NDArray[np.float64]:
    """The columns n, Σ(p − t) of each unit, shape (units, 2)."""
    return unit_sums(np.stack([np.ones(len(truth)), prediction - truth], axis=1), unit, units)


def _slope_value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    n, t, p, _, pp, tp = np.moveaxis(sums, -1, 0)
    m_t, m_p, pp, tp = (ratio(x, n) for x in (t, p, pp, tp))
    s_p = pp - m_p**2
    return ratio(tp - m_t * m_p, np.where(s_p <= CONSTANT * pp, 0.0, s_p)) - 1


def _spread_value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    n, t, p, tt, pp, _ = np.moveaxis(sums, -1, 0)
    m_t, m_p, tt, pp = (ratio(x, n) for x in (t, p, tt, pp))
    s_t, s_p = tt - m_t**2, pp - m_p**2
    s_t, s_p = np.where(s_t <= CONSTANT * tt, 0.0, s_t), np.where(s_p <= CONSTANT * pp, 0.0, s_p)
    value: NDArray[np.float64] = np.sqrt(ratio(s_p, s_t))
    return value


OVERCONFIDENCE = Statistic(
    name="overconfidence", sums=_mean_sums, value=lambda s: ratio(s[..., 1], s[..., 0]), bounds=(-1.0, 1.0)
)
"""Mean confidence minus accuracy, on correctness (0 or 1) and confidence: > 0 means overconfident."""

BRIER = Statistic(
    name="brier",
    sums=lambda zero, losses, unit, units: _mean_sums(np.zeros(len(losses)), losses, unit, units),
    value=lambda s: ratio(s[..., 1], s[..., 0]),
    bounds=(0.0, 2.0),
)
"""The Brier score, from each clip's loss by `brier_losses` (as prediction; the truth is ignored): lower is
better."""

RESIDUAL_SLOPE = Statistic(name="residual_slope", sums=frame_sums, value=_slope_value)
"""Slope of truth minus prediction on the prediction: s_tp / s_p² − 1 (least squares).

0 if predictions are calibrated; > 0 if true ratings are more extreme than predicted (the model avoids the
extremes), < 0 if they are less extreme (the model exaggerates). nan for a constant prediction.
"""

SPREAD = Statistic(name="spread", sums=frame_sums, value=_spread_value, bounds=(0.0, np.inf))
"""sd(p) / sd(t): 1 if predictions vary as much as the truth, 0 if they are constant; nan for a constant
truth."""
