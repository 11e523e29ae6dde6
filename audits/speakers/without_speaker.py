"""Speaker averages without each speaker, so that two results can be compared pairwise."""

import numpy as np

from sertools.auditing.findings import left_out
from sertools.metrics.speakers import SPEAKER_AVERAGE, unit_means
from sertools.results.result import LeftOut
from sertools.tables.pairs import Pairs, pairs
from sertools.tables.tables import Tables


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
