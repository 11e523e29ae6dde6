"""Means over seeds with two intervals: how far another seed, and how far other speakers, would move them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from sertools.statistics.jackknife import LEVEL, MIN_UNITS, jackknife_variance
from sertools.studies.run import DoneCell
from sertools.studies.scores import Score, known_measures, read_answers, score
from sertools.studies.study import Cell, Study

Key = tuple[str, tuple[tuple[str, Any], ...]]
"""A variant and its grid values: what is averaged over seeds."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A measure averaged over seeds.

    Attributes:
        value: the mean; nan if a seed has none
        sd: standard deviation over seeds, divisor seeds − 1; nan for one seed
        by_seeds: interval of the mean over seeds, by Student's t; nan for one seed
        by_speakers: interval of the mean over speakers, by the jackknife; nan for fewer than five
        seeds, n, speakers: number of seeds, clips and speakers
    """

    value: float
    sd: float
    by_seeds: tuple[float, float]
    by_speakers: tuple[float, float]
    seeds: int
    n: int
    speakers: int


UNKNOWN = (float("nan"), float("nan"))


def key_of(cell: Cell) -> Key:
    """What a cell has besides its seed."""
    return cell.variant, tuple(cell.at.items())


Scores = Mapping[tuple[str, str], Mapping[Key, Mapping[int, Score]]]
"""Test corpus and measure → variant and grid values → seed → score."""


def scores_of(study: Study, done: Sequence[DoneCell]) -> Scores:
    """The scores of all cells, those of the folds of a seed on all their answers together.

    A seed that lacks a fold has no score, since its score would be of other clips.

    Raises:
        CorpusError: an unknown measure
    """
    files: dict[str, dict[Key, dict[int, list[Path]]]] = {}
    for each in done:
        for test in each.cell.tests:
            seeds = files.setdefault(test, {}).setdefault(key_of(each.cell), {})
            seeds.setdefault(each.cell.seed, []).append(each.answers(test))
    folds = len(study.folds.all) if study.folds else 1
    found: dict[tuple[str, str], dict[Key, dict[int, Score]]] = {}
    for test, keys in files.items():
        for key, seeds in keys.items():
            for seed, paths in seeds.items():
                if len(paths) < folds:
                    continue
                table = read_answers(paths)
                for measure in study.measures or known_measures(table)[:1]:
                    by_key = found.setdefault((test, measure), {})
                    by_key.setdefault(key, {})[seed] = score(table, measure)
    return found


def mean(scores: Mapping[int, Score]) -> Mean:
    """A measure averaged over seeds.

    The interval over speakers is that of the mean of the models that were trained: each speaker is left out
    of all of them at once. The interval over seeds takes the speakers as given.
    """
    values = np.array([each.value for each in scores.values()])
    left_out = _left_out([each.without for each in scores.values()])
    first = next(iter(scores.values()))
    return Mean(
        value=float(values.mean()),
        sd=float(values.std(ddof=1)) if len(values) > 1 else math.nan,
        by_seeds=_over_seeds(values),
        by_speakers=_over_speakers(float(values.mean()), left_out),
        seeds=len(values),
        n=first.n,
        speakers=len(left_out),
    )


def difference(a: Mapping[int, Score], b: Mapping[int, Score]) -> Mean | None:
    """How much higher is a measure, paired by seed and by speaker: a − b? None without a common seed."""
    seeds = [seed for seed in a if seed in b]
    if not seeds:
        return None
    return mean(
        {
            seed: Score(
                value=a[seed].value - b[seed].value,
                without={
                    who: value - b[seed].without[who]
                    for who, value in a[seed].without.items()
                    if who in b[seed].without
                },
                n=a[seed].n,
            )
            for seed in seeds
        }
    )


def ratio(top: Sequence[Mapping[int, Score]], bottom: Sequence[Mapping[int, Score]]) -> Mean | None:
    """(a − b) / (c − d) of means over seeds, with its interval over speakers; None without common seeds."""
    parts = [difference(*top), difference(*bottom)]
    if parts[0] is None or parts[1] is None:
        return None
    above, below = (_mean_without(*pair) for pair in (top, bottom))
    who = [speaker for speaker in above if speaker in below]
    left_out = np.array([_divided(above[speaker], below[speaker]) for speaker in who])
    value = _divided(parts[0].value, parts[1].value)
    return Mean(
        value=value,
        sd=math.nan,
        by_seeds=UNKNOWN,
        by_speakers=_over_speakers(value, left_out),
        seeds=min(parts[0].seeds, parts[1].seeds),
        n=parts[0].n,
        speakers=len(who),
    )


def _mean_without(a: Mapping[int, Score], b: Mapping[int, Score]) -> dict[str, float]:
    """The difference of means over seeds without each speaker."""
    seeds = [seed for seed in a if seed in b]
    who = [w for w in a[seeds[0]].without if all(w in s[seed].without for s in (a, b) for seed in seeds)]
    return {w: float(np.mean([a[seed].without[w] - b[seed].without[w] for seed in seeds])) for w in who}


def _divided(top: float, bottom: float) -> float:
    return top / bottom if bottom else math.nan


def _left_out(without: Sequence[Mapping[str, float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean over seeds without each speaker, for speakers that all seeds have."""
    common = [who for who in without[0] if all(who in each for each in without)]
    return np.array([np.mean([each[who] for each in without]) for who in common])


def _over_seeds(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    if len(values) < 2 or not np.isfinite(values).all():
        return UNKNOWN
    half = float(stdtrit(len(values) - 1, 0.5 + LEVEL / 2) * values.std(ddof=1) / math.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def _over_speakers(value: float, left_out: np.ndarray[Any, Any]) -> tuple[float, float]:
    if len(left_out) < MIN_UNITS or not np.isfinite([value, *left_out]).all():
        return UNKNOWN
    half = float(stdtrit(len(left_out) - 1, 0.5 + LEVEL / 2)) * math.sqrt(jackknife_variance(left_out))
    return value - half, value + half
