"""Describes the audio of a corpus, and properties of recordings that correlate with labels or groups."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.audio import recording
from sertools.audio.recording import Recording
from sertools.corpora.values import counted, some
from sertools.labels import DIMENSIONS

CROSSED = ("emotion", "sex", "corpus", "language")
"""Columns that properties of recordings are compared with."""

MIN_DIFFERENCE = 0.5
MAX_P = 1e-3
"""A property goes with a value if its share differs by this much, and Fisher's exact test gives this p."""

LARGE = 0.8
"""A difference of two means by this many standard deviations is large (Cohen 1988)."""

BANDS_HZ = (4200, 8400)
"""Ends of the bands of telephone speech and of speech at 16 kHz, with a margin."""

MOSTLY = 0.5

SKEWED = 0.1
"""From this skewness on, the polarity of a voice is clear enough."""


def properties(found: Mapping[str, Recording]) -> pd.DataFrame:
    """The properties of clips that may differ between recordings, as texts or truth values; index: clips."""
    return pd.DataFrame(
        [
            {
                "sampling rate": f"{c.rate} Hz",
                "number of channels": f"{c.channels}",
                "effective bandwidth": _band(c.bandwidth_hz),
                "polarity of the voice": _polarity(c.polarity),
                "peak above full scale": c.peak > 1,
                "clipping": c.clipped >= recording.CLIPPED_SHARE,
                "constant offset": abs(c.offset) >= recording.OFFSET,
                "mostly silence": c.silence > MOSTLY,
            }
            for c in found.values()
        ],
        index=pd.Index(list(found), dtype=object),
    )


def description(clips: pd.DataFrame, found: Mapping[str, Recording]) -> list[str]:
    """Sentences on rates, channels, levels and bandwidths, and on those that correlate with labels or groups.

    Args:
        clips: index `clip`; labels and attributes
        found: clip → how it was recorded, for the clips that can be read
    """
    if not found:
        return []
    table = properties(found)
    sentences = [
        f"{name}: {', '.join(f'{value} ({n})' for value, n in table[name].value_counts().items())}"
        for name in ("sampling rate", "number of channels", "effective bandwidth", "polarity of the voice")
    ]
    opposed = [clip for clip, c in found.items() if c.opposed]
    if opposed:
        sentences.append(
            f"{counted(len(opposed), 'clip')} with channels of opposite polarity, whose mean cancels the "
            f"speech; choose one in a column channel: {some(opposed)}"
        )
    for name in ("peak above full scale", "clipping", "constant offset", "mostly silence"):
        having = list(table.index[table[name]])
        if having:
            sentences.append(f"{counted(len(having), 'clip')} with {name}: {some(having)}")
    return [*sentences, *confounds(clips, table)]


def confounds(clips: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Properties that most clips with a label or of a group have and most others do not, or the reverse.

    Args:
        clips: index `clip`; labels and attributes
        table: from `properties`
    """
    having = {}
    for name in map(str, table.columns):
        for level in table[name].unique():
            if level not in (False, "unclear", "unknown"):
                what = name if isinstance(level, bool | np.bool_) else f"{name} {level}"
                having[what] = table[name] == level
    sentences = []
    for column in (*CROSSED, *DIMENSIONS):
        if column not in clips:
            continue
        values = clips.loc[table.index, column].dropna()
        compare = _rated_apart if column in DIMENSIONS else _going_together
        for what, has in having.items():
            sentences += compare(values, has[values.index].to_numpy(dtype=bool), column, what)
    return sentences


def _rated_apart(values: pd.Series, has: NDArray[np.bool_], column: str, what: str) -> list[str]:
    """A sentence if the clips with a property are rated much higher or lower than all others.

    Args:
        values: ratings of the dimension, shape (n,)
        has: whether a clip has the property, shape (n,)
        column: name of the dimension
        what: name of the property
    """
    from scipy.stats import mannwhitneyu

    ratings = values.to_numpy(dtype=float)
    own, others = ratings[has], ratings[~has]
    if len(own) < 2 or len(own) > len(others):  # the larger part shows the same difference again
        return []
    within = np.sqrt((own.var() * len(own) + others.var() * len(others)) / len(ratings))
    if abs(own.mean() - others.mean()) < LARGE * within or mannwhitneyu(own, others).pvalue > MAX_P:
        return []
    return [
        f"{counted(len(own), 'clip')} with {what} have a mean {column} of {own.mean():.2f}, all others "
        f"{others.mean():.2f}: a model may predict {column} from the recording"
    ]


def _going_together(values: pd.Series, has: NDArray[np.bool_], column: str, what: str) -> list[str]:
    """Sentences on the values of a column whose clips have a property much more often than all others.

    Args:
        values: the column, shape (n,)
        has: whether a clip has the property, shape (n,)
        column: name of the column
        what: name of the property
    """
    from scipy.stats import fisher_exact

    sentences = []
    for value in sorted(values.unique()):
        own = (values == value).to_numpy(dtype=bool)
        n, others = int(own.sum()), int((~own).sum())
        if not n or not others:
            continue
        with_own, with_others = int(has[own].sum()), int(has[~own].sum())
        if with_own / n - with_others / others < MIN_DIFFERENCE:
            continue
        if fisher_exact([[with_own, n - with_own], [with_others, others - with_others]]).pvalue <= MAX_P:
            sentences.append(
                f"{with_own} of {n} clips with {column} {value} have {what}, of all others {with_others} of "
                f"{others}: a model may predict {column} from the recording"
            )
    return sentences


def _polarity(skewness: float) -> str:
    if not abs(skewness) >= SKEWED:  # also for nan
        return "unclear"
    return "positive" if skewness > 0 else "negative"


def _band(bandwidth_hz: float) -> str:
    if np.isnan(bandwidth_hz):
        return "unknown"
    return next((f"up to {end // 1000} kHz" for end in BANDS_HZ if bandwidth_hz <= end), "above 8 kHz")
