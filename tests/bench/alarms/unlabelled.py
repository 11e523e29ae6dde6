"""Unlabelled: do intervals of estimated scores hold the score, and sets the truth of speakers never heard?"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from sertools.audits.unlabelled.answers import Answers
from sertools.audits.unlabelled.conformal import sets
from sertools.audits.unlabelled.estimates import by_confidence, of_labelled, prediction_powered, rehearsed
from sertools.audits.unlabelled.moments import moments

from sertools.statistics.jackknife import Estimate

CLASSES = 6
SIZES = ((12, 60), (24, 60), (91, 82))
SHARE = 0.2
"""Share of the speakers of the new clips that are labelled."""


def rows(runs: int, seed: int) -> Iterator[list[object]]:
    """Coverage of the intervals of each estimate, and of conformal sets."""
    yield [
        *("speakers", "target", "true", "by confidence", "prediction-powered", "labelled alone"),
        *("width of PPI", "of labelled alone", "rehearsal within chance", "sets hold", "sets below .85"),
    ]
    for speakers, per_speaker in SIZES:
        for target in ("emotion", "arousal"):
            yield _row(speakers, per_speaker, target, runs, seed)


def drawn(rng: np.random.Generator, speakers: int, per_speaker: int, target: str) -> Answers:
    """Answers to clips of new speakers, overconfident by a factor, with all labels known."""
    unit = np.repeat(np.arange(speakers), per_speaker)
    n = len(unit)
    index = pd.Index([f"c{i:06d}" for i in range(n)])
    if target == "arousal":
        truth = np.clip(rng.normal(0.5, 0.15, n), 0, 1)
        level, slope = rng.normal(0, 0.05, speakers)[unit], rng.normal(0.6, 0.15, speakers)[unit]
        scores = (0.5 + level + slope * (truth - 0.5) + rng.normal(0, 0.08, n))[:, None]
        truth = truth.astype(np.float64)
    else:
        ability = np.exp(rng.normal(0, 0.3, speakers))[unit][:, None]
        truth = rng.integers(0, CLASSES, n)
        evidence = rng.normal(0, 1, (n, CLASSES)) + 1.8 * ability * np.eye(CLASSES)[truth]
        logits = 1.8 * 1.6 * evidence  # 1.6 times as sure as it should be
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        truth = truth.astype(np.float64)
    return Answers(
        target=target,
        clips=index,
        truth=truth,
        scores=scores,
        unit=unit,
        corpus=np.full(n, "", dtype=object),
        by_speaker=True,
        in_words=False,
    )


def _true_score(target: str) -> float:
    """The score on a thousand speakers."""
    many = drawn(np.random.default_rng(99), 3000, 60, target)
    of = moments(many, many)
    return float(of.score(of.true.mean(axis=0)))


def _holds(value: Estimate, true: float) -> bool:
    return bool(value.low <= true <= value.high)


def _row(speakers: int, per_speaker: int, target: str, runs: int, seed: int) -> list[object]:
    true = _true_score(target)
    found = []
    for i in range(runs):
        rng = np.random.default_rng([seed, i, speakers, len(target)])
        source = drawn(rng, speakers, per_speaker, target)
        new = drawn(rng, speakers, per_speaker, target)
        few = new.unit < max(5, round(SHARE * speakers))
        hidden = replace(new, truth=np.where(few, new.truth, np.nan))
        none = replace(new, truth=np.full(len(new.truth), np.nan))
        of = moments(hidden, hidden.take(hidden.labelled))
        powered, alone = prediction_powered(of, hidden), of_labelled(of, hidden)
        conformal = sets(source, new, 0.1)
        found.append(
            [
                _holds(by_confidence(none, source), true),
                _holds(powered, true),
                _holds(alone, true),
                powered.high - powered.low,
                alone.high - alone.low,
                _holds(rehearsed(new, source), 0.0),
                conformal.coverage.value,
            ]
        )
    table = np.array(found, dtype=np.float64)
    return [speakers, target, true, *table.mean(axis=0).tolist(), float((table[:, -1] < 0.85).mean())]
