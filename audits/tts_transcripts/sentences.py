"""How well the sentence alone predicts a rating, and how widely predictions spread on synthetic speech."""

import numpy as np
from numpy.typing import ArrayLike

from sertools.statistics.crossed import codes
from sertools.statistics.statistic import Statistic, ratio, unit_sums


def told_by_sentence(truth: ArrayLike, sentence: ArrayLike, unit: ArrayLike, classes: int = 0) -> np.ndarray:
    """Predict each clip from its sentence alone, shape (n,); nan if no other speaker says the sentence.

    The prediction is the mean truth of the same sentence by all other speakers; for emotions it is their
    most frequent class (the lowest code if several are tied).

    Args:
        truth: ratings, or class codes, shape (n,)
        sentence: labels of the sentences, shape (n,)
        unit: codes of the speakers, shape (n,)
        classes: number of class codes; 0 for ratings

    >>> told_by_sentence([0.2, 0.6, 1.0, 0.4], ["a", "a", "a", "b"], [0, 1, 2, 0]).round(9).tolist()
    [0.8, 0.6, 0.4, nan]
    """
    t, said, speaker = np.asarray(truth), codes(sentence), codes(unit)
    values = (t[:, None] == np.arange(classes)) if classes else np.asarray(t, dtype=np.float64)[:, None]
    counted = np.concatenate([np.ones((len(t), 1)), values], axis=1).astype(np.float64)
    sentences = int(said.max(initial=-1)) + 1
    cell = said * (int(speaker.max(initial=-1)) + 1) + speaker
    of_all = unit_sums(counted, said, sentences)[said]
    own = unit_sums(counted, codes(cell), len(np.unique(cell)))[codes(cell)]
    others = of_all - own
    told = others[:, 1:].argmax(axis=1) if classes else ratio(others[:, 1], others[:, 0])
    return np.where(others[:, 0] > 0, told, np.nan)


def _square_sums(truth: np.ndarray, prediction: np.ndarray, unit: np.ndarray, units: int) -> np.ndarray:
    t, p = np.asarray(truth, dtype=np.float64) - 0.5, np.asarray(prediction, dtype=np.float64) - 0.5
    return unit_sums(np.stack([np.ones_like(t), t, t * t, p, p * p], axis=1), unit, units)


def _spread_ratio(sums: np.ndarray) -> np.ndarray:
    n, t, tt, p, pp = np.moveaxis(sums, -1, 0)
    # rounding can make the variance of a constant negative; a variance up to 1e-12 counts as constant
    of_t, of_p = (np.maximum(ratio(xx, n) - ratio(x, n) ** 2, 0.0) for x, xx in ((t, tt), (p, pp)))
    value: np.ndarray = np.sqrt(ratio(np.where(of_p > 1e-12, of_p, 0.0), np.where(of_t > 1e-12, of_t, 0.0)))
    return value


SPREAD_RATIO = Statistic(name="spread_ratio", sums=_square_sums, value=_spread_ratio, bounds=(0.0, np.inf))
"""s_p / s_t, standard deviations with divisor n; nan if the truth is constant."""
