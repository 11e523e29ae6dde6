"""Scores of groups and their gaps without each speaker, so that two results can be compared pairwise."""

from dataclasses import replace

import numpy as np

from sertools.auditing.findings import left_out
from sertools.metrics.group_gaps import extent_statistic
from sertools.results.result import LeftOut
from sertools.tables.tables import Tables

from .grouped import GroupedPairs


def group_scores_without_speaker(part: GroupedPairs, tables: Tables) -> list[LeftOut]:
    """The score of each group, and the largest difference between groups, with each speaker left out."""
    pair, groups, column = part.pairs, part.large_groups, part.column
    found = []
    for code, name in enumerate(groups.names):
        inside = pair.take(groups.code == code)
        found += left_out(part.statistic, inside, tables, target=part.target, slice=f"{column}={name}")
    extent = extent_statistic(part.statistic, pair.truth, pair.prediction, groups.code, len(groups))
    rows = np.arange(pair.n)
    grouped = replace(pair, truth=rows, prediction=rows).take(groups.code >= 0)
    return found + left_out(extent, grouped, tables, target=part.target, slice=f"{column}=*", better="lower")
