"""Gaps in the error, which do not depend on the spread of a group's ratings."""

from dataclasses import replace

import numpy as np

from sertools.auditing.findings import finding
from sertools.metrics.calibration import BRIER
from sertools.metrics.regression import MAE, RMSE
from sertools.results.result import Finding, Table
from sertools.statistics.jackknife import Estimate, estimate, gap
from sertools.statistics.statistic import Statistic

from .grouped import GroupedPairs

NEGLIGIBLE_MAE = 0.02
"""A gap of MAE whose 90 % interval lies within this is negligible, in units of the scale [0, 1]."""


FROM_RANGE = "this gap comes from the range of the ratings"


def error_findings(part: GroupedPairs, score: Finding) -> list[Finding]:
    """The sex score, and the gaps female − male of MAE and RMSE, or of the Brier score for emotions.

    CCC is higher where ratings spread more, for the same errors. Where the sex score differs from 0 while
    MAE does not, the reason of the score says so.

    Args:
        part: the clips of one target, by sex
        score: the sex score
    """
    found = []
    for statistic in _statistics(part):
        value = _gap(part, statistic, 0.95)
        found.append(
            finding(
                f"{statistic.name}_gap",
                value,
                target=part.target,
                slice="female-male",
                by_speaker=part.pairs.by_speaker,
            )
        )
    return [_explained(part, score), *found]


def _statistics(part: GroupedPairs) -> tuple[Statistic, ...]:
    if part.classes:
        return () if part.losses is None else (BRIER,)
    return (MAE, RMSE)


def _gap(part: GroupedPairs, statistic: Statistic, level: float) -> Estimate:
    """The gap female − male of an error."""
    groups = []
    for sex in ("female", "male"):
        inside = part.groups.code == part.groups.names.index(sex)
        pair = part.pairs
        error = pair.prediction if part.losses is None else part.losses
        groups.append((pair.truth[inside], error[inside], pair.unit[inside]))
    return gap(statistic, *groups, level=level)


def _explained(part: GroupedPairs, score: Finding) -> Finding:
    """The score, with the reason if its gap comes from the range of the ratings rather than from errors."""
    if part.classes or score.low is None or score.high is None or score.low <= 0 <= score.high:
        return score
    error = _gap(part, MAE, 0.9)
    if not (error.low > -NEGLIGIBLE_MAE and error.high < NEGLIGIBLE_MAE):
        return score
    spreads = dict(zip(part.groups.names, _spreads(part), strict=True))
    interval = f"gap {error.value:+.3f}, 90 % interval {error.low:+.3f} to {error.high:+.3f}"
    reason = (
        f"MAE hardly differs ({interval}), so {FROM_RANGE}, whose "
        f"standard deviation is {spreads['female']:.2f} for women and {spreads['male']:.2f} for men"
    )
    return score.model_copy(update={"reason": "; ".join(filter(None, [score.reason, reason]))})


def _spreads(part: GroupedPairs) -> list[float]:
    """The standard deviation of the ratings of each group."""
    codes = range(len(part.groups))
    return [float(np.std(part.pairs.truth[part.groups.code == code])) for code in codes]


def groups_table(parts: list[GroupedPairs]) -> list[Table]:
    """Size, spread of the ratings, and error of each group; no table if there is nothing to compare."""
    rows: list[list[str | int | float | None]] = []
    for part in parts:
        spreads = _spreads(part)
        for code, name in enumerate(part.groups.names):
            inside = part.pairs.take(part.groups.code == code)
            error = np.nan
            for statistic in _statistics(part)[:1]:
                losses = None if part.losses is None else part.losses[part.groups.code == code]
                shown = inside if losses is None else replace(inside, prediction=losses)
                error = estimate(statistic, shown.truth, shown.prediction, shown.unit, shown.units).value
            spread = None if part.classes else spreads[code]
            rows.append(
                [f"{part.column}={name}", part.target, inside.n, inside.speakers, spread, _known(error)]
            )
    columns = ["group", "target", "clips", "speakers", "sd of the ratings", "error"]
    note = "error: MAE of a dimension, Brier score of emotions; neither grows with the spread of the ratings"
    title = "Errors of each group"
    return [Table(name="groups", title=title, columns=columns, rows=rows, note=note)] if rows else []


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
