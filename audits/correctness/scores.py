"""Scores of dimensions and of emotions, and why a limit does not apply to some of them."""

import math
from dataclasses import replace

import numpy as np

from sertools.auditing.findings import detail, finding
from sertools.metrics import classification, distribution, regression
from sertools.metrics.better_than_chance import NOT_BETTER, not_better_than_constant
from sertools.randomness import identity_rng
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate, estimate
from sertools.statistics.proportions import proportion
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

DIMENSION_STATISTICS = (regression.CCC, regression.PCC, regression.MAE, regression.RMSE)


CCC_LIMIT, MAE_LIMIT = 0.5, 0.1
"""Limits of audEERING's ser-tests."""


def class_statistics(classes: int) -> tuple[Statistic, ...]:
    """The scores of emotions, for this number of class codes."""
    return (
        classification.uar_statistic(classes),
        classification.uap_statistic(classes),
        classification.accuracy_statistic(classes),
        classification.weighted_f1_statistic(classes),
        classification.macro_f1_statistic(classes),
    )


def dimension_findings(pair: Pairs, dimension: str) -> list[Finding]:
    """Agreement of predicted and rated values of a dimension, and the distance of their distributions."""
    withheld = _reason_withheld(not_better_than_constant(pair))
    found = [
        finding(
            statistic.name,
            _estimate(statistic, pair),
            target=dimension,
            by_speaker=pair.by_speaker,
            withheld=withheld,
        )
        for statistic in DIMENSION_STATISTICS
    ]
    found = [_consistent(each, pair) if each.name == "mae" else each for each in found]
    used = pair.of_answered
    rng = identity_rng(0, "jensen_shannon", dimension)
    distance = distribution.jensen_shannon_beyond_chance(used.truth, used.prediction, used.unit, rng=rng)
    return [*found, _of_answered("jensen_shannon", distance, pair, dimension, withheld)]


def ccc_for_mae(mae: float, deviation: float) -> float:
    """The CCC at which a calibrated model has an MAE, if its errors are normally distributed.

    The predictions of a calibrated model, E[t | p] = p, have the standard deviation ρ s, where ρ is Pearson's
    correlation and s the standard deviation of the ratings. So its error has s √(1 − ρ²), MAE is that times
    √(2/π), and CCC = 2 ρ² / (1 + ρ²).

    Args:
        mae: mean absolute error
        deviation: standard deviation of the ratings, in the same unit

    Returns:
        CCC in [0, 1]; 0 if a constant has this MAE already.

    >>> round(ccc_for_mae(0.1, 0.2), 3), ccc_for_mae(0.1, 0.1)
    (0.756, 0.0)
    """
    unexplained = (mae / deviation) ** 2 * math.pi / 2 if deviation > 0 else math.inf
    explained = max(1 - unexplained, 0.0)
    return 2 * explained / (1 + explained)


def _consistent(mae: Finding, pair: Pairs) -> Finding:
    """The MAE; a detail where its limit asks for more than the limit of CCC, so that they contradict."""
    deviation = float(np.std(pair.truth)) if pair.n else 0.0
    needed = ccc_for_mae(MAE_LIMIT, deviation)
    if needed <= CCC_LIMIT:
        return mae
    said = (
        f"ratings with a standard deviation of {deviation:.2f} need a CCC of about {needed:.2f} for an MAE "
        f"below {MAE_LIMIT:g}, which contradicts the limit of CCC ({CCC_LIMIT:g}); CCC is judged"
    )
    reason = "; ".join(filter(None, [mae.reason, said]))
    return detail(mae).model_copy(update={"reason": reason})


def emotion_findings(pair: Pairs, tables: Tables) -> list[Finding]:
    """Scores over all emotions, then recall, precision and excess predictions of each emotion."""
    withheld = _reason_withheld(not_better_than_constant(pair, pair.classes))
    found = []
    for statistic in class_statistics(pair.classes):
        if statistic.name == "uap":
            precision = _estimate(statistic, pair.of_answered)
            never = sorted(set(np.unique(pair.truth)) - set(np.unique(pair.prediction)))
            if never and np.isnan(precision.value):
                names = ", ".join(tables.model_classes[code] for code in never)
                precision = replace(precision, reason=f"{names}: never predicted, so without a precision")
            found.append(_of_answered(statistic.name, precision, pair, "emotion", withheld))
            continue
        value = _estimate(statistic, pair)
        if statistic.name == "accuracy":
            value = proportion(pair.truth == pair.prediction, pair.unit, pair.units)
        found.append(
            finding(statistic.name, value, target="emotion", by_speaker=pair.by_speaker, withheld=withheld)
        )
    for code, name in enumerate(tables.model_classes):
        if name in tables.classes:
            found += _class_findings(pair, code, name, withheld)
    return found


def open_set_findings(pair: Pairs, tables: Tables) -> list[Finding]:
    """With a closed set, the UAR of the same clips among all classes of the model, if it differs.

    An answer outside the closed set is wrong. It is a detail: the score of the closed set is judged.
    """
    if not tables.open_answers:
        return []
    others = len(tables.model_classes)
    codes = {name: code for code, name in enumerate(tables.model_classes)}
    answered = np.array([codes.get(tables.open_answers[str(clip)] or "", others) for clip in pair.clips])
    if np.array_equal(np.minimum(pair.prediction, others), answered):
        return []
    statistic = classification.uar_statistic(others + 1)
    found = estimate(statistic, pair.truth, answered, pair.unit, pair.units)
    return [detail(finding("uar_open_set", found, target="emotion", by_speaker=pair.by_speaker))]


def _class_findings(pair: Pairs, code: int, name: str, withheld: str) -> list[Finding]:
    """Recall and precision of one emotion, and how much too often it is predicted."""
    labelled, predicted = pair.take(pair.truth == code), pair.take(pair.prediction == code)
    recall = proportion(labelled.prediction == code, labelled.unit, labelled.units)
    precision = proportion(predicted.truth == code, predicted.unit, predicted.units)
    excess = _estimate(distribution.relative_difference_statistic(code), pair.of_answered)
    return [
        finding("recall", recall, target=name, by_speaker=pair.by_speaker, withheld=withheld),
        _of_answered("precision", precision, pair, name, withheld),
        _of_answered("relative_difference", excess, pair, name, withheld),
    ]


def _estimate(statistic: Statistic, pair: Pairs) -> Estimate:
    return estimate(statistic, pair.truth, pair.prediction, pair.unit, pair.units)


def _of_answered(name: str, value: Estimate, pair: Pairs, target: str, withheld: str) -> Finding:
    """A finding on the answered clips alone: no limit can decide it if there are too few of them."""
    return finding(
        name,
        value,
        target=target,
        by_speaker=pair.by_speaker,
        withheld=withheld,
        coverage=pair.coverage,
    )


def _reason_withheld(reason: str) -> str:
    """Withhold judgement only of a useless model; without an interval the gate is inconclusive anyway."""
    return reason if NOT_BETTER in reason else ""
