"""Scores on clips without labels: by confidence, and with a few labels by prediction-powered inference."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance
from sertools.statistics.statistic import ratio, unit_sums

from .answers import Answers
from .moments import Moments, moments

MIN_LABELLED = 50
"""Fewest labelled clips for a calibration and for prediction-powered inference."""

MOST_BLOCKS = 100
"""Most groups of speakers that are left out of a calibration in turn, which is fitted again for each."""


@dataclass(frozen=True, kw_only=True)
class _Sums:
    """Sums over the clips of each unit: number and moments of labelled and of unlabelled clips.

    Attributes:
        labelled, unlabelled: number of clips, shape (units,)
        true: sums of the true moments of labelled clips, shape (units, m)
        known: sums of their predicted moments, shape (units, m)
        open: sums of the predicted moments of unlabelled clips, shape (units, m)
    """

    labelled: NDArray[np.float64]
    unlabelled: NDArray[np.float64]
    true: NDArray[np.float64]
    known: NDArray[np.float64]
    open: NDArray[np.float64]

    def means(self, left_out: NDArray[np.integer] | None = None) -> tuple[NDArray[np.float64], ...]:
        """Means of true, known and open moments of all clips, shape (1, m), or without each unit, (units, m).

        Args:
            left_out: the units that are left out in turn; None for none
        """

        def of(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
            if left_out is None:
                return ratio(sums.sum(axis=0)[None], counts.sum())
            return ratio(sums.sum(axis=0) - sums[left_out], (counts.sum() - counts[left_out])[:, None])

        return (
            of(self.true, self.labelled),
            of(self.known, self.labelled),
            of(self.open, self.unlabelled),
        )


def _sums(of: Moments, answers: Answers) -> _Sums:
    codes, unit = np.unique(answers.unit, return_inverse=True)
    labelled, units = answers.labelled, len(codes)
    counts = unit_sums(np.column_stack([labelled, ~labelled]), unit, units)
    true = np.where(labelled[:, None], np.nan_to_num(of.true), 0.0)
    return _Sums(
        labelled=counts[:, 0],
        unlabelled=counts[:, 1],
        true=unit_sums(true, unit, units),
        known=unit_sums(np.where(labelled[:, None], of.predicted, 0.0), unit, units),
        open=unit_sums(np.where(labelled[:, None], 0.0, of.predicted), unit, units),
    )


def by_confidence(answers: Answers, source: Answers) -> Estimate:
    """The score on the unlabelled clips if their labels are as likely as the calibration says.

    Args:
        answers: clips, of which those without a label are estimated
        source: labelled clips, by which the answers are calibrated
    """
    of = moments(answers, source)
    sums = _sums(of, answers)
    own = _estimated(sums, sums.unlabelled, lambda true, known, open_: of.score(open_))

    def value(calibration: Answers) -> float:
        made = moments(answers, calibration)
        return float(made.score(made.predicted[~answers.labelled].mean(axis=0)))

    return _with_calibration(own, value, source, (-1.0, 1.0))


def of_labelled(of: Moments, answers: Answers) -> Estimate:
    """The score on the labelled clips."""
    sums = _sums(of, answers)
    return _estimated(sums, sums.labelled, lambda true, known, open_: of.score(true))


def prediction_powered(of: Moments, answers: Answers) -> Estimate:
    """The score on all clips, by prediction-powered inference.

    Each mean moment is λ · mean of the predicted moments of the unlabelled clips + mean over the labelled
    clips of (true − λ · predicted), with the λ in [0, 1] of least variance. It is unbiased whatever the
    predictions are worth, if the labelled clips are a random sample, and the better they are, the narrower is
    its interval.

    Source: Angelopoulos, Duchi & Zrnic, PPI++: efficient prediction-powered inference, 2023.
    """
    sums = _sums(of, answers)
    strength = _strengths(of, answers)
    return _estimated(
        sums,
        sums.labelled,
        lambda true, known, open_: of.score(true + strength * (open_ - known)),
        both=True,
    )


def _strengths(of: Moments, answers: Answers) -> NDArray[np.float64]:
    """λ of each moment: cov(true, predicted) / var(predicted) / (1 + n / N), cut to [0, 1], shape (m,)."""
    labelled = answers.labelled
    n, more = int(labelled.sum()), int((~labelled).sum())
    true, predicted = of.true[labelled], of.predicted[labelled]
    covariance = ((true - true.mean(axis=0)) * (predicted - predicted.mean(axis=0))).mean(axis=0)
    spread = predicted.var(axis=0)
    slope = ratio(covariance, np.where(spread > 1e-18, spread, 0.0))
    return np.clip(np.nan_to_num(slope), 0.0, 1.0) / (1 + n / max(more, 1))


def _estimated(
    sums: _Sums,
    counted: NDArray[np.float64],
    value: Callable[..., NDArray[np.float64]],
    *,
    both: bool = False,
    ends: tuple[float, float] = (-1.0, 1.0),
) -> Estimate:
    """A score with its jackknife over the units that have the clips that count.

    Args:
        sums: by unit
        counted: number of the clips of each unit that the score is of; degrees of freedom are their units
            minus 1
        value: means of true, known and open moments → scores
        both: whether units with unlabelled clips only are left out in turn, too
        ends: range of the score
    """
    number = float(value(*sums.means())[0])
    inside = (counted > 0) | ((sums.unlabelled > 0) if both else False)
    units = int((counted > 0).sum())
    n = int(counted.sum() + (sums.unlabelled.sum() if both else 0))
    found = Estimate(value=number, low=np.nan, high=np.nan, n=n, units=units)
    if math.isnan(number):
        return _because(found, "undefined on these clips")
    if units < MIN_UNITS:
        return _because(found, f"fewer than {MIN_UNITS} speakers")
    left_out = value(*sums.means(np.flatnonzero(inside)))
    if np.isnan(left_out).any():
        return _because(found, "undefined when one speaker is left out")
    error = math.sqrt(jackknife_variance(left_out))

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(units - 1, (1 + coverage) / 2)) * error
        return max(number - half, ends[0]), min(number + half, ends[1])

    return found.within(bounds, 0.95)


def rehearsed(answers: Answers, source: Answers) -> Estimate:
    """The estimate by confidence minus the score, on clips whose labels are known, paired by speaker.

    Args:
        answers: the clips whose labels are hidden from the estimate
        source: other labelled clips, by which the answers are calibrated
    """
    of = moments(answers, source)
    sums = _sums(of, answers)
    own = _estimated(
        sums, sums.labelled, lambda true, known, open_: of.score(known) - of.score(true), ends=(-2.0, 2.0)
    )

    def value(calibration: Answers) -> float:
        made = moments(answers, calibration)
        return float(made.score(made.predicted.mean(axis=0)) - made.score(made.true.mean(axis=0)))

    return _with_calibration(own, value, source, (-2.0, 2.0))


def _with_calibration(
    own: Estimate, value: Callable[[Answers], float], source: Answers, ends: tuple[float, float]
) -> Estimate:
    """The estimate with the variance of the calibration added: each of its speakers is left out in turn.

    Args:
        own: with the interval over the speakers of the estimated clips
        value: calibration → the estimate
        source: labelled clips of the calibration
        ends: range of the value
    """
    codes, index = np.unique(source.unit, return_inverse=True)
    if math.isnan(own.low) or len(codes) < MIN_UNITS:
        return own
    block = index % min(len(codes), MOST_BLOCKS)
    left_out = np.array([value(source.take(block != code)) for code in range(int(block.max()) + 1)])
    if np.isnan(left_out).any():
        return own
    freedom = min(own.units, len(codes)) - 1
    quantile = float(stdtrit(own.units - 1, 0.975))
    # the interval may have been cut at one end of the range
    half = max(own.high - own.value, own.value - own.low) / quantile
    error = math.sqrt(half**2 + jackknife_variance(left_out))

    def bounds(coverage: float) -> tuple[float, float]:
        width = float(stdtrit(freedom, (1 + coverage) / 2)) * error
        return max(own.value - width, ends[0]), min(own.value + width, ends[1])

    return own.within(bounds, 0.95)


def accuracies(answers: Answers, source: Answers) -> dict[str, float]:
    """Estimated accuracy on the unlabelled clips by thresholds and by differences of confidence.

    `threshold`: the share of clips with a confidence above the threshold above which as large a share of the
    labelled clips lies as is right (average thresholded confidence; Garg et al. 2022). `difference`: accuracy
    on the labelled clips plus the difference of the mean confidences (Guillory et al. 2021).

    Args:
        answers: clips, of which those without a label are estimated
        source: labelled clips
    """
    confidence, known = answers.scores.max(axis=1), source.scores.max(axis=1)
    there = confidence[~answers.labelled]
    right = float((source.answer == source.truth).mean())
    threshold = float(np.quantile(known, 1 - right, method="higher"))
    # of the clips at the threshold, the same part counts as among the labelled clips
    above, at = float((known > threshold).mean()), float((known == threshold).mean())
    part = min(max((right - above) / at, 0.0), 1.0) if at > 0 else 0.0
    share = (there > threshold) + part * (there == threshold)
    return {
        "threshold": float(share.mean()) if len(there) else float("nan"),
        "difference": right + float(there.mean() - known.mean()) if len(there) else float("nan"),
    }


def _because(found: Estimate, reason: str) -> Estimate:
    return Estimate(value=found.value, low=np.nan, high=np.nan, n=found.n, units=found.units, reason=reason)
