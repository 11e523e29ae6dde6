"""Scores of groups that are known only by an uncertain prediction, corrected for its error rates."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs

from .attribute import Attribute, Rate

LEAST_DISTANCE = 0.1
"""Least sum of both rates of right predictions minus 1 at which a correction is attempted."""

FEWEST_KNOWN = 12
"""Fewest speakers of each group on which rates must be measured.

With six, up to a fifth of the 95 % intervals missed the true gap in simulations (`tests/bench/alarms`).
"""

NOT_APART = "the prediction hardly separates the groups"
FEW_KNOWN = f"the group of fewer than {FEWEST_KNOWN} speakers is known, too few to correct by"


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The gap between two groups.

    Attributes:
        corrected: corrected for the error rates of the prediction, with an interval that includes them
        uncorrected: between the predicted groups
        known: between the speakers whose group is known
        rates: how often the prediction is right, for each group; None if that is unknown
    """

    corrected: Estimate
    uncorrected: Estimate
    known: Estimate
    rates: tuple[Rate, Rate] | None


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Sums of a statistic over the clips of each unit, and the groups of the units.

    Attributes:
        statistic: the score
        sums: shape (units, k)
        predicted, known: group codes of the units, −1 if there is none, shape (units,)
        rates: rates that the user gave; None to measure them on the units whose group is known
    """

    statistic: Statistic
    sums: NDArray[np.float64]
    predicted: NDArray[np.integer]
    known: NDArray[np.integer]
    rates: tuple[float, float] | None = None

    def between(self, groups: NDArray[np.integer], left_out: bool = False) -> NDArray[np.float64]:
        """The score of the first group minus that of the second, shape (1,), or without each unit, (units,).

        Args:
            groups: group code of each unit, −1 for none
            left_out: whether each unit is left out in turn
        """
        scores = self.statistic.value(_in_groups(self.sums, groups, left_out))
        return scores[:, 0] - scores[:, 1]

    def corrected(self, left_out: bool = False) -> NDArray[np.float64]:
        """The gap with the sums of the groups corrected for wrong predictions, as `between`."""
        scores = self.statistic.value(self.corrected_sums(left_out))
        return scores[:, 0] - scores[:, 1]

    def corrected_sums(self, left_out: bool = False) -> NDArray[np.float64]:
        """Sums of both groups, shape (1 or units, 2, k); nan where predictions do not separate the groups.

        Units whose group is known count in it. Of the others, the sums of the predicted groups are mixtures
        of those of the true groups, and the mixture is inverted.
        """
        exact = _in_groups(self.sums, self.known, left_out)
        open_ = (self.known < 0) & (self.predicted >= 0)
        if not open_.any():
            return exact
        mixed = _in_groups(self.sums, np.where(open_, self.predicted, -1), left_out)
        right = self._right(left_out)
        apart = right.sum(axis=1) - 1
        apart = np.where(apart > LEAST_DISTANCE, apart, np.nan)[:, None]
        first, second = mixed[:, 0], mixed[:, 1]
        # the inverse of the matrix of rates, whose determinant is the sum of both rates minus 1
        unmixed = np.stack(
            [
                (right[:, 1:] * first - (1 - right[:, 1:]) * second) / apart,
                (right[:, :1] * second - (1 - right[:, :1]) * first) / apart,
            ],
            axis=1,
        )
        corrected: NDArray[np.float64] = exact + unmixed
        return corrected

    def _right(self, left_out: bool) -> NDArray[np.float64]:
        """Share of each group that is predicted rightly, shape (1 or units, 2)."""
        if self.rates is not None:
            return np.array([self.rates])
        seen = np.where(self.predicted >= 0, self.known, -1)
        hits = np.column_stack([np.ones(len(seen)), self.predicted == self.known])
        counts = _in_groups(hits, seen, left_out)
        n, right = counts[..., 0], counts[..., 1]
        shares: NDArray[np.float64] = np.where(n > 0, right / np.maximum(n, 1), np.nan)
        return shares


def _in_groups(sums: NDArray[np.float64], groups: NDArray[np.integer], left_out: bool) -> NDArray[np.float64]:
    """Sums of both groups, shape (1, 2, k), or without each unit in turn, (units, 2, k)."""
    member = (groups[:, None] == np.arange(2)).astype(np.float64)
    total = member.T @ sums
    if not left_out:
        return np.asarray(total[None])
    without: NDArray[np.float64] = total - member[:, :, None] * sums[:, None, :]
    return without


def right_shares(predicted: NDArray[np.integer], known: NDArray[np.integer]) -> tuple[float, float] | None:
    """Share x/n of the units of each group that are predicted rightly; None where a group has no units.

    Nothing is added to x and n: rates that are pulled towards ½ correct too much.
    """
    found = []
    for k in (0, 1):
        of_group = (known == k) & (predicted >= 0)
        n = int(of_group.sum())
        if not n:
            return None
        found.append(float((predicted[of_group] == k).sum()) / n)
    return found[0], found[1]


def gap_of(statistic: Statistic, pair: Pairs, groups: Attribute, given: tuple[Rate, Rate] | None) -> Gap:
    """The gap between two groups, corrected for the error rates of the prediction.

    E[S'_j] = Σ_i P(predicted j | truly i) S_i for sums S over the clips of a group, if wrong predictions are
    as likely for speakers with high as with low scores; so S is found by inverting the matrix of rates, and
    the score is computed from S. The variance is that of the jackknife: each speaker is left out of the
    scores and of the rates at once. The variances of the speakers known to be in either group and of all
    others are added, because how many are known is not drawn anew. If the rates are given, their variance
    r (1 − r) / n is added with the derivative of the gap.

    Args:
        statistic: the score, on additive sums
        pair: truth and prediction of the model, with units
        groups: predicted and known groups of the units
        given: rates from elsewhere; None to measure them on the units whose group is known
    """
    sums = statistic.sums(pair.truth, pair.prediction, pair.unit, pair.units)
    nobody = np.full(pair.units, -1)
    of_units = Sums(
        statistic=statistic,
        sums=sums,
        predicted=groups.predicted,
        known=groups.known if given is None else nobody,
        rates=None if given is None else (given[0].right, given[1].right),
    )
    clips = np.bincount(pair.unit, minlength=pair.units)

    def estimated(
        gap: Callable[[bool], NDArray[np.float64]],
        member: NDArray[np.integer],
        stratum: NDArray[np.integer] = nobody,
        extra: float = 0.0,
    ) -> Estimate:
        used = member >= 0
        found = Estimate(
            value=float(gap(False)[0]),
            low=np.nan,
            high=np.nan,
            n=int(clips[used].sum()),
            units=int(used.sum()),
        )
        fewest = int(np.bincount(member[used], minlength=2).min())
        return _with_interval(found, gap(True)[used], stratum[used], fewest, extra)

    of_known = Sums(statistic=statistic, sums=sums, predicted=groups.predicted, known=groups.known)
    member = np.where(of_units.known >= 0, of_units.known, groups.predicted)
    rates = given or measured_rates(groups)
    corrected = estimated(of_units.corrected, member, of_units.known, _variance_of_rates(of_units, rates))
    if math.isnan(corrected.value):
        corrected = replace(corrected, reason=NOT_APART)
    elif rates is not None and not _suffice(of_units, rates):
        corrected = replace(corrected, low=np.nan, high=np.nan, inner=None, reason=FEW_KNOWN)
    return Gap(
        corrected=corrected,
        uncorrected=estimated(lambda out: of_known.between(groups.predicted, out), groups.predicted),
        known=estimated(lambda out: of_known.between(groups.known, out), groups.known),
        rates=rates,
    )


def _suffice(of_units: Sums, rates: tuple[Rate, Rate]) -> bool:
    """Whether enough speakers are known for an interval of a gap that the rates correct."""
    open_ = (of_units.known < 0) & (of_units.predicted >= 0)
    return not open_.any() or all(rate.n >= FEWEST_KNOWN for rate in rates if rate.n)


def measured_rates(groups: Attribute) -> tuple[Rate, Rate] | None:
    """The rates on the units whose group is known; None where no unit of a group is known."""
    shares = right_shares(groups.predicted, groups.known)
    if shares is None:
        return None
    rates = []
    for k in (0, 1):
        n = int(((groups.known == k) & (groups.predicted >= 0)).sum())
        rates.append(Rate(right=shares[k], n=n, text="measured on speakers whose group is known"))
    return rates[0], rates[1]


def _with_interval(
    found: Estimate,
    left_out: NDArray[np.float64],
    stratum: NDArray[np.integer],
    fewest: int,
    extra: float,
) -> Estimate:
    """A gap with the interval of the jackknife over the units that are used, plus an extra variance.

    Args:
        found: the gap
        left_out: the gap without each unit
        stratum: units with the same code count as one sample; the variances of the samples are added
        fewest: number of units of the smaller group
        extra: variance to add
    """
    if math.isnan(found.value):
        return replace(found, reason="the score is undefined in a group")
    if fewest < MIN_UNITS:
        return replace(found, reason=f"fewer than {MIN_UNITS} speakers in a group")
    if np.isnan(left_out).any():
        return replace(found, reason="undefined when one speaker is left out")
    samples = [left_out[stratum == code] for code in np.unique(stratum)]
    error = math.sqrt(sum(jackknife_variance(each) for each in samples if len(each) > 1) + extra)
    freedom = found.units - max(len(samples), 2)

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(freedom, (1 + coverage) / 2)) * error
        return found.value - half, found.value + half

    return found.within(bounds, 0.95)


def _variance_of_rates(of_units: Sums, rates: tuple[Rate, Rate] | None, step: float = 1e-4) -> float:
    """Variance of the gap due to rates that were measured on a few speakers.

    Of rates that are measured on speakers of the corpus, the jackknife has the variance r (1 − r) / n
    already, so only what is missing to `Rate.variance` is added.
    """
    if rates is None:
        return 0.0
    total = 0.0
    of_corpus = of_units.rates is None
    fixed = replace(of_units, rates=(rates[0].right, rates[1].right))
    for k, rate in enumerate(rates):
        if not rate.n:
            continue
        ends = []
        for sign in (1, -1):
            moved = [rates[0].right, rates[1].right]
            moved[k] += sign * step
            ends.append(float(replace(fixed, rates=(moved[0], moved[1])).corrected()[0]))
        slope = (ends[0] - ends[1]) / (2 * step)
        counted = rate.right * (1 - rate.right) / rate.n if of_corpus else 0.0
        total += slope**2 * max(rate.variance - counted, 0.0)
    return total if not math.isnan(total) else 0.0


def at_rates(statistic: Statistic, pair: Pairs, groups: Attribute, right: tuple[float, float]) -> float:
    """The gap if the prediction is right for these shares of the groups."""
    of_units = Sums(
        statistic=statistic,
        sums=statistic.sums(pair.truth, pair.prediction, pair.unit, pair.units),
        predicted=groups.predicted,
        known=np.full(pair.units, -1),
        rates=right,
    )
    return float(of_units.corrected()[0])
