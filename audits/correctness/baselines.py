"""Scores of trivial models on the same clips: the mean or majority class, random, the best constant."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.auditing.tables import Row
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs


def baseline_rows(
    pair: Pairs, target: str, statistics: tuple[Statistic, ...], rng: np.random.Generator
) -> list[Row]:
    """Rows of target, metric, model, mean or majority, random, best constant; empty without clips."""
    if not pair.n:
        return []
    if target == "emotion":
        classes = np.unique(pair.truth)
        usual = classes[np.argmax([np.sum(pair.truth == c) for c in classes])]
        drawn = rng.choice(classes, pair.n)
        constants = classes.astype(float)
    else:
        usual = pair.truth.mean()
        drawn = np.clip(rng.normal(0.5, 1 / 6, pair.n), 0, 1)
        constants = np.array([pair.truth.mean(), np.median(pair.truth), 0.5])
    rows: list[Row] = []
    for statistic in statistics:
        best = min if statistic.name in {"mae", "rmse"} else max
        scores = [_score(statistic, pair, np.full(pair.n, constant)) for constant in constants]
        defined = [value for value in scores if np.isfinite(value)]
        rows.append(
            [
                target,
                statistic.name,
                _score(statistic, pair, pair.prediction),
                _score(statistic, pair, np.full(pair.n, usual)),
                _score(statistic, pair, drawn),
                best(defined) if defined else None,
            ]
        )
    return rows


def _score(statistic: Statistic, pair: Pairs, prediction: NDArray[Any]) -> float:
    """The score of other predictions (ratings or class codes, shape (n,)) of the same clips."""
    prediction = prediction.astype(pair.truth.dtype)
    return float(statistic.value(statistic.sums(pair.truth, prediction, np.zeros(pair.n, int), 1)[0]))
