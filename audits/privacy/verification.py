"""Open-set verification: do two clips of speakers outside the training data sound like one speaker?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from sertools.metrics.verification import BINS, eer_of_counts
from sertools.probing.folds import disjoint_folds
from sertools.statistics.jackknife import MIN_UNITS, Estimate, jackknife_variance
from sertools.tables.tables import Tables

from .inputs import Inputs

FOLDS = 4
MOST_CLIPS, MOST_OF_ALL = 40, 6000
"""Most clips of a speaker, and of all speakers, that are compared; evenly spread over the speaker's clips."""

MOST_SORTED = 1_000_000
"""Most scores from which the bounds of the bins are taken."""

MOST_DIRECTIONS = 64
"""Most principal directions of the vectors that are used."""

SHRINKAGE = 0.1
"""Part of the mean variance that is added to the variances within speakers, so that none is too small."""


@dataclass(frozen=True, kw_only=True)
class Eer:
    """The equal error rate of one input.

    Attributes:
        rate: with its interval over speakers
        left_out: the rate without each speaker, shape (speakers,)
    """

    rate: Estimate
    left_out: NDArray[np.float64]


def verified(tables: Tables, known: Inputs) -> dict[str, Eer]:
    """The equal error rate of each input; empty if the corpus names too few speakers.

    Vectors are reduced to at most 64 principal directions and whitened by the variance within speakers of the
    training folds; the score of a pair of clips by speakers of the test fold is minus their squared distance.

    Args:
        tables: clips
        known: vectors of the clips
    """
    speaker = (
        tables.clips["speaker"].iloc[known.rows] if "speaker" in tables.clips else pd.Series(dtype=object)
    )
    named = speaker.notna().to_numpy()
    counts = speaker.value_counts()
    usable = np.flatnonzero(named & speaker.map(counts).ge(2).to_numpy(dtype=bool))
    names, unit = np.unique(speaker.iloc[usable].to_numpy(dtype=str), return_inverse=True)
    if len(names) < MIN_UNITS:
        return {}
    most = max(2, min(MOST_CLIPS, MOST_OF_ALL // len(names)))
    taken = np.concatenate([_spread(np.flatnonzero(unit == code), most) for code in range(len(names))])
    rows, unit = usable[taken], unit[taken]
    fold = disjoint_folds(names[unit], np.zeros(len(unit)), min(FOLDS, len(names) // 2))
    return {
        name: _of_scores(_scores(vectors[rows], unit, fold), unit, fold)
        for name, vectors in known.vectors.items()
    }


def _spread(positions: NDArray[np.integer], most: int) -> NDArray[np.integer]:
    """At most this many of the positions, evenly spread."""
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).astype(np.int64)]


def _scores(
    vectors: NDArray[np.float64], unit: NDArray[np.integer], fold: NDArray[np.integer]
) -> list[NDArray[np.float64]]:
    """Scores of all pairs of clips of each test fold, shape (m, m) each."""
    reduced, found = principal(vectors), []
    for code in np.unique(fold):
        test = fold == code
        white = reduced[test] @ whitening(reduced[~test], unit[~test])
        square = (white**2).sum(axis=1)
        found.append(2 * white @ white.T - square[:, None] - square)
    return found


def principal(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standardised vectors along their principal directions, at most `MOST_DIRECTIONS`, shape (n, k)."""
    spread = vectors.std(axis=0)
    standard = (vectors - vectors.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    if not standard.shape[1]:
        return np.zeros((len(vectors), 1))
    values, directions = np.linalg.eigh(standard.T @ standard)
    kept = values > 1e-9 * values[-1]
    reduced: NDArray[np.float64] = standard @ directions[:, kept][:, -MOST_DIRECTIONS:]
    return reduced


def whitening(vectors: NDArray[np.float64], unit: NDArray[np.integer]) -> NDArray[np.float64]:
    """The map (k, k) after which the vectors of a speaker have a variance of about 1 in every direction."""
    codes, index = np.unique(unit, return_inverse=True)
    sums = np.stack([np.bincount(index, weights=column) for column in vectors.T], axis=1)
    about = vectors - (sums / np.bincount(index)[:, None])[index]
    within = about.T @ about / max(len(vectors) - len(codes), 1)
    within[np.diag_indices_from(within)] += max(SHRINKAGE * np.trace(within) / len(within), 1e-12)
    values, directions = np.linalg.eigh(within)
    white: NDArray[np.float64] = directions / np.sqrt(values)
    return white


def _of_scores(
    scores: list[NDArray[np.float64]], unit: NDArray[np.integer], fold: NDArray[np.integer]
) -> Eer:
    """The equal error rate, with the jackknife over speakers on counts of scores in bins."""
    upper = [each[np.triu_indices(len(each), 1)] for each in scores]
    every = np.concatenate(upper)
    # bounds of bins from some of the scores, because sorting all of them takes long
    some = every[:: max(1, len(every) // MOST_SORTED)]
    edges = np.unique(np.quantile(some, np.linspace(0, 1, BINS + 1)))
    units = int(unit.max()) + 1
    same, different = np.zeros((2, units, len(edges) + 1))
    totals = np.zeros((2, len(edges) + 1))
    for code, each in zip(np.unique(fold), scores, strict=True):
        speakers = unit[fold == code]
        bins = np.searchsorted(edges, each, side="right")
        for one in np.unique(speakers):
            inside = speakers == one
            own = bins[np.ix_(inside, inside)][np.triu_indices(int(inside.sum()), 1)]
            same[one] = np.bincount(own, minlength=len(edges) + 1)
            different[one] = np.bincount(bins[np.ix_(inside, ~inside)].ravel(), minlength=len(edges) + 1)
    totals[0], totals[1] = same.sum(axis=0), different.sum(axis=0) / 2  # a pair of two counts for both
    value = float(eer_of_counts(totals[0], totals[1]))
    left_out = eer_of_counts(totals[0] - same, totals[1] - different)
    found = Estimate(value=value, low=np.nan, high=np.nan, n=len(unit), units=units)
    return Eer(rate=_with_interval(found, left_out), left_out=left_out)


def _with_interval(found: Estimate, left_out: NDArray[np.float64]) -> Estimate:
    error = float(np.sqrt(jackknife_variance(left_out)))

    def bounds(coverage: float) -> tuple[float, float]:
        half = float(stdtrit(found.units - 1, (1 + coverage) / 2)) * error
        return found.value - half, found.value + half

    return found.within(bounds, 0.95)


def difference(one: Eer, other: Eer) -> Estimate:
    """The rate of one input minus that of another, paired by speaker."""
    found = Estimate(
        value=one.rate.value - other.rate.value, low=np.nan, high=np.nan, n=one.rate.n, units=one.rate.units
    )
    return _with_interval(found, one.left_out - other.left_out)
