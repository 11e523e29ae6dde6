"""Speaker averages without each speaker, so that two results can be compared pairwise."""

import numpy as np

from sertools.auditing.findings import left_out
from sertools.metrics.speakers import standard_errors, unit_means
from sertools.results.result import LeftOut
from sertools.statistics.beyond_chance import SPEAKER_AVERAGE
from sertools.tables.pairs import Pairs, pairs, scored_targets
from sertools.tables.tables import Tables

from .means import has_enough_clips, values_to_average


def speaker_averages_without_speaker(tables: Tables) -> list[LeftOut]:
    """The speaker average of each dimension, and of the share of each class, with each speaker left out."""
    found = []
    for target in scored_targets(tables):
        pair = pairs(tables, target)
        enough = has_enough_clips(pair)
        first = np.unique(pair.unit, return_index=True)[1]
        for name, truth, prediction in values_to_average(pair, tables, target):
            difference = prediction.astype(np.float64) - truth
            means = Pairs(
                truth=unit_means(difference, pair.unit, pair.units)[enough],
                prediction=standard_errors(difference, pair.unit, pair.units)[enough],
                unit=np.arange(enough.sum()),
                units=int(enough.sum()),
                by_speaker=pair.by_speaker,
                clips=pair.clips[first[enough]],
            )
            found += left_out(SPEAKER_AVERAGE, means, tables, target=name, better="lower")
    return found
