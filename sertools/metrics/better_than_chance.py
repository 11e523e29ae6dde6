"""Is a model better than a constant prediction? A useless model is trivially fair and trivially robust."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sertools.randomness import identity_rng
from sertools.tables.pairs import Pairs

MAX_P_VALUE = 0.001
"""A model is shown to beat a constant if the permutation test's p-value is at most this: low, because an
audit asks the question for many targets and groups, and a random model must not pass any of them."""

DRAWS = 1999
"""Number of permutations; with p ≤ .001, at most one of them may reach the observed score."""

POWER_Z = 3.09 + 0.84
"""Standard deviations above chance at which the test succeeds in 80 % of corpora (one-sided, .001)."""

MIN_Z = 0.5
"""Standard deviations above chance from which the number of speakers that would do is estimated."""

CERTAIN_Z = 31.7
"""From here on p ≤ .001 without a single permutation, by Cantelli's inequality p ≤ 1 / (1 + z²). With several
speakers Bernstein's inequality shows it from a smaller z on, see `_certain`."""

MIN_DEVIATION = 0.03
"""Standard deviation of predictions below which a model hardly reacts to anything: 90 % of normally
distributed predictions then lie within .1, so that most pairs differ by less than .05 and count as the same
(Wagner et al. 2023, §3.4). An untrained network follows the sound a little, and rarely farther than this."""

MAX_CELLS = 2**21
"""Most permuted predictions in memory at a time."""

NOT_BETTER = "the model is not shown to beat a constant prediction"


@dataclass(frozen=True, kw_only=True)
class Skill:
    """Whether a model is shown to beat a constant prediction of one target.

    Attributes:
        shown: whether it is
        z: distance of the score from its mean under permutation, in standard deviations; nan if the score
            cannot change under permutation
        units: number of speakers, or of clips if the corpus names no speakers
        by_speaker: whether the units are speakers
        deviation: standard deviation of the predictions, see `Pairs`; nan if unknown
    """

    shown: bool
    z: float
    units: int
    by_speaker: bool
    deviation: float = np.nan

    @property
    def reason(self) -> str:
        """Why the model is not shown to beat a constant, and what would show it; empty if it is shown."""
        if self.shown:
            return ""
        if self.deviation < MIN_DEVIATION:
            return f"{NOT_BETTER}: its predictions hardly differ (standard deviation {self.deviation:.1g})"
        unit = "speaker" if self.by_speaker else "clip"
        basis = f"{NOT_BETTER} with {self.units} {unit}{'' if self.units == 1 else 's'}"
        if not self.z > MIN_Z:  # no more than noise, from which no number of speakers can be told
            return basis
        needed = int(np.ceil(self.units * (POWER_Z / self.z) ** 2))
        return f"{basis}; about {needed} would show it" if needed > self.units else basis


def skill(pairs: Pairs, classes: int = 0) -> Skill:
    """Tests whether a model beats a constant, by permuting its predictions among the clips of each speaker.

    The score is CCC for a dimension and UAR for emotions. Permutation within speakers leaves a model that
    only tells speakers apart without an advantage. p is (1 + permutations that reach the score) divided by
    (1 + permutations) (Phipson & Smyth 2010), and at most .001 is asked for. Mean and variance of the score
    under permutation are exact, so where they alone decide, nothing is permuted; the decision does not depend
    on the order of the clips. A model whose predictions hardly differ (`MIN_DEVIATION`) is never shown to be
    better, because an untrained network follows the sound a little, too.

    Args:
        pairs: truth and prediction of one target
        classes: number of class codes; 0 for a dimension

    Source: Phipson & Smyth, Permutation p-values should never be zero, 2010.
    """
    rank = np.argsort(np.argsort(pairs.clips.astype(str).to_numpy(dtype=object), kind="stable"))
    unit = pairs.unit if pairs.by_speaker else np.zeros(pairs.n, dtype=np.int64)
    order = np.lexsort((rank, unit))
    blocks = np.split(order, np.flatnonzero(np.diff(unit[order])) + 1) if pairs.n else []
    columns = _columns(pairs, classes)
    # by each speaker's first clip, because the numbers of the speakers follow the order of the corpus
    scored = [_Scored.of(*columns, block) for block in sorted(blocks, key=lambda block: rank[block[0]])]
    z = _distance(scored)
    moves = not pairs.deviation < MIN_DEVIATION
    shown = moves and z > 0 and (_certain(scored, z) or _rarely_reached(scored))
    return Skill(
        shown=shown,
        z=z,
        units=pairs.speakers or pairs.units,
        by_speaker=pairs.by_speaker,
        deviation=pairs.deviation,
    )


def not_better_than_constant(pairs: Pairs, classes: int = 0) -> str:
    """Why the predictions are not shown to be better than a constant; empty if they are. See `skill`.

    Args:
        pairs: truth and prediction of one target
        classes: number of class codes; 0 for a dimension

    >>> import pandas as pd
    >>> from dataclasses import replace
    >>> rating, unit, clips = np.linspace(0, 1, 20), np.arange(20) % 5, pd.RangeIndex(20)
    >>> same = Pairs(truth=rating, prediction=rating, unit=unit, units=5, by_speaker=True, clips=clips)
    >>> not_better_than_constant(same)
    ''
    >>> constant = replace(same, prediction=np.full(20, 0.5))
    >>> not_better_than_constant(constant)
    'the model is not shown to beat a constant prediction with 5 speakers'
    """
    return skill(pairs, classes).reason


def _columns(pairs: Pairs, classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Truth and prediction, shape (n, columns): the score grows with the sum of their products.

    One column for a dimension; one for each class, 1 where it is the class, and for the truth divided by the
    number of clips of that class.
    """
    if not classes:
        return pairs.truth[:, None].astype(np.float64), pairs.prediction[:, None].astype(np.float64)
    counts = np.bincount(pairs.truth, minlength=classes)
    weight = np.divide(1.0, counts, out=np.zeros(classes), where=counts > 0)
    one_hot = np.eye(classes)
    return one_hot[pairs.truth] * weight, one_hot[pairs.prediction.astype(np.int64)]


@dataclass(frozen=True, kw_only=True)
class _Scored:
    """The clips of one speaker; their part of the score is the sum of truth · prediction over columns.

    Attributes:
        truth, prediction: columns about their means, shape (clips, columns), see `_columns`
    """

    truth: NDArray[np.float64]
    prediction: NDArray[np.float64]

    @classmethod
    def of(
        cls, truth: NDArray[np.float64], prediction: NDArray[np.float64], block: NDArray[np.integer]
    ) -> "_Scored":
        t, p = truth[block], prediction[block]
        return cls(truth=t - t.mean(axis=0), prediction=p - p.mean(axis=0))

    @property
    def value(self) -> float:
        """The speaker's part of the score, about its mean under permutation."""
        return float((self.truth * self.prediction).sum())

    @property
    def variance(self) -> float:
        """The variance of `value` under permutation."""
        if len(self.truth) < 2:
            return 0.0
        products = (self.truth.T @ self.truth) * (self.prediction.T @ self.prediction)
        return float(products.sum()) / (len(self.truth) - 1)

    def permuted(self, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Values with the predictions permuted, shape (draws,)."""
        n = len(self.truth)
        columns = list(zip(self.truth.T, self.prediction.T, strict=True))
        found = np.zeros(draws)
        block = max(1, MAX_CELLS // max(self.truth.size, 1))
        for start in range(0, draws, block):
            rows = min(block, draws - start)
            order = rng.permuted(np.tile(np.arange(n), (rows, 1)), axis=1)
            for truth, prediction in columns:
                found[start : start + rows] += prediction[order] @ truth
        return found


def _distance(scored: list[_Scored]) -> float:
    """The score's distance from its mean under permutation, in standard deviations; nan if it is fixed."""
    deviation = np.sqrt(sum(each.variance for each in scored))
    size = sum(float(np.abs(each.truth).sum() * np.abs(each.prediction).sum()) for each in scored)
    if not deviation > 1e-12 * size:
        return float("nan")
    return float(sum(each.value for each in scored) / deviation)


def _certain(scored: list[_Scored], z: float) -> bool:
    """Whether p ≤ `MAX_P_VALUE` follows from the moments of the score under permutation.

    Either by Cantelli's inequality, or by Bernstein's, because speakers are permuted independently:
    p ≤ exp(−t² / (2 (v + b t / 3))), with t the score and v its variance about its mean, and b the most that
    the part of a speaker can be above its mean, by the Cauchy-Schwarz inequality |truth| · |prediction|.

    Source: Boucheron, Lugosi & Massart, Concentration inequalities, 2013, section 2.8.
    """
    t, v = sum(each.value for each in scored), sum(each.variance for each in scored)
    norms = [np.linalg.norm(each.truth) * np.linalg.norm(each.prediction) for each in scored]
    return bool(z >= CERTAIN_Z or t**2 >= -2 * np.log(MAX_P_VALUE) * (v + max(norms) * t / 3))


def _rarely_reached(scored: list[_Scored]) -> bool:
    """Whether so few permutations reach the observed score that p ≤ `MAX_P_VALUE`.

    Permutations are drawn in steps, and the rest is not drawn once p is certainly too large.
    """
    observed = sum(each.value for each in scored)
    allowed = int(MAX_P_VALUE * (1 + DRAWS)) - 1
    generators = [identity_rng(0, "skill", str(k)) for k in range(len(scored))]
    reached, drawn, step = 0, 0, 50
    while drawn < DRAWS and reached <= allowed:
        step = min(2 * step, DRAWS - drawn)
        values = sum(
            (each.permuted(step, rng) for each, rng in zip(scored, generators, strict=True)),
            start=np.zeros(step),
        )
        # a permutation that changes nothing must count, despite rounding from another order of summation
        reached += int((values >= observed * (1 - 1e-12) - 1e-15).sum())
        drawn += step
    return reached <= allowed
