"""Frames beside features, row by row in float64, as the definitions read: what sums are held to."""

import functools

import numpy as np

from sertools.corpora.corpus import fingerprint
from sertools.inference.frames.compute import frame_sums
from sertools.inference.frames.plan import plan
from sertools.inference.jobs import Job
from sertools.inference.settings import Settings
from sertools.models.model import Frames
from sertools.tables.condition import Condition
from sertools.tables.frame_sums import LEVELS, OTHER, OWN, ROLLED, FrameSumsNeeded

EVERYTHING = FrameSumsNeeded(levels=tuple(LEVELS), groups=2, by="emotion", between_layers=True)
"""Sums of every level and kind, by groups, by a label and between layers."""


def rows(
    frames: Frames, own: np.ndarray, other: np.ndarray, layer: int, per_row: int
) -> tuple[list[np.ndarray], dict[str, list[np.ndarray]]]:
    """x of a layer, and y of each kind; `per_row` frames to a row."""
    states = frames.states[layer]
    first, step = frames.first_s[layer], frames.step_s[layer]
    x, mine = pooled(framed(own, first, step, len(states)), per_row, states)
    _, theirs = pooled(framed(other, first, step, len(other)), per_row)
    n = len(mine)
    if not theirs:
        return [], {OWN: [], OTHER: [], ROLLED: []}
    rolled = [mine[(i - n // 2) % n] for i in range(n)]
    return x, {OWN: mine, OTHER: [theirs[i % len(theirs)] for i in range(n)], ROLLED: rolled}


def framed(features: np.ndarray, first: float, step: float, n: int) -> list[list[float] | None]:
    """For each frame the means of the features about 10, 20 … ms within it; None where one is undefined."""
    return _framed(features.astype(np.float64).tobytes(), features.shape, first, step, n)


@functools.lru_cache(maxsize=256)
def _framed(
    content: bytes, shape: tuple[int, int], first: float, step: float, n: int
) -> list[list[float] | None]:
    """The same, once for all layers of one rate."""
    features = np.frombuffer(content).reshape(shape)
    found: list[list[float] | None] = []
    for k in range(n):
        low, high = first + (k - 0.5) * step - 1e-8, first + (k + 0.5) * step - 1e-8
        held = [i for i in range(len(features)) if low <= 0.01 + 0.01 * i < high]
        values = [
            [float(features[i, j]) for i in held if np.isfinite(features[i, j])]
            for j in range(features.shape[1])
        ]
        found.append([sum(v) / len(v) for v in values] if all(values) else None)
    return found


def pooled(
    framed: list[list[float] | None], per_row: int, states: np.ndarray | None = None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Means of the defined frames of every so many consecutive ones: of states, and of features."""
    xs, ys = [], []
    for begin in range(0, len(framed), per_row):
        kept = [k for k in range(begin, min(begin + per_row, len(framed))) if framed[k] is not None]
        if kept:
            ys.append(np.mean([np.array(framed[k]) for k in kept], axis=0))
            if states is not None:
                xs.append(np.mean([states[k].astype(np.float64) for k in kept], axis=0))
    return xs, ys


def summed(model, corpus, root, wanted=EVERYTHING, *, clean=None, **how):
    key = fingerprint(corpus)
    nothing = Job(condition=Condition(), folder=root, shards=(), stored=0, layers=True)
    passes = plan(model, corpus, key, wanted, root)
    return frame_sums(passes, model, corpus, key, Settings(cache=root, **how), clean or nothing)[0]
