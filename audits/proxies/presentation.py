"""Tables, figures and sentences on gaps between predicted groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sertools.auditing.figures import interval_series
from sertools.auditing.phrases import interval_text
from sertools.auditing.tables import Row
from sertools.results.result import Figure, Table
from sertools.wording import plural

from .attribute import Attribute
from .correction import Gap

ASSUMED = (1.0, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7)
"""Shares of right predictions for which a table shows the gap."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Results for one target.

    Attributes:
        target: a dimension, or `emotion`
        groups: predicted and known groups of the speakers
        gap: the gap between them
        assumed: share of right predictions in both groups → the gap that would follow
    """

    target: str
    groups: Attribute
    gap: Gap
    assumed: Sequence[tuple[float, float]]


def tables(summaries: Sequence[Summary]) -> list[Table]:
    """The gaps, the rates, and the gap for assumed rates."""
    if not summaries:
        return []
    return [_gaps(summaries), *_rates(summaries[0]), _assumed(summaries)]


def _gaps(summaries: Sequence[Summary]) -> Table:
    rows: list[Row] = []
    for each in summaries:
        first, second = each.groups.names
        for name, value in (
            ("corrected", each.gap.corrected),
            ("predicted groups as they are", each.gap.uncorrected),
            ("speakers whose group is known", each.gap.known),
        ):
            if value.n:
                rows.append(
                    [
                        each.target,
                        f"{first} minus {second}",
                        name,
                        value.value,
                        value.low,
                        value.high,
                        value.n,
                        value.units,
                    ]
                )
    return Table(
        name="gaps",
        title="Gaps between two groups that are predicted",
        columns=["target", "groups", "gap", "value", "low", "high", "clips", "speakers"],
        rows=rows,
        note="UAR or CCC of the first group minus that of the second",
    )


def _rates(summary: Summary) -> list[Table]:
    if summary.gap.rates is None:
        return []
    rows: list[Row] = [
        [name, rate.right, *rate.interval, rate.n or None, rate.text]
        for name, rate in zip(summary.groups.names, summary.gap.rates, strict=True)
    ]
    return [
        Table(
            name="rates",
            title="How often the prediction is right",
            columns=["group", "share", "low", "high", "speakers", "source"],
            rows=rows,
        )
    ]


def _assumed(summaries: Sequence[Summary]) -> Table:
    return Table(
        name="assumed",
        title="The gap if the prediction is right this often in both groups",
        columns=["target", *(f"{right:.0%}" for right in ASSUMED)],
        rows=[[each.target, *(value for _, value in each.assumed)] for each in summaries],
        note="without the speakers whose group is known; without intervals",
    )


def figures(summaries: Sequence[Summary]) -> list[Figure]:
    """The corrected and the uncorrected gap."""
    shown = [each for each in summaries if not np.isnan(each.gap.uncorrected.value)]
    if not shown:
        return []
    names = [each.target for each in shown]
    first, second = shown[0].groups.names
    series = [
        interval_series(names, [each.gap.uncorrected for each in shown], "predicted groups as they are")
    ]
    if not np.isnan([each.gap.corrected.value for each in shown]).all():
        series.insert(0, interval_series(names, [each.gap.corrected for each in shown], "corrected"))
    return [
        Figure(
            name="gaps",
            kind="interval",
            title=f"{first[:1].upper()}{first[1:]} minus {second}",
            alt="; ".join(f"{each.target}: {each.gap.corrected.value:.2f} corrected" for each in shown),
            x_label="gap of UAR or CCC",
            series=series,
            reference=0.0,
        )
    ]


def notes(summaries: Sequence[Summary]) -> list[str]:
    """How many speakers are predicted to be in each group, and how many are known."""
    found = []
    for each in summaries[:1]:
        groups = each.groups
        counts = [int((groups.predicted == k).sum()) for k in (0, 1)]
        known = int((groups.known >= 0).sum())
        listed = " and ".join(
            f"{plural(n, 'speaker')} as {name}" for n, name in zip(counts, groups.names, strict=True)
        )
        if known and (groups.known >= 0).all():
            found.append("The group of every speaker is known, so the gap is the one that fairness measures.")
        found.append(f"{groups.column} predicts {listed}; the group of {plural(known, 'speaker')} is known.")
    return found


def answer(summaries: Sequence[Summary]) -> str:
    """The largest corrected gap, and what it would be without the correction."""
    if not summaries:
        return ""
    known = [each for each in summaries if not np.isnan(each.gap.corrected.value) and each.gap.rates]
    if not known:
        largest = max(summaries, key=lambda each: abs(np.nan_to_num(each.gap.uncorrected.value)))
        gap = largest.gap.uncorrected
        first, second = largest.groups.names
        return (
            f"Between the predicted groups, {largest.target} is {gap.value:+.2f}{interval_text(gap)} "
            f"({first} − {second}); the true gap is unknown, because the accuracy of the prediction "
            "is not known, or because it hardly separates the groups."
        )
    largest = max(known, key=lambda each: abs(each.gap.corrected.value))
    gap = largest.gap.corrected
    first, second = largest.groups.names
    rates = largest.gap.rates
    assert rates is not None
    shown = "" if gap.low > 0 or gap.high < 0 else "; neither group is shown to have a better score"
    return (
        f"The largest gap is in {largest.target}: {first} − {second} = {gap.value:.2f}{interval_text(gap)} "
        f"corrected for wrong predictions of the group ({largest.gap.uncorrected.value:.2f} uncorrected; "
        f"right for {100 * rates[0].right:.0f} % of {first} and {100 * rates[1].right:.0f} % of {second} "
        f"speakers){shown}."
    )
