"""Human scores for a dimension: against the mean of the others, and how far raters differ."""

import numpy as np
from numpy.typing import NDArray

from sertools.metrics import raters, regression
from sertools.results.result import Finding, Verdict
from sertools.statistics.statistic import Statistic, ratio
from sertools.tables.tables import Tables

from .part import Maker, Part

ALONE = "every clip has only one rater, who cannot be compared with others"

STATISTICS = (regression.CCC, regression.PCC, regression.MAE, regression.RMSE)


def dimension_findings(tables: Tables, dimension: str, ratings: NDArray[np.float64], halves: int) -> Part:
    """Agreement, deviation, and the scores of one rater, half of the raters and the best answer.

    Args:
        tables: the clips
        dimension: the rated dimension
        ratings: of all clips, shape (n, r), nan beyond a clip's raters
        halves: number of random halves
    """
    make = Maker(tables, dimension)
    number = np.isfinite(ratings).sum(axis=1)
    several = number > 1
    rated = number[number > 0].astype(np.float64)
    if not several.any():
        value = Finding(
            name="alpha",
            target=dimension,
            value=None,
            n=len(rated),
            reason=ALONE,
            verdict=Verdict.SKIPPED,
        )
        return Part(target=dimension, main="ccc", raters=rated, findings=[value])
    ratings = np.where(several[:, None], ratings, np.nan)
    within = raters.rating_sums(ratings, make.unit, make.units)
    found = [make.finding("alpha", raters.ALPHA_INTERVAL, within, several)]
    others = raters.mean_of_others(ratings)
    clip, rater = np.nonzero(np.isfinite(others))
    truth, own, unit = others[clip, rater], ratings[clip, rater], make.unit[clip]
    for statistic in STATISTICS:
        sums = statistic.sums(truth, own, unit, make.units)
        found.append(make.finding(f"one_rater_{statistic.name}", statistic, sums, several))
    found.append(_in_deviations(make, truth, own, unit, within, several))
    first, second = raters.half_means(ratings, list(map(str, tables.clips.index)), draws=halves)
    for statistic in (regression.CCC, regression.PCC):
        of_draws = [
            statistic.sums(b[several], a[several], make.unit[several], make.units)
            for a, b in zip(first, second, strict=True)
        ]
        mean = raters.mean_of_draws(statistic, halves)
        found.append(
            make.finding(f"half_of_raters_{statistic.name}", mean, np.concatenate(of_draws, axis=1), several)
        )
    found.append(make.finding("best_answer_ccc", BEST_CCC, _variance_sums(ratings, make), several))
    found.append(make.finding("rater_deviation", raters.RATER_DEVIATION, within, several))
    return Part(target=dimension, main="ccc", raters=rated, findings=found)


def _in_deviations(
    make: Maker,
    truth: NDArray[np.float64],
    own: NDArray[np.float64],
    unit: NDArray[np.integer],
    within: NDArray[np.float64],
    several: NDArray[np.bool_],
) -> Finding:
    """RMSE of one rater in units of the deviation of raters."""
    errors = regression.RMSE.sums(truth, own, unit, make.units)
    k = errors.shape[1]
    divided = Statistic(
        name="one_rater_error",
        sums=regression.RMSE.sums,
        value=lambda sums: ratio(
            regression.RMSE.value(sums[..., :k]), raters.RATER_DEVIATION.value(sums[..., k:])
        ),
        scale="log",
        bounds=(0.0, np.inf),
    )
    return make.finding("one_rater_error", divided, np.concatenate([errors, within], axis=1), several)


def _variance_sums(ratings: NDArray[np.float64], make: Maker) -> NDArray[np.float64]:
    """Sums of each rating beside the mean of its clip, as those of CCC, shape (units, 6)."""
    clip, rater = np.nonzero(np.isfinite(ratings))
    number = np.isfinite(ratings).sum(axis=1)
    means = ratio(np.where(np.isfinite(ratings), ratings, 0.0).sum(axis=1), number)
    return regression.PCC.sums(ratings[clip, rater], means[clip], make.unit[clip], make.units)


BEST_CCC = Statistic(
    name="best_answer_ccc",
    sums=regression.PCC.sums,
    value=regression.PCC.value,
    scale="fisher",
    bounds=(0.0, 1.0),
)
"""The correlation of ratings with the mean of their clip, which is the root of the variance between clips:
stretched means reach it as concordance, and nothing reaches more."""
