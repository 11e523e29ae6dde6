"""Unchanged ratios without each speaker, so that two results can be compared pairwise."""

import numpy as np

from sertools.auditing.findings import left_out
from sertools.metrics.unchanged import mean_share_statistic
from sertools.results.result import LeftOut
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

from .answers import Changed


def of_changes(tables: Tables, heard: Changed) -> list[LeftOut]:
    """The unchanged ratio under each perturbation, with each speaker left out."""
    of, rows = heard.of, np.arange(len(heard.of.unit))
    every = Pairs(
        truth=rows,
        prediction=rows,
        unit=of.unit,
        units=of.units,
        by_speaker=of.by_speaker,
        clips=tables.clips.index,
    )
    kept = []
    for k, change in enumerate(heard.changes):
        there = every.take(np.isfinite(heard.unchanged[:, k]))
        share = mean_share_statistic(heard.unchanged[:, [k]])
        kept += left_out(share, there, tables, target=of.target, slice=change)
    return kept
