"""Does a model know anything? A useless one is trivially fair and trivially robust."""

from dataclasses import replace

import numpy as np

from sertools.metrics.classify import uar_statistic
from sertools.metrics.intervals import estimate
from sertools.metrics.regress import CCC
from sertools.tables import Pairs

SURE = 0.999
"""Coverage of the interval that must lie above chance: a random model is asked many times."""

NOT_BETTER = "not better than a constant, so it says nothing"


def doubt(pairs: Pairs, classes: int = 0) -> str:
    """Why the predictions cannot be said to be better than a constant's; empty where they are.

    The lower end of the 99.9 % jackknife interval of CCC must lie above 0, that of UAR above 1 over the
    number of classes in the truth.

    Args:
        pairs: truth and prediction of one target
        classes: number of class codes; 0 for a dimension
    """
    # on the linear scale: near 1, Fisher's would let one bad speaker hide that all others are perfect
    statistic = uar_statistic(classes) if classes else replace(CCC, scale="linear")
    chance = 1 / max(len(np.unique(pairs.truth)), 1) if classes else 0.0
    found = estimate(statistic, pairs.truth, pairs.prediction, pairs.unit, pairs.units, level=SURE)
    if np.isnan(found.low):
        return found.reason
    return "" if found.low > chance else NOT_BETTER
