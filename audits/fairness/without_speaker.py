"""Scores of groups and their gaps without each speaker, so that two results can be compared pairwise."""

from dataclasses import replace

import numpy as np

from sertools.auditing.findings import left_out
from sertools.metrics.group_gaps import extent_statistic
from sertools.metrics.groups import Groups
from sertools.results.result import LeftOut
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables


def of_groups(
    statistic: Statistic, pair: Pairs, groups: Groups, tables: Tables, *, column: str, target: str
) -> list[LeftOut]:
    """The score of each group, and the largest difference between groups, with each speaker left out."""
    kept = []
    for code, name in enumerate(groups.names):
        inside = pair.take(groups.code == code)
        kept += left_out(statistic, inside, tables, target=target, slice=f"{column}={name}")
    extent = extent_statistic(statistic, pair.truth, pair.prediction, groups.code, len(groups))
    rows = np.arange(pair.n)
    grouped = replace(pair, truth=rows, prediction=rows).take(groups.code >= 0)
    return kept + left_out(extent, grouped, tables, target=target, slice=f"{column}=*", better="lower")
