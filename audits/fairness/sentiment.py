"""Shift of predictions by the sentiment of the words, in the units of the rating."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.findings import finding, skipped
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.groups import Groups, groups_of
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables

from .grouped import present_groups


def sentiment_findings(tables: Tables, language: Groups) -> list[Finding]:
    """Shifts by sentiment in each language, for the dimensions that are rated."""
    sentiment = groups_of(tables.clips, "sentiment")
    found = []
    for dimension in tables.dimensions:
        asked = pairs(tables, dimension)
        pair = asked.of_answered
        rows = tables.clips.index.get_indexer(pair.clips)
        languages = present_groups(language, language.code[rows])
        sentiments = present_groups(sentiment, sentiment.code[rows])
        if len(languages) < 2 or len(sentiments) < 2:
            reason = f"the clips with {dimension} have fewer than two languages or two sentiments"
            found.append(skipped("sentiment_shift", tables, reason, target=dimension))
            continue
        withheld = not_better_than_constant(asked)
        shifts = sentiment_shift(pair.prediction, languages, sentiments, pair.unit, pair.units)
        found += [
            finding(
                "sentiment_shift",
                shift,
                target=dimension,
                slice=f"language={language_name}, sentiment={sentiment_name}",
                by_speaker=pair.by_speaker,
                withheld=withheld,
                coverage=asked.coverage,
            )
            for (language_name, sentiment_name), shift in shifts.items()
        ]
    return found


def sentiment_shift(
    prediction: NDArray[np.float64],
    language: Groups,
    sentiment: Groups,
    unit: NDArray[np.integer],
    units: int,
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
    known = (language.code >= 0) & (sentiment.code >= 0)
    languages, sentiments = len(language), len(sentiment)
    cell = (language.code * sentiments + sentiment.code)[known].astype(np.float64)
    found = {}
    for i, language_name in enumerate(language.names):
        for j, sentiment_name in enumerate(sentiment.names):
            statistic = _shift_statistic(languages, sentiments, i, j)
            shift = estimate(statistic, cell, prediction[known], unit[known], units)
            here = known & (language.code == i) & (sentiment.code == j)
            shift = replace(shift, n=int(here.sum()), units=len(np.unique(unit[here])))
            found[language_name, sentiment_name] = shift
    return found


def _shift_statistic(languages: int, sentiments: int, language: int, sentiment: int) -> Statistic:
    """The shift of one cell; in place of the truth, the statistic takes the cell code of each clip."""
    cells = languages * sentiments

    def sums(
        cell: NDArray[Any], prediction: NDArray[Any], unit: NDArray[np.integer], units: int
    ) -> NDArray[np.float64]:
        inside = cell[:, None] == np.arange(cells)
        return unit_sums(np.concatenate([inside, inside * prediction[:, None]], axis=1), unit, units)

    def value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        n, total = np.moveaxis(sums.reshape(*sums.shape[:-1], 2, languages, sentiments), -3, 0)
        shift = ratio(total, n) - ratio(total.sum(axis=-1), n.sum(axis=-1))[..., None]
        difference: NDArray[np.float64] = shift[..., language, sentiment] - shift[..., sentiment].mean(
            axis=-1
        )
        return difference

    return Statistic(name="sentiment_shift", sums=sums, value=value)
