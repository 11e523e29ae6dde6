"""Predictions for one target on clean and on perturbed audio, and whether they vary at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sertools.metrics.better_than_chance import LEVEL_OF_SKILL_TEST, NOT_BETTER, not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC, PCC
from sertools.metrics.unchanged import scale_free_tolerance, share_of_equal_pairs, spread
from sertools.statistics.jackknife import estimate
from sertools.statistics.statistic import Statistic, overall
from sertools.tables.condition import CLEAN
from sertools.tables.emotion_norms import derive
from sertools.tables.pairs import pairs, speaker_codes
from sertools.tables.tables import Tables

UNLABELLED = "the corpus has no labels for this target, so robust and constant predictions look the same"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Predictions on clean audio for one target, with the truth.

    Attributes:
        target: a dimension, or `emotion`
        classes: number of class codes; 0 for a dimension
        clean: predictions on clean audio, shape (n,), ratings or class codes; nan if missing
        truth: shape (n,), same unit; nan if unknown
        unit: speaker codes, shape (n,)
        units: number of codes
        by_speaker: the units are speakers
        score: CCC or UAR on clean audio; nan if there is no truth
        spread: sd(p) / sd(t) on clean audio; nan for emotion, and if there is no truth
        alike: share of pairs of different clips whose clean predictions would count as unchanged
        reason: why the predictions are not shown to be better than a constant; empty if they are
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
        """The corpus has labels to check the predictions against, either ratings or emotions."""
        return self.reason != UNLABELLED

    @property
    def chance(self) -> float:
        """Score of a constant: 0 for CCC, one over the number of true classes for UAR."""
        return 1 / max(len(np.unique(self.truth[np.isfinite(self.truth)])), 1) if self.classes else 0.0


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Predictions for one target on perturbed audio, with those on clean audio.

    Attributes:
        of: predictions on clean audio
        conditions: name of each of the k perturbations, e.g. `gain@drawn` → its conditions, one per repeated
            draw
        draws: perturbation → predictions, shape (n, r), one column per repeated draw; nan if missing
        unchanged: share of draws in which a clip's prediction is unchanged, shape (n, k); nan if missing
        scale_free: the same with tolerance · sd(p) / sd(t); None if the spread is unknown
    """

    of: Answers
    conditions: Mapping[str, Sequence[str]]
    draws: Mapping[str, np.ndarray]
    unchanged: np.ndarray
    scale_free: np.ndarray | None

    @property
    def changes(self) -> tuple[str, ...]:
        """Names of the k perturbations."""
        return tuple(self.conditions)

    def outcomes(self, change: str, tolerance: float) -> np.ndarray:
        """Unchanged or not, shape (n, r): 1, 0, or nan if the clean or perturbed prediction is missing."""
        return _outcomes(self.of, self.draws[change], tolerance)

    def stacked(self, change: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Clean predictions, perturbed predictions and row numbers of clips with both, draws stacked."""
        after = self.draws[change]
        clip = np.tile(np.arange(len(after)), after.shape[1])
        clean, flat = self.of.clean[clip], after.T.ravel()
        there = np.isfinite(clean) & np.isfinite(flat)
        return clean[there], flat[there], clip[there]


def answered(tables: Tables, target: str, condition: str = CLEAN) -> np.ndarray:
    """Predictions under a condition, shape (n,): ratings, or codes of `model_classes`; nan if missing."""
    scores = tables.predictions[condition]
    if target != "emotion":
        return scores[target].to_numpy(dtype=float)
    of_classes = scores[list(tables.model_classes)].to_numpy(dtype=float)
    known = np.isfinite(of_classes).all(axis=1)
    return np.where(known, np.where(known[:, None], of_classes, 0.0).argmax(axis=1), np.nan)


def targets(tables: Tables) -> list[str]:
    """Targets of a model on this corpus: its dimensions, rated or not, and emotion if both have it."""
    return [*tables.model_dimensions, *(["emotion"] if tables.classes else [])]


def clean_answers(tables: Tables, target: str, tolerance: float) -> Answers:
    """Predictions on clean audio for a target, and whether they are better than a constant.

    If a dimension has no ratings but the corpus has emotion labels, it counts as better than a constant if it
    increases with the emotion's mean rating (Russell & Mehrabian 1977): Pearson's r above 0, 99.9 % interval.

    Args:
        tables: clips and clean predictions
        target: one of `targets(tables)`
        tolerance: ratings that differ by less than this count as the same
    """
    unit, by_speaker = speaker_codes(tables.clips)
    clean = answered(tables, target)
    there = clean[np.isfinite(clean)]
    classes = len(tables.model_classes) if target == "emotion" else 0
    truth, score, moves = np.full(len(clean), np.nan), np.nan, np.nan
    if classes or target in tables.dimensions:
        pair = pairs(tables, target)
        truth[tables.clips.index.get_indexer(pair.clips)] = pair.truth
        reason = not_better_than_constant(pair, classes)
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
        alike=share_of_equal_pairs(there, 0 if classes else tolerance),
        reason=reason,
    )


def _doubt_by_emotion(tables: Tables, dimension: str, clean: np.ndarray, unit: np.ndarray) -> str:
    """Why a dimension without ratings is not shown to follow the emotions; empty if it is."""
    if "emotion" not in tables.clips:
        return UNLABELLED
    expected = derive(tables.clips["emotion"])[dimension].to_numpy(dtype=float)
    known = np.isfinite(expected) & np.isfinite(clean)
    if len(np.unique(expected[known])) < 2:
        return UNLABELLED
    kept, codes = np.unique(unit[known], return_inverse=True)
    found = estimate(PCC, expected[known], clean[known], codes, len(kept), level=LEVEL_OF_SKILL_TEST)
    if np.isnan(found.value):
        return NOT_BETTER
    if np.isnan(found.low):
        return found.reason
    return "" if found.low > 0 else NOT_BETTER


def changed_answers(
    tables: Tables, of: Answers, changes: Mapping[str, Sequence[str]], tolerance: float
) -> Changed:
    """Predictions for a target under each perturbation.

    Args:
        tables: clips and predictions
        of: predictions on clean audio, from `clean_answers`
        changes: name of a perturbation → its conditions, one for each repeated draw
        tolerance: ratings that differ by less than this count as unchanged; for emotion the class must be the
            same
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
    """Share of the draws in which each clip's prediction is unchanged, shape (n, k)."""
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
