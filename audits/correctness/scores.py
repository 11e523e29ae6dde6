"""Scores of dimensions and of emotions, and why a limit does not apply to some of them."""

from dataclasses import replace

import numpy as np

from sertools.auditing.findings import finding
from sertools.metrics import classification, distribution, regression
from sertools.metrics.better_than_chance import NOT_BETTER, not_better_than_constant
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate, estimate, proportion
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

DIMENSION_STATISTICS = (regression.CCC, regression.PCC, regression.MAE, regression.RMSE)


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
    found = []
    for statistic in DIMENSION_STATISTICS:
        # a constant cannot reach a high correlation, so these two are always judged
        reason = "" if statistic.name in {"ccc", "pcc"} else withheld
        found.append(
            finding(
                statistic.name,
                _estimate(statistic, pair),
                target=dimension,
                by_speaker=pair.by_speaker,
                withheld=reason,
            )
        )
    distance = _estimate(distribution.jensen_shannon_statistic(), pair.of_answered)
    return [*found, _of_answered("jensen_shannon", distance, pair, dimension, withheld)]


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
        # a trivial model has a UAR of 1 / classes, which is below the limit for three or more classes
        always_judged = statistic.name == "uar" and len(np.unique(pair.truth)) > 2
        reason = "" if always_judged else withheld
        found.append(
            finding(statistic.name, value, target="emotion", by_speaker=pair.by_speaker, withheld=reason)
        )
    for code, name in enumerate(tables.model_classes):
        if name in tables.classes:
            found += _class_findings(pair, code, name, withheld)
    return found


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
