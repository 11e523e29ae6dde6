"""Proxies: does the corrected interval hold the true gap on CREMA-D labels with noise in the attribute?

The labels are those of CREMA-D (a table with the columns speaker, sex and emotion; SERTOOLS_CREMA_D names
it), or a corpus of the same size where there is none. Answers are simulated: each speaker is drawn anew, with
a probability of a right answer that depends on sex, emotion and speaker. The predicted sex of a speaker is
wrong with known rates.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sertools.audits.proxies.attribute import UNKNOWN, Attribute, Rate
from sertools.audits.proxies.correction import gap_of

from sertools.metrics.classification import uar_statistic
from sertools.tables.pairs import Pairs

CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
GAP = 0.12
RATES = ((0.95, 0.95), (0.9, 0.85), (0.8, 0.8))
KNOWN = (91, 60, 30, 26, 0)
DRAWN = 200
"""Speakers on which given rates are measured."""


def labels() -> pd.DataFrame:
    """Speaker, sex and emotion of all clips of CREMA-D, or of a corpus of the same size."""
    place = os.environ.get("SERTOOLS_CREMA_D")
    if place and Path(place).is_file():
        return pd.read_csv(place, usecols=["speaker", "sex", "emotion"], dtype=str)
    speaker = np.repeat(np.arange(91), 82)
    return pd.DataFrame(
        {
            "speaker": [f"{code:04d}" for code in speaker],
            "sex": np.where(speaker < 43, "female", "male"),
            "emotion": np.array(CLASSES)[np.arange(len(speaker)) % 6],
        }
    )


def rows(runs: int, seed: int) -> Iterator[list[object]]:
    """Rates, known speakers, true gap, mean gap found, and coverage of the intervals."""
    yield [
        "right",
        "known",
        "true gap",
        "corrected",
        "uncorrected",
        "covered",
        "has an interval",
        "covered uncorrected",
        "width",
    ]
    clips = labels()
    true = _true_gap(clips)
    for rates in RATES:
        for known in KNOWN:
            yield _row(clips, true, rates, known, runs, seed)


def _probabilities(
    rng: np.random.Generator, woman: np.ndarray, emotion: np.ndarray, speaker: np.ndarray
) -> np.ndarray:
    base = np.linspace(0.45, 0.75, 6)[emotion] + GAP * (woman - 0.5)
    own = rng.normal(0, 0.4, speaker.max() + 1)[speaker]
    p: np.ndarray = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + own)))
    return p


def _coded(clips: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    speaker = pd.factorize(clips["speaker"])[0]
    woman = (clips["sex"] == "female").to_numpy(dtype=float)
    return speaker, woman, clips["emotion"].map(list(CLASSES).index).to_numpy()


def _true_gap(clips: pd.DataFrame) -> float:
    """UAR of infinitely many women minus that of men: the mean probability of a right answer."""
    speaker, _, emotion = _coded(clips)
    rng = np.random.default_rng(1)
    means = []
    for woman in (1.0, 0.0):
        p = np.mean(
            [_probabilities(rng, np.full(len(clips), woman), emotion, speaker) for _ in range(400)], axis=0
        )
        means.append(np.mean([p[emotion == k].mean() for k in range(6)]))
    return float(means[0] - means[1])


def _row(
    clips: pd.DataFrame, true: float, rates: tuple[float, float], known: int, runs: int, seed: int
) -> list[object]:
    speaker, woman, emotion = _coded(clips)
    man = 1 - woman[np.unique(speaker, return_index=True)[1]].astype(int)
    pair = Pairs(
        truth=emotion,
        prediction=emotion,
        unit=speaker,
        units=len(man),
        by_speaker=True,
        clips=pd.RangeIndex(len(clips)),
        classes=6,
    )
    found = []
    for i in range(runs):
        rng = np.random.default_rng([seed, i, known, int(100 * rates[0])])
        right = rng.random(len(clips)) < _probabilities(rng, woman, emotion, speaker)
        answer = np.where(right, emotion, (emotion + rng.integers(1, 6, len(clips))) % 6)
        wrong = rng.random(len(man)) > np.where(man == 0, rates[0], rates[1])
        told = np.isin(np.arange(len(man)), rng.permutation(len(man))[:known])
        groups = Attribute(
            column="predicted",
            names=("female", "male"),
            predicted=np.where(wrong, 1 - man, man),
            known=np.where(told, man, UNKNOWN),
        )
        given = None
        if not known:
            measured = [int(rng.binomial(DRAWN, rate)) / DRAWN for rate in rates]
            given = (Rate(right=measured[0], n=DRAWN, text=""), Rate(right=measured[1], n=DRAWN, text=""))
        gap = gap_of(uar_statistic(6), replace(pair, prediction=answer), groups, given)
        found.append((gap.corrected, gap.uncorrected))
    corrected, uncorrected = ([each[k] for each in found] for k in (0, 1))
    return [
        f"{rates[0]:.0%} / {rates[1]:.0%}",
        known or f"none; rates of {DRAWN}",
        true,
        float(np.nanmean([e.value for e in corrected])),
        float(np.mean([e.value for e in uncorrected])),
        float(np.mean([e.low <= true <= e.high for e in corrected if not np.isnan(e.low)])),
        float(np.mean([not np.isnan(e.low) for e in corrected])),
        float(np.mean([e.low <= true <= e.high for e in uncorrected])),
        float(np.nanmean([e.high - e.low for e in corrected])),
    ]
