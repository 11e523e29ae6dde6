"""Whether predictions of dimensions without ratings are in the range expected for each emotion."""

import numpy as np

from sertools.auditing.findings import finding
from sertools.metrics import distribution
from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.results.result import Finding
from sertools.statistics.proportions import proportion
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import Pairs, speaker_codes, unanswered_clips
from sertools.tables.tables import Tables

RANGES = {"low": (-np.inf, 0.45), "neutral": (0.3, 0.6), "high": (0.55, np.inf)}
EXPECTED = {
    "arousal": {
        "low": ("boredom", "sadness"),
        "neutral": ("neutral",),
        "high": ("anger", "fear", "surprise"),
    },
    "dominance": {
        "low": ("fear", "sadness"),
        "neutral": ("happiness", "neutral", "surprise"),
        "high": ("anger",),
    },
    "valence": {
        "low": ("anger", "disgust", "fear", "frustration", "sadness"),
        "neutral": ("boredom", "neutral"),
        "high": ("happiness",),
    },
}
"""The range of each dimension that the literature expects for an emotion, as collected by ser-tests."""


def expected_range_findings(tables: Tables) -> list[Finding]:
    """The share of each emotion's clips in the expected range, for each dimension that nobody rated."""
    if "emotion" not in tables.clips:
        return []
    unrated = [dimension for dimension in tables.model_dimensions if dimension not in tables.dimensions]
    return [each for dimension in unrated for each in _dimension_findings(tables, dimension)]


def _dimension_findings(tables: Tables, dimension: str) -> list[Finding]:
    codes, by_speaker = speaker_codes(tables.clips)
    emotion = tables.clips["emotion"].to_numpy(dtype=object)
    prediction = tables.predictions[CLEAN][dimension].to_numpy()
    present = set(emotion)
    expected = {
        name: level for level, names in EXPECTED[dimension].items() for name in names if name in present
    }
    if not expected:
        return []
    order = np.array([list(RANGES).index(expected[e]) if e in expected else -1 for e in emotion])
    known = (order >= 0) & np.isfinite(prediction)
    # a mid-scale constant is in most ranges, so predictions must rise with them
    every = Pairs(
        truth=order / 2.0,
        prediction=prediction,
        unit=codes,
        units=0,
        by_speaker=by_speaker,
        clips=tables.clips.index,
        deviation=float(np.std(prediction[known])) if known.any() else np.nan,
    )
    withheld = not_better_than_constant(every.take(known))
    # an unanswered clip is in no range: comparisons with nan are false
    asked = known | ((order >= 0) & unanswered_clips(tables, prediction))
    found = []
    for name, level in expected.items():
        here = asked & (emotion == name)
        speakers, unit = np.unique(codes[here], return_inverse=True)
        inside = distribution.in_range(prediction[here], *RANGES[level])
        found.append(
            finding(
                "in_expected_range",
                proportion(inside, unit, len(speakers)),
                target=dimension,
                slice=f"emotion={name}",
                by_speaker=by_speaker,
                withheld=withheld,
            )
        )
    return found
