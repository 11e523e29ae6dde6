"""Moments of clips from which scores are computed, from labels where known and from predictions elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from sertools.statistics.statistic import ratio

from .answers import Answers

LEAST = 1e-6
"""Probability below which a class is not made less likely."""

Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Means of moments (..., m) → scores (...)."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Moments of clips from which a score is computed.

    Attributes:
        true: moments of the labelled clips, nan for the others, shape (n, m)
        predicted: the same as predicted from the answers alone, shape (n, m)
        score: means of moments → score
    """

    true: NDArray[np.float64]
    predicted: NDArray[np.float64]
    score: Score


def moments(given: Answers, calibration: Answers) -> Moments:
    """Moments of the clips of one target.

    For emotion, they are for each class whether it is true and answered, and whether it is true. Predicted
    are the probability of each class after temperature scaling, where it is the answer, and alone. For a
    dimension, they are t, t², t p, p, p². Predicted is t by linear regression on p, and t² with the variance
    of the residuals.

    Args:
        given: the clips
        calibration: labelled clips by which probabilities are scaled, or the regression is fitted
    """
    if given.is_emotion:
        return _of_emotion(given, calibration)
    p, t = given.scores[:, 0], given.truth
    slope, level, residual = _regression(calibration.scores[:, 0], calibration.truth)
    expected = level + slope * p
    return Moments(
        true=np.column_stack([t, t**2, t * p, p, p**2]),
        predicted=np.column_stack([expected, expected**2 + residual, expected * p, p, p**2]),
        score=ccc_of_means,
    )


def _of_emotion(given: Answers, calibration: Answers) -> Moments:
    classes = given.scores.shape[1]
    present = np.unique(calibration.truth.astype(np.int64))
    chosen = given.answer[:, None] == np.arange(classes)
    true = given.truth[:, None] == np.arange(classes)
    likely = calibrated(given, calibration)
    known = given.labelled[:, None]
    both = np.where(known, np.concatenate([(true & chosen)[:, present], true[:, present]], axis=1), np.nan)
    predicted = np.concatenate([(likely * chosen)[:, present], likely[:, present]], axis=1)
    return Moments(true=both, predicted=predicted, score=uar_of_means)


def calibrated(given: Answers, calibration: Answers) -> NDArray[np.float64]:
    """Probabilities of the classes, shape (n, c): scaled by a temperature, p^(1/T), with the least log loss.

    Answers in words have no probabilities: a class is then as likely as it is among the labelled clips with
        the same answer.
    """
    truth = calibration.truth.astype(np.int64)
    if given.in_words:
        counts = np.full((given.scores.shape[1],) * 2, 1e-3)
        np.add.at(counts, (calibration.answer, truth), 1.0)
        shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
        of_answer: NDArray[np.float64] = shares[given.answer]
        return of_answer
    logs = np.log(np.maximum(calibration.scores, LEAST))
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        return float(-np.log(np.maximum(_scaled(logs, np.exp(log_temperature))[rows, truth], LEAST)).mean())

    best = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded", options={"xatol": 1e-6})
    return _scaled(np.log(np.maximum(given.scores, LEAST)), float(np.exp(best.x)))


def _scaled(logs: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    raised = np.exp((logs - logs.max(axis=1, keepdims=True)) / temperature)
    scaled: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return scaled


def _regression(p: NDArray[np.float64], t: NDArray[np.float64]) -> tuple[float, float, float]:
    """Slope, level and residual variance of the least-squares line of t on p; slope 0 for a constant p."""
    spread = float(np.var(p))
    slope = float(np.mean((p - p.mean()) * (t - t.mean()))) / spread if spread > 1e-18 else 0.0
    level = float(t.mean() - slope * p.mean())
    return slope, level, float(np.mean((t - level - slope * p) ** 2))


def uar_of_means(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """UAR from the shares of clips that are of a class and recognised, and of the class, (..., 2 c)."""
    hits, shares = np.split(means, 2, axis=-1)
    recalls = ratio(hits, np.where(shares > 1e-9, shares, 0.0))
    defined = np.isfinite(recalls)
    return ratio(np.where(defined, recalls, 0.0).sum(axis=-1), defined.sum(axis=-1))


def ccc_of_means(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """CCC from the means of t, t², t p, p, p², shape (..., 5)."""
    t, tt, tp, p, pp = np.moveaxis(means, -1, 0)
    total = np.maximum(tt - t**2, 0.0) + np.maximum(pp - p**2, 0.0) + (t - p) ** 2
    return ratio(2 * (tp - t * p), np.where(total > 1e-18, total, 0.0))
