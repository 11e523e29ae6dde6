"""Unchanged ratios without each speaker, so that two results can be compared pairwise."""

import numpy as np

from sertools.auditing.findings import left_out
from sertools.metrics.unchanged import mean_share_statistic
from sertools.results.result import LeftOut
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

from .predictions import PerturbedPredictions


def ratios_without_speaker(tables: Tables, perturbed: PerturbedPredictions) -> list[LeftOut]:
    """The unchanged ratio under each perturbation, with each speaker left out."""
    clean, rows = perturbed.clean, np.arange(len(perturbed.clean.unit))
    every = Pairs(
        truth=rows,
        prediction=rows,
        unit=clean.unit,
        units=clean.units,
        by_speaker=clean.by_speaker,
        clips=tables.clips.index,
    )
    found = []
    for k, perturbation in enumerate(perturbed.perturbations):
        applicable = every.take(np.isfinite(perturbed.unchanged[:, k]))
        share = mean_share_statistic(perturbed.unchanged[:, [k]])
        found += left_out(share, applicable, tables, target=clean.target, slice=perturbation)
    return found
