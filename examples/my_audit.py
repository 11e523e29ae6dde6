"""Do the predictions vary as much as the ratings?

Models trained on averaged ratings tend to predict values close to the middle of the scale. For each
dimension, the audit computes the standard deviation of the predictions divided by that of the truth, both
over all clips with divisor n. Below 1 the predictions vary too little, above 1 too much.

A random model can have any spread, so the limit is passed only by a model that is shown to beat a constant
prediction; a failure stands. Intervals are 95 %: leave-one-speaker-out jackknife with Student's t.
"""

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.contract import Needs, Outcome
from sertools.auditing.findings import finding
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.result import Limit
from sertools.statistics.jackknife import estimate
from sertools.statistics.statistic import Statistic, ratio, unit_sums
from sertools.tables.pairs import pairs
from sertools.tables.tables import Tables

NEEDS = Needs(labels="dimensions")
LIMITS = [Limit(name="spread_ratio", above=0.5, below=2.0, source="our choice: half to double")]


def _sums(
    truth: NDArray[np.float64], prediction: NDArray[np.float64], unit: NDArray[np.int64], units: int
) -> NDArray[np.float64]:
    """The sums n, Σt, Σt², Σp, Σp² per speaker, from which both standard deviations are computed."""
    columns = [np.ones_like(truth), truth, truth**2, prediction, prediction**2]
    return unit_sums(np.stack(columns, axis=1), unit, units)


def _value(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ratio of the standard deviations for each row of sums."""
    n, t, tt, p, pp = np.moveaxis(sums, -1, 0)
    variances = [np.maximum(ratio(xx, n) - ratio(x, n) ** 2, 0) for x, xx in ((t, tt), (p, pp))]
    return np.sqrt(ratio(variances[1], variances[0]))


SPREAD_RATIO = Statistic(name="spread_ratio", sums=_sums, value=_value, bounds=(0, np.inf))


def audit(tables: Tables, *, rng: np.random.Generator, skilled: bool = True) -> Outcome:
    """The spread ratio for each dimension.

    Args:
        tables: clips and clean predictions
        rng: not used; nothing is random
        skilled: pass only models that are shown to beat a constant prediction
    """
    findings = []
    for dimension in tables.dimensions:
        asked = pairs(tables, dimension)  # in which unanswered clips count against the model
        withheld = not_better_than_constant(asked) if skilled else ""
        pair = asked.of_answered  # a spread is no score: it describes the predictions that there are
        value = estimate(SPREAD_RATIO, pair.truth, pair.prediction, pair.unit, pair.units)
        findings.append(
            finding(
                "spread_ratio",
                value,
                target=dimension,
                by_speaker=pair.by_speaker,
                withheld=withheld,
                coverage=asked.coverage,
            )
        )
    ratios = ", ".join(f"{f.target} {f.value:.2f}" for f in findings if f.value is not None)
    return Outcome(answer=f"Standard deviation of predictions / ratings: {ratios}.", findings=findings)


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """A model with too little spread: every prediction is moved three quarters of the way to the mean."""
    timid = {
        condition: scores - 0.75 * (scores - scores.mean())
        for condition, scores in tables.predictions.items()
    }
    return tables.with_predictions(timid)
