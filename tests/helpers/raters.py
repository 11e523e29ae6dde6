"""Clips whose raters err as is asked for, with the truth that they were drawn from."""

import numpy as np
import pandas as pd

from sertools.tables.tables import Tables
from sertools.tables.votes import packed

CLASSES = ("anger", "fear", "neutral", "sadness")


def _clips(speakers: int, clips: int) -> pd.DataFrame:
    index = pd.Index([f"clip {i:04d}" for i in range(speakers * clips)], name="clip")
    speaker = np.repeat([f"s{i}" for i in range(speakers)], clips)
    return pd.DataFrame({"file": index, "speaker": speaker}, index=index)


def votes_of_raters(
    *, speakers: int, clips: int, raters: int, right: float, differ: float = 0.0, seed: int
) -> Tables:
    """Each rater names the class of a clip with probability `right`, otherwise one of the others.

    That probability differs between speakers, by `differ` in either direction.
    """
    rng = np.random.default_rng(seed)
    table = _clips(speakers, clips)
    n, c = len(table), len(CLASSES)
    truth = rng.integers(0, c, n)
    wrong = (truth[:, None] + rng.integers(1, c, (n, raters))) % c
    probability = np.repeat(right + rng.choice([-differ, differ], speakers), clips)
    said = np.where(rng.random((n, raters)) < probability[:, None], truth[:, None], wrong)
    for code, name in enumerate(CLASSES):
        table[f"votes_{name}"] = (said == code).sum(axis=1).astype(float)
    table["emotion"] = np.array(CLASSES, dtype=object)[truth]
    return Tables(clips=table, predictions={})


def alpha_of_raters(right: float, differ: float = 0.0) -> float:
    """Krippendorff's α of all clips that `votes_of_raters` could draw."""
    c = len(CLASSES)
    agree = np.mean([p**2 + (1 - p) ** 2 / (c - 1) for p in (right - differ, right + differ)])
    return float((agree - 1 / c) / (1 - 1 / c))


def rated_tables(*, speakers: int, clips: int, raters: int, noise: float, spread: float, seed: int) -> Tables:
    """Ratings of arousal: a true value of standard deviation `spread`, and an error of each rater."""
    rng = np.random.default_rng(seed)
    table = _clips(speakers, clips)
    truth = rng.normal(0.5, spread, len(table))
    ratings = truth[:, None] + rng.normal(0, noise, (len(table), raters))
    table["ratings_arousal"] = packed(ratings.tolist(), table.index)
    table["arousal"] = ratings.mean(axis=1)
    return Tables(clips=table, predictions={})
