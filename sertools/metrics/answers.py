"""What does a model answer for one label on clean and on changed sound, and does it move at all?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sertools.metrics.classify import uar_statistic
from sertools.metrics.intervals import estimate
from sertools.metrics.regress import CCC, PCC
from sertools.metrics.response import alike
from sertools.metrics.robust import scale_free_tolerance, spread
from sertools.metrics.skill import NOT_BETTER, SURE, doubt
from sertools.metrics.sums import Statistic, overall
from sertools.norms import derive
from sertools.tables import CLEAN, Tables, pairs, speaker_codes

UNLABELLED = "the corpus has no truth for it, so staying the same cannot be told from not moving"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The clean answers for one target, beside the truth.

    Attributes:
        target: a dimension, or `emotion`
        classes: number of class codes; 0 for a dimension
        clean: answers for clean sound, shape (n,), ratings or class codes; nan where there is none
        truth: shape (n,), same unit; nan where unknown
        unit: speaker codes, shape (n,)
        units: number of codes
        by_speaker: the units are speakers
        score: CCC or UAR on clean sound; nan where there is no truth
        spread: sd(p) / sd(t) on clean sound; nan for emotion, and where there is no truth
        alike: share of pairs of different clips whose clean answers count as unchanged
        reason: why the answers are not shown to be better than a constant's; empty where they are
    """

    target: str
    classes: int
    clean: np.ndarray
    truth: np.ndarray
    unit: np.ndarray
    units: int
    by_speaker: bool
    score: float
    spread: float
    alike: float
    reason: str

    @property
    def statistic(self) -> Statistic:
        """CCC of a dimension, UAR of emotion."""
        return uar_statistic(self.classes) if self.classes else CCC

    @property
    def labelled(self) -> bool:
        """Something in the corpus says whether the model is right."""
        return self.reason != UNLABELLED

    @property
    def chance(self) -> float:
        """What a constant scores: 0 for CCC, one over the number of true classes for UAR."""
        return 1 / max(len(np.unique(self.truth[np.isfinite(self.truth)])), 1) if self.classes else 0.0


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The answers for one target under changed sound, beside the clean ones.

    Attributes:
        of: the clean answers
        conditions: name of each of the k changes, as `gain@drawn` → its conditions, one a repeated draw
        draws: change → answers, shape (n, r), one column a repeated draw; nan where missing
        unchanged: share of its draws in which a clip's answer stays, shape (n, k); nan where missing
        scale_free: the same with tolerance · sd(p) / sd(t); None where the spread is unknown
    """

    of: Answers
    conditions: Mapping[str, Sequence[str]]
    draws: Mapping[str, np.ndarray]
    unchanged: np.ndarray
    scale_free: np.ndarray | None

    @property
    def changes(self) -> tuple[str, ...]:
        """Names of the k changes."""
        return tuple(self.conditions)

    def outcomes(self, change: str, tolerance: float) -> np.ndarray:
        """Whether each answer stayed, shape (n, r): 1, 0, or nan where clean or changed answer is missing."""
        return _outcomes(self.of, self.draws[change], tolerance)

    def stacked(self, change: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Clean answers, changed answers and row numbers of the clips that have both, draws stacked."""
        after = self.draws[change]
        clip = np.tile(np.arange(len(after)), after.shape[1])
        clean, flat = self.of.clean[clip], after.T.ravel()
        there = np.isfinite(clean) & np.isfinite(flat)
        return clean[there], flat[there], clip[there]


def answered(tables: Tables, target: str, condition: str = CLEAN) -> np.ndarray:
    """The answers under a condition, shape (n,): ratings, or codes of `model_classes`; nan where none."""
    scores = tables.predictions[condition]
    if target != "emotion":
        return scores[target].to_numpy(dtype=float)
    of_classes = scores[list(tables.model_classes)].to_numpy(dtype=float)
    known = np.isfinite(of_classes).all(axis=1)
    return np.where(known, np.where(known[:, None], of_classes, 0.0).argmax(axis=1), np.nan)


def targets(tables: Tables) -> list[str]:
    """What a model answers on this corpus: its dimensions, rated or not, and emotion where both have it."""
    return [*tables.model_dimensions, *(["emotion"] if tables.classes else [])]


def clean_answers(tables: Tables, target: str, tolerance: float) -> Answers:
    """The clean answers for a target, and whether they are any good.

    Where a dimension is not rated but emotions are named, it counts as better than a constant if it rises
    with the emotion's mean rating (Russell & Mehrabian 1977): Pearson's r above 0, 99.9 % interval.

    Args:
        tables: clips and clean predictions
        target: one of `targets(tables)`
        tolerance: below which two ratings count as the same
    """
    unit, by_speaker = speaker_codes(tables.clips)
    clean = answered(tables, target)
    there = clean[np.isfinite(clean)]
    classes = len(tables.model_classes) if target == "emotion" else 0
    truth, score, moves = np.full(len(clean), np.nan), np.nan, np.nan
    if classes or target in tables.dimensions:
        pair = pairs(tables, target)
        truth[tables.clips.index.get_indexer(pair.clips)] = pair.truth
        reason = doubt(pair, classes)
        score = overall(uar_statistic(classes) if classes else CCC, pair.truth, pair.prediction)
        moves = np.nan if classes else spread(pair.truth, pair.prediction)
    else:
        reason = _doubt_by_emotion(tables, target, clean, unit)
    return Answers(
        target=target,
        classes=classes,
        clean=clean,
        truth=truth,
        unit=unit,
        units=int(unit.max(initial=-1)) + 1,
        by_speaker=by_speaker,
        score=score,
        spread=moves,
        alike=alike(there, 0 if classes else tolerance),
        reason=reason,
    )


def _doubt_by_emotion(tables: Tables, dimension: str, clean: np.ndarray, unit: np.ndarray) -> str:
    """Why an unrated dimension is not shown to follow the emotions; empty where it is."""
    if "emotion" not in tables.clips:
        return UNLABELLED
    expected = derive(tables.clips["emotion"])[dimension].to_numpy(dtype=float)
    known = np.isfinite(expected) & np.isfinite(clean)
    if len(np.unique(expected[known])) < 2:
        return UNLABELLED
    kept, codes = np.unique(unit[known], return_inverse=True)
    found = estimate(PCC, expected[known], clean[known], codes, len(kept), level=SURE)
    if np.isnan(found.value):
        return NOT_BETTER
    if np.isnan(found.low):
        return found.reason
    return "" if found.low > 0 else NOT_BETTER


def changed_answers(
    tables: Tables, of: Answers, changes: Mapping[str, Sequence[str]], tolerance: float
) -> Changed:
    """The answers for a target under each change.

    Args:
        tables: clips and predictions
        of: the clean answers, from `clean_answers`
        changes: name → conditions, one for each repeated draw
        tolerance: ratings that differ by less count as unchanged; for emotion the class must stay
    """
    draws = {
        name: np.stack([answered(tables, of.target, condition) for condition in conditions], axis=1)
        for name, conditions in changes.items()
    }
    scaled = np.nan
    if np.isfinite(of.spread):
        known = np.isfinite(of.truth) & np.isfinite(of.clean)
        scaled = scale_free_tolerance(of.truth[known], of.clean[known], tolerance)
    return Changed(
        of=of,
        conditions=changes,
        draws=draws,
        unchanged=_over_draws(of, draws, tolerance),
        scale_free=_over_draws(of, draws, scaled) if np.isfinite(scaled) else None,
    )


def _over_draws(of: Answers, draws: Mapping[str, np.ndarray], tolerance: float) -> np.ndarray:
    """Share of the draws in which each clip's answer stays, shape (n, k)."""
    shares = np.full((len(of.clean), len(draws)), np.nan)
    for k, after in enumerate(draws.values()):
        outcomes = _outcomes(of, after, tolerance)
        there = np.isfinite(outcomes)
        n = there.sum(axis=1)
        np.divide(np.where(there, outcomes, 0.0).sum(axis=1), n, out=shares[:, k], where=n > 0)
    return shares


def _outcomes(of: Answers, after: np.ndarray, tolerance: float) -> np.ndarray:
    moved = np.abs(after - of.clean[:, None])
    stays = moved == 0 if of.classes else moved < tolerance
    return np.where(np.isfinite(moved), stays, np.nan)
