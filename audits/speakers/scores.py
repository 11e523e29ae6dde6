"""The score of each speaker, over all of the speaker's clips and over random draws of them."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.metrics.speakers import RANK_DECIMALS, scores_of_draws
from sertools.randomness import identity_rng
from sertools.statistics.bootstrap import UNDEFINED
from sertools.statistics.jackknife import MIN_UNITS, Estimate, estimate
from sertools.statistics.proportions import proportion
from sertools.statistics.statistic import Statistic, without_each
from sertools.tables.pairs import Pairs
from sertools.tables.tables import Tables

MIN_CLIPS_FOR_SCORE = 10
"""Fewest clips of a speaker for a score of their own."""

MIN_CLIPS_FOR_SPREAD = 60
"""Fewest clips of a speaker whose CCC enters the spread: with fewer, its standard error is not reliable."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How speakers are judged by random draws of their clips (Wagner et al. 2023).

    Attributes:
        min_clips: speakers with more clips than this are judged, in draws of this size
        draws: number of draws per speaker
        seed: random seed of the draws
    """

    min_clips: int
    draws: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One speaker's score on one target.

    Attributes:
        name: name in the corpus
        score: score over all clips of the speaker, with its 95 % interval over clips
        simultaneous: the same score with an interval at the level that holds for all speakers simultaneously
        chance: score of a constant on these clips
        error: standard error of the score over clips; nan if undefined
        mean, deviation, low, high: of the protocol's draws; nan if the protocol does not apply
        judged: the protocol applies
        same_truth: all clips of the speaker have the same truth, so that there is no score
    """

    name: str
    score: Estimate
    simultaneous: Estimate
    chance: float
    error: float
    mean: float = np.nan
    deviation: float = np.nan
    low: float = np.nan
    high: float = np.nan
    judged: bool = False
    same_truth: bool = False


def speaker_scores(pair: Pairs, tables: Tables, target: str, protocol: Protocol) -> list[Speaker]:
    """Scores of the speakers with at least `MIN_CLIPS_FOR_SCORE` clips.

    Args:
        pair: truth and predictions of the target
        tables: clips, with their speakers
        target: a dimension, or `emotion`
        protocol: which speakers are judged by draws, and how
    """
    statistic = uar_statistic(pair.classes) if pair.classes else CCC
    names = _speaker_names(tables, pair)
    sizes = np.bincount(pair.unit, minlength=pair.units)
    judged = sizes > protocol.min_clips
    together = int(judged.sum() if judged.sum() >= MIN_UNITS else (sizes >= MIN_CLIPS_FOR_SCORE).sum())
    found = []
    for code in np.flatnonzero(sizes >= MIN_CLIPS_FOR_SCORE):
        own = pair.take(pair.unit == code)
        speaker = Speaker(
            name=names[code],
            score=_score_over_clips(statistic, own, 0.95),
            simultaneous=_score_over_clips(statistic, own, 1 - 0.05 / together),
            chance=1 / len(np.unique(own.truth)) if pair.classes else 0.0,
            error=float(np.sqrt((own.n - 1) * np.var(_scores_without_clip(statistic, own)))),
            judged=bool(judged[code]),
            same_truth=has_same_truth(own),
        )
        if speaker.judged and not speaker.same_truth:
            rng = identity_rng(protocol.seed, target, names[code])
            drawn = scores_of_draws(
                statistic, own.truth, own.prediction, size=protocol.min_clips, draws=protocol.draws, rng=rng
            )
            speaker = _with_draws(speaker, drawn)
        found.append(speaker)
    return found


def compared_speakers(speakers: list[Speaker]) -> tuple[list[Speaker], bool]:
    """The speakers over whom worst, best and spread are taken, and whether the protocol judges them."""
    judged = [speaker for speaker in speakers if speaker.judged]
    return (judged, True) if len(judged) >= MIN_UNITS else (speakers, False)


def compared_in_spread(speakers: list[Speaker], target: str) -> list[Speaker]:
    """The speakers whose scores enter the spread, and whose standard errors are known."""
    fewest = MIN_CLIPS_FOR_SCORE if target == "emotion" else MIN_CLIPS_FOR_SPREAD
    return [each for each in worst_first(speakers) if each.score.n >= fewest and np.isfinite(each.error)]


def has_same_truth(own: Pairs) -> bool:
    """Whether all clips of one speaker have the same rating, or the same emotion.

    Such a speaker has no score: CCC would be 0 whatever the predictions are, and UAR would be the recall of a
    single emotion, which a constant may get right.
    """
    return bool(own.n) and bool((own.truth == own.truth[0]).all())


def worst_first(speakers: list[Speaker]) -> list[Speaker]:
    """Speakers with a defined score, worst first: ordered by how far it is above chance."""
    scored = [speaker for speaker in speakers if not np.isnan(speaker.score.value)]
    # scores that differ only by rounding are ties, which are ordered by name
    return sorted(scored, key=lambda s: (round(s.score.value - s.chance, RANK_DECIMALS), s.name))


def _speaker_names(tables: Tables, pair: Pairs) -> list[str]:
    """The name of each unit; a clip whose speaker is unknown is its own unit."""
    first = np.unique(pair.unit, return_index=True)[1]
    named = tables.clips.loc[pair.clips[first], "speaker"]
    return ["unknown" if pd.isna(name) else str(name) for name in named]


def _score_over_clips(statistic: Statistic, own: Pairs, level: float) -> Estimate:
    """The score of one speaker's clips, with each clip as its own unit."""
    clip = np.arange(own.n)
    if has_same_truth(own):
        what = "emotion" if own.classes else "rating"
        reason = f"{statistic.name} of a speaker whose clips all have the same {what} is undefined"
        return Estimate(value=np.nan, low=np.nan, high=np.nan, n=own.n, units=1, reason=reason)
    found = estimate(statistic, own.truth, own.prediction, clip, own.n, level=level, unit_noun="clip")
    right = own.truth == own.prediction
    if statistic is not CCC and (right.all() or not right.any()):
        # if all or none are right, UAR equals the accuracy, and a proportion has an interval even then
        found = proportion(right, clip, own.n, level=level)
    return replace(found, units=1)


def _scores_without_clip(statistic: Statistic, own: Pairs) -> NDArray[np.float64]:
    """The score of one speaker without each clip in turn, shape (n,)."""
    if has_same_truth(own):
        return np.full(own.n, np.nan)
    sums = statistic.sums(own.truth, own.prediction, np.arange(own.n), own.n)
    return without_each(statistic.value, sums)


def _with_draws(speaker: Speaker, drawn: NDArray[np.float64]) -> Speaker:
    """The speaker with mean, deviation and 95 % range of the draws, if enough of them have a score."""
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < (1 - UNDEFINED) * len(drawn):
        return speaker
    low, high = np.quantile(defined, [0.025, 0.975])
    return replace(
        speaker,
        mean=float(defined.mean()),
        deviation=float(defined.std(ddof=1)),
        low=float(low),
        high=float(high),
    )
