"""Shift of predictions between groups that say the same, in the units of the rating."""

from dataclasses import replace

import numpy as np

from sertools.metrics.groups import Groups
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums


def sentiment_shift(
    prediction: np.ndarray, language: Groups, sentiment: Groups, unit: np.ndarray, units: int
) -> dict[tuple[str, str], Estimate]:
    """How much more do positive or negative words shift a prediction in one language than in the others?

    shift(l, s) = m(p | l, s) − m(p | l), minus its mean over languages. The means of a language are over
    its clips with a known sentiment.

    Args:
        prediction: predictions of a dimension, shape (n,)
        language: language of each clip
        sentiment: sentiment of each clip's words
        unit: speaker codes, shape (n,)
        units: number of codes

    Returns:
        (language, sentiment) → estimate; its n counts the clips of this language and sentiment
    """
    kept = (language.code >= 0) & (sentiment.code >= 0)
    spoken, felt = len(language), len(sentiment)
    cell = (language.code * felt + sentiment.code)[kept].astype(np.float64)
    found = {}
    for i, name in enumerate(language.names):
        for j, word in enumerate(sentiment.names):
            statistic = _shift_statistic(spoken, felt, i, j)
            one = estimate(statistic, cell, prediction[kept], unit[kept], units)
            here = kept & (language.code == i) & (sentiment.code == j)
            found[name, word] = replace(one, n=int(here.sum()), units=len(np.unique(unit[here])))
    return found


def _shift_statistic(languages: int, sentiments: int, language: int, sentiment: int) -> Statistic:
    """The shift of one cell; in place of the truth, the statistic takes the cell code of each clip."""
    cells = languages * sentiments

    def sums(cell: np.ndarray, prediction: np.ndarray, unit: np.ndarray, units: int) -> np.ndarray:
        inside = cell[:, None] == np.arange(cells)
        return unit_sums(np.concatenate([inside, inside * prediction[:, None]], axis=1), unit, units)

    def value(sums: np.ndarray) -> np.ndarray:
        n, total = np.moveaxis(sums.reshape(*sums.shape[:-1], 2, languages, sentiments), -3, 0)
        shift = ratio(total, n) - ratio(total.sum(axis=-1), n.sum(axis=-1))[..., None]
        own: np.ndarray = shift[..., language, sentiment] - shift[..., sentiment].mean(axis=-1)
        return own

    return Statistic(name="sentiment_shift", sums=sums, value=value)
