"""Is a model better than a constant prediction? A useless model is trivially fair and trivially robust."""

from dataclasses import replace

import numpy as np

from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.statistics.jackknife import estimate
from sertools.tables.pairs import Pairs

LEVEL_OF_SKILL_TEST = 0.999
"""Coverage of the interval that must be above chance; high, because a random model gets many chances."""

NOT_BETTER = "the model does not beat a constant prediction, so this metric is not meaningful"


def not_better_than_constant(pairs: Pairs, classes: int = 0) -> str:
    """Why the predictions are not shown to be better than a constant; empty if they are.

    The lower end of the 99.9 % jackknife interval of CCC must be above 0, that of UAR above 1 divided by the
    number of classes in the truth.

    Args:
        pairs: truth and prediction of one target
        classes: number of class codes; 0 for a dimension

    Returns:
        The reason why there is no interval, or that the predictions are not shown to be better.

    >>> import pandas as pd
    >>> rating, unit, clips = np.linspace(0, 1, 20), np.arange(20) % 5, pd.RangeIndex(20)
    >>> same = Pairs(truth=rating, prediction=rating, unit=unit, units=5, by_speaker=True, clips=clips)
    >>> not_better_than_constant(same)
    ''
    >>> constant = replace(same, prediction=np.full(20, 0.5))
    >>> not_better_than_constant(constant) == NOT_BETTER
    True
    """
    # on the linear scale: near 1, on Fisher's scale one bad speaker could hide that all others are perfect
    statistic = uar_statistic(classes) if classes else replace(CCC, scale="linear")
    chance = 1 / max(len(np.unique(pairs.truth)), 1) if classes else 0.0
    found = estimate(
        statistic, pairs.truth, pairs.prediction, pairs.unit, pairs.units, level=LEVEL_OF_SKILL_TEST
    )
    if np.isnan(found.low):
        return found.reason
    return "" if found.low > chance else NOT_BETTER
