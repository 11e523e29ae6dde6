"""Findings on the layer that is furthest above its floors."""

from collections.abc import Mapping

import numpy as np

from sertools.auditing.findings import finding
from sertools.results.result import Finding
from sertools.statistics.jackknife import Estimate
from sertools.tables.columns import RANDOM_TWIN

from .curves import Curve

BEST = "best layer"
NO_TWIN = "there is no random twin, so the score of the architecture alone is unknown"


def best_layer_findings(
    curves: Mapping[str, Curve], measure: str, level: float, by_speaker: bool
) -> list[Finding]:
    """The best layer's score, its distance above its floors, and the difference to another model.

    Args:
        curves: group of features → scores of the layers
        measure: name of the score
        level: coverage of the interval of the distance
        by_speaker: whether the corpus names its speakers
    """
    return [
        each
        for group, curve in curves.items()
        for each in _group_findings(curve, measure, group, level=level, by_speaker=by_speaker)
    ]


def _group_findings(
    curve: Curve, measure: str, group: str, *, level: float, by_speaker: bool
) -> list[Finding]:
    """The findings with one group of features."""

    def found(name: str, value: Estimate, where: str = BEST, withheld: str = "") -> Finding:
        return finding(name, value, target=group, slice=where, by_speaker=by_speaker, withheld=withheld)

    best = curve.best()
    if best < 0:
        reason, nan = "no layer has a score", np.nan
        none = Estimate(value=nan, low=nan, high=nan, n=curve.n, units=curve.speakers, reason=reason)
        return [found(f"{measure}_above_floors", none)]
    withheld = "" if RANDOM_TWIN in curve.floors else NO_TWIN
    findings = [
        found(f"{measure}_above_floors", curve.above(best, level), withheld=withheld),
        found(measure, curve.mean(curve.own[best])),
    ]
    if curve.against is not None:
        shared = list(curve.shared())
        mean = curve.mean((curve.own[shared] - curve.against[shared]).mean(axis=0))
        findings.append(found(f"{measure}_difference", mean, "mean over layers"))
    return findings
