"""Does the model use as much of the scale as people do?

Models trained on averaged ratings answer close to the middle. For each dimension: the standard deviation of
the predictions divided by that of the truth, both over all clips with divisor n. Below 1 the model is timid,
above 1 it exaggerates.

A random model can have any spread, so the ratio is judged only where the model is shown, by the 99.9 %
interval of its CCC, to be better than a constant. Intervals are 95 %: leave-one-speaker-out jackknife with
Student's t.
"""

import numpy as np

from sertools.audit import Needs, Outcome, finding
from sertools.metrics.intervals import estimate
from sertools.metrics.skill import NOT_BETTER, doubt
from sertools.metrics.sums import Statistic, ratio, unit_sums
from sertools.result import Limit
from sertools.tables import Tables, pairs

NEEDS = Needs(labels="dimensions")
LIMITS = [Limit(name="spread_ratio", above=0.5, below=2.0, source="our choice: half to double")]


def _sums(truth: np.ndarray, prediction: np.ndarray, unit: np.ndarray, units: int) -> np.ndarray:
    """Per speaker n, Σt, Σt², Σp, Σp²: what both standard deviations are made of."""
    columns = [np.ones_like(truth), truth, truth**2, prediction, prediction**2]
    return unit_sums(np.stack(columns, axis=1), unit, units)


def _value(sums: np.ndarray) -> np.ndarray:
    n, t, tt, p, pp = np.moveaxis(sums, -1, 0)
    variances = [np.maximum(ratio(xx, n) - ratio(x, n) ** 2, 0) for x, xx in ((t, tt), (p, pp))]
    return np.sqrt(ratio(variances[1], variances[0]))


SPREAD_RATIO = Statistic(name="spread_ratio", sums=_sums, value=_value, bounds=(0, np.inf))


def audit(tables: Tables, *, rng: np.random.Generator, skilled: bool = True) -> Outcome:
    """The ratio of each dimension.

    Args:
        tables: clips and clean predictions
        rng: not needed, nothing is drawn
        skilled: judge only models that are better than a constant
    """
    findings = []
    for dimension in tables.dimensions:
        pair = pairs(tables, dimension)
        withheld = NOT_BETTER if skilled and doubt(pair) == NOT_BETTER else ""
        value = estimate(SPREAD_RATIO, pair.truth, pair.prediction, pair.unit, pair.units)
        findings.append(
            finding("spread_ratio", value, target=dimension, by_speaker=pair.by_speaker, withheld=withheld)
        )
    said = ", ".join(f"{f.target} {f.value:.2f}" for f in findings if f.value is not None)
    return Outcome(answer=f"Spread of predictions over that of the truth: {said}.", findings=findings)


def plant(tables: Tables, rng: np.random.Generator) -> Tables:
    """A timid model: every prediction moves three quarters of the way to the mean."""
    timid = {
        condition: scores - 0.75 * (scores - scores.mean())
        for condition, scores in tables.predictions.items()
    }
    return tables.with_predictions(timid)
