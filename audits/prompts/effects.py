"""Effect of the choice of prompt or order, and the bias towards the first or the last option."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.metrics.classification import uar_statistic
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.shares import gains_minus_losses

from .design import Design

AXES = {"prompt": 0, "order": 1}


def uar_of(design: Design, factor: str, level: int) -> Estimate:
    """UAR under one prompt or order, over all levels of the others; `n` counts the clips."""
    answers = _of_level(design, factor, level)
    truth, unit = (np.tile(each, len(answers)) for each in (design.truth, design.unit))
    found = estimate(uar_statistic(design.classes + 1), truth, answers.ravel(), unit, design.units)
    return replace(found, n=design.n)


def uar_range(design: Design, factor: str) -> Estimate:
    """Highest minus lowest UAR over the levels of a factor, with the joint interval of all pairs."""
    levels = design.answers.shape[AXES[factor]]
    values = [uar_of(design, factor, level).value for level in range(levels)]
    pairs = list(permutations(range(levels), 2))
    corrected = len(pairs) // 2
    found = Estimate(value=max(values) - min(values), low=np.nan, high=np.nan, n=design.n, units=design.units)
    first = _change_of_uar(design, factor, *pairs[0], 0.95)
    if np.isnan(first.low):
        return replace(found, reason=first.reason)

    def bounds(coverage: float) -> tuple[float, float]:
        narrow = [_change_of_uar(design, factor, a, b, coverage) for a, b in pairs]
        stricter = 1 - (1 - coverage) / corrected
        wide = [_change_of_uar(design, factor, a, b, stricter) for a, b in pairs]
        low = max(0.0, *(each.low for each in wide))
        return min(low, found.value), max(found.value, *(each.high for each in narrow))

    return found.within(bounds, 0.95)


def option_bias(design: Design, position: str) -> Estimate:
    """How much more often a class is the answer where it is listed first, or last, than in other orders."""
    place: Callable[[int], int] = (lambda o: o) if position == "first" else (lambda o: o - 1)
    there, elsewhere = [], []
    for order, other in permutations(range(design.answers.shape[1]), 2):
        listed = place(order) % design.classes
        if place(other) % design.classes == listed:
            continue  # more orders than classes: the same class again
        there.append(design.answers[:, order] == listed)
        elsewhere.append(design.answers[:, other] == listed)
    after, before = (np.array(each).reshape(-1, design.n) for each in (there, elsewhere))
    return _change(np.zeros(design.n), before, after, design, 0.95)


def _change_of_uar(design: Design, factor: str, a: int, b: int, level: float) -> Estimate:
    """UAR under level b minus that under level a."""
    before, after = (_of_level(design, factor, each) == design.truth for each in (a, b))
    return _change(design.truth, before, after, design, level)


def _change(
    classes: NDArray[Any], before: NDArray[np.bool_], after: NDArray[np.bool_], design: Design, level: float
) -> Estimate:
    """Mean over classes of the share of hits afterwards minus before, both of shape (comparisons, n)."""
    gained, lost = (after & ~before).mean(axis=0), (before & ~after).mean(axis=0)
    return gains_minus_losses(classes, gained, lost, design.unit, level=level)


def _of_level(design: Design, factor: str, level: int) -> NDArray[np.int64]:
    """The answers under one level, shape (levels of the others, n)."""
    chosen: NDArray[np.int64] = design.answers.take(level, axis=AXES[factor]).reshape(-1, design.n)
    return chosen
