"""Tables with a known truth, and a model whose quality is chosen, for the tests of audits."""

import dataclasses

import numpy as np
import pandas as pd

from sertools.tables.condition import CLEAN
from sertools.tables.tables import Tables

EMOTIONS = ("anger", "happiness", "neutral", "sadness")


def made(
    sizes, *, dimensions=("arousal",), classes=(), noise=0.05, levels=None, spread=0.15, seed=0
) -> Tables:
    """Speakers with these numbers of clips, and a model that errs by `noise`.

    Args:
        sizes: clips of each speaker
        dimensions: rated and predicted
        classes: emotions; the model gives the true one the probability 1 − noise
        noise: standard deviation of the error of a dimension
        levels: mean rating of each speaker; drawn where not given
        spread: standard deviation of a speaker's ratings
        seed: of all that is drawn
    """
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(len(sizes)), sizes)
    n = len(unit)
    index = pd.Index([f"clip {i}" for i in range(n)], name="clip")
    clips = pd.DataFrame({"file": "x.wav", "speaker": [f"s{u}" for u in unit]}, index=index)
    scores = pd.DataFrame(index=index)
    for dimension in dimensions:
        mean = rng.uniform(0.25, 0.75, len(sizes)) if levels is None else np.asarray(levels, dtype=float)
        clips[dimension] = np.clip(mean[unit] + rng.normal(0, spread, n), 0, 1)
        scores[dimension] = clips[dimension] + rng.normal(0, noise, n)
    if classes:
        code = np.concatenate([np.arange(size) % len(classes) for size in sizes])
        clips["emotion"] = np.array(classes, dtype=object)[code]
        sure = np.eye(len(classes))[code] * (1 - noise) + noise / len(classes)
        scores[list(classes)] = sure
    return Tables(
        clips=clips,
        predictions={CLEAN: scores},
        dimensions=tuple(dimensions),
        classes=tuple(classes),
        model_classes=tuple(classes),
    )


def unheard(tables: Tables) -> Tables:
    """The tables in which clips without scores could not be heard, so that no answer is owed for them."""
    rows = [
        {"clip": clip, "condition": condition, "reason": "broken", "asked": False}
        for condition, scores in tables.predictions.items()
        for clip in scores.index[scores.isna().any(axis=1)]
    ]
    return dataclasses.replace(tables, missing=pd.DataFrame(rows))


def trivial(tables: Tables, kind: str, seed: int = 0) -> Tables:
    """The same clips with the answers of a model that knows nothing: `constant` or `random`."""
    rng = np.random.default_rng(seed)
    scores = tables.predictions[CLEAN].copy()
    for dimension in tables.dimensions:
        drawn = np.clip(rng.normal(0.5, 1 / 6, len(scores)), 0, 1)
        scores[dimension] = 0.5 if kind == "constant" else drawn
    if tables.classes:
        c = len(tables.model_classes)
        drawn = rng.dirichlet(np.ones(c), len(scores))
        scores[list(tables.model_classes)] = np.eye(c)[0] if kind == "constant" else drawn
    return tables.with_predictions({CLEAN: scores})
