"""Leave-one-speaker-out scores that results store, so that two results can be compared paired by speaker."""

from dataclasses import replace

import numpy as np

from sertools.auditing.findings import left_out
from sertools.metrics.answers import Changed
from sertools.metrics.group_gaps import extent_statistic
from sertools.metrics.groups import Groups
from sertools.metrics.speakers import SPEAKER_AVERAGE, unit_means
from sertools.metrics.unchanged import mean_share_statistic
from sertools.results.result import LeftOut
from sertools.statistics.statistic import Statistic
from sertools.tables.pairs import Pairs, pairs
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


def of_speaker_means(tables: Tables, fewest: int) -> list[LeftOut]:
    """The speaker average of each dimension, and of the share of each class, with each speaker left out.

    Args:
        tables: clips and clean predictions
        fewest: minimum number of clips for a speaker to be included
    """
    kept = []
    for target in [*tables.dimensions, *(["emotion"] if tables.classes else [])]:
        pair = pairs(tables, target)
        enough = np.bincount(pair.unit, minlength=pair.units) >= fewest
        first = np.unique(pair.unit, return_index=True)[1]
        values = [(target, pair.truth, pair.prediction)]
        if target == "emotion":
            codes = [(name, tables.model_classes.index(name)) for name in tables.classes]
            values = [(name, pair.truth == code, pair.prediction == code) for name, code in codes]
        for name, truth, prediction in values:
            means = Pairs(
                truth=unit_means(truth, pair.unit, pair.units)[enough],
                prediction=unit_means(prediction, pair.unit, pair.units)[enough],
                unit=np.arange(enough.sum()),
                units=int(enough.sum()),
                by_speaker=pair.by_speaker,
                clips=pair.clips[first[enough]],
            )
            kept += left_out(SPEAKER_AVERAGE, means, tables, target=name, better="lower")
    return kept
