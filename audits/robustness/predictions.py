"""Predictions for one target on clean and on perturbed audio, and whether they vary at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sertools.metrics.better_than_chance import not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.metrics.unchanged import scale_free_tolerance, share_of_equal_pairs, spread
from sertools.statistics.jackknife import Estimate, contrast
from sertools.statistics.shares import change_of_recall
from sertools.statistics.statistic import Statistic, overall
from sertools.tables.emotion_norms import derive
from sertools.tables.pairs import Pairs, pairs, predictions_of, speaker_codes, unanswered_clips, worst_answer
from sertools.tables.tables import Tables

UNLABELLED = "the corpus has no labels for this target, so robust and constant predictions look the same"


@dataclass(frozen=True, kw_only=True)
class CleanPredictions:
    """Predictions on clean audio for one target, with the truth.

    Attributes:
        target: a dimension, or `emotion`
        classes: number of class codes; 0 for a dimension
        prediction: predictions on clean audio, shape (n,), ratings or class codes; nan if missing
        truth: shape (n,), same unit; nan if unknown
        owed: clips with a truth, or an emotion that stands for one, so that a missing answer counts against
            the model, shape (n,)
        unit: speaker codes, shape (n,)
        units: number of codes
        by_speaker: the units are speakers
        score: CCC or UAR on clean audio; nan if there is no truth
        spread: sd(p) / sd(t) on clean audio; nan for emotion, and if there is no truth
        equal_pairs: share of pairs of different clips whose clean predictions would count as unchanged
        reason: why the predictions are not shown to be better than a constant; empty if they are
    """

    target: str
    classes: int
    prediction: NDArray[np.float64]
    truth: NDArray[np.float64]
    owed: NDArray[np.bool_]
    unit: NDArray[np.integer]
    units: int
    by_speaker: bool
    score: float
    spread: float
    equal_pairs: float
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
class PerturbedPredictions:
    """Predictions for one target on perturbed audio, with those on clean audio.

    Attributes:
        clean: predictions on clean audio
        conditions: name of each of the k perturbations, e.g. `gain@drawn` → its conditions, one per repeated
            draw
        draws: perturbation → predictions, shape (n, r), one column per repeated draw; nan if missing
        unanswered: perturbation → whether the model left a clip unanswered, clean or perturbed, shape (n, r)
        unchanged: share of draws in which a clip's prediction is unchanged, shape (n, k); nan if missing; an
            unanswered clip counts as changed
        scale_free: the same with tolerance · sd(p) / sd(t); None if the spread is unknown
    """

    clean: CleanPredictions
    conditions: Mapping[str, Sequence[str]]
    draws: Mapping[str, NDArray[np.float64]]
    unanswered: Mapping[str, NDArray[np.bool_]]
    unchanged: NDArray[np.float64]
    scale_free: NDArray[np.float64] | None

    @property
    def perturbations(self) -> tuple[str, ...]:
        """Names of the k perturbations."""
        return tuple(self.conditions)

    def outcomes(self, perturbation: str, tolerance: float) -> NDArray[np.float64]:
        """Unchanged or not, shape (n, r): 1, 0, or nan if the clean or perturbed prediction is missing."""
        return _outcomes(self.clean, self.draws[perturbation], self.unanswered[perturbation], tolerance)

    def coverage(self, perturbation: str) -> float:
        """Share of clips and draws that were answered, in [0, 1]; 1 if nothing was asked."""
        unanswered = int(self.unanswered[perturbation].sum())
        answered = len(self.stacked(perturbation)[0])
        return 1 - unanswered / (answered + unanswered) if unanswered else 1.0

    def change_of_score(self, perturbation: str) -> Estimate | None:
        """The score on perturbed minus that on clean audio, paired by clip; None without rated clips.

        An unanswered clip counts against the model, clean or perturbed.
        """
        clean, after = self.clean, self.draws[perturbation]
        clip = np.tile(np.arange(len(after)), after.shape[1])
        before, flat, truth = clean.prediction[clip], after.T.ravel(), clean.truth[clip]
        unanswered = self.unanswered[perturbation].T.ravel()
        used = np.isfinite(truth) & (unanswered | (np.isfinite(before) & np.isfinite(flat)))
        if not used.any():
            return None
        truth, clip = truth[used], clip[used]
        worst = worst_answer(truth, clean.classes or -1)
        before, flat = (np.where(np.isfinite(p[used]), p[used], worst) for p in (before, flat))
        n = len(np.unique(clip))
        if clean.classes:
            change = change_of_recall(truth, before, flat, clean.unit[clip], repeats=len(truth) / n)
        else:
            change = contrast(clean.statistic, truth, before, flat, clean.unit[clip])
        return replace(change, n=n)

    def stacked(
        self, perturbation: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.integer]]:
        """Clean predictions, perturbed predictions and row numbers of clips with both, draws stacked."""
        after = self.draws[perturbation]
        clip = np.tile(np.arange(len(after)), after.shape[1])
        before, flat = self.clean.prediction[clip], after.T.ravel()
        both = np.isfinite(before) & np.isfinite(flat)
        return before[both], flat[both], clip[both]


def targets(tables: Tables) -> list[str]:
    """Targets of a model on this corpus: its dimensions, rated or not, and emotion if both have it."""
    return [*tables.model_dimensions, *(["emotion"] if tables.classes else [])]


def clean_predictions(tables: Tables, target: str, tolerance: float) -> CleanPredictions:
    """Predictions on clean audio for a target, and whether they are better than a constant.

    If a dimension has no ratings but the corpus has emotion labels, it counts as better than a constant if it
    increases with the emotion's mean rating (Russell & Mehrabian 1977), tested like the rating itself.

    Args:
        tables: clips and clean predictions
        target: one of `targets(tables)`
        tolerance: ratings that differ by less than this count as the same
    """
    unit, by_speaker = speaker_codes(tables.clips)
    prediction = predictions_of(tables, target)
    known = prediction[np.isfinite(prediction)]
    classes = len(tables.model_classes) if target == "emotion" else 0
    truth, score, spread_ratio = np.full(len(prediction), np.nan), np.nan, np.nan
    if classes or target in tables.dimensions:
        pair = pairs(tables, target)
        truth[tables.clips.index.get_indexer(pair.clips)] = pair.truth
        owed = np.isfinite(truth)
        reason = not_better_than_constant(pair, pair.classes)
        score = overall(uar_statistic(pair.classes) if classes else CCC, pair.truth, pair.prediction)
        spread_ratio = np.nan if classes else spread(pair.of_answered.truth, pair.of_answered.prediction)
    else:
        has_emotion = "emotion" in tables.clips
        owed = tables.clips["emotion"].notna().to_numpy() if has_emotion else np.zeros(len(unit), np.bool_)
        reason = _doubt_by_emotion(tables, target, prediction, unit, by_speaker)
    return CleanPredictions(
        target=target,
        classes=classes,
        prediction=prediction,
        truth=truth,
        owed=owed,
        unit=unit,
        units=int(unit.max(initial=-1)) + 1,
        by_speaker=by_speaker,
        score=score,
        spread=spread_ratio,
        equal_pairs=share_of_equal_pairs(known, 0 if classes else tolerance),
        reason=reason,
    )


def _doubt_by_emotion(
    tables: Tables,
    dimension: str,
    prediction: NDArray[np.float64],
    unit: NDArray[np.integer],
    by_speaker: bool,
) -> str:
    """Why a dimension without ratings is not shown to follow the emotions; empty if it is."""
    if "emotion" not in tables.clips:
        return UNLABELLED
    expected = derive(tables.clips["emotion"])[dimension].to_numpy(dtype=float)
    known = np.isfinite(expected) & np.isfinite(prediction)
    if len(np.unique(expected[known])) < 2:
        return UNLABELLED
    every = Pairs(
        truth=expected,
        prediction=prediction,
        unit=unit,
        units=0,
        by_speaker=by_speaker,
        clips=tables.clips.index,
        deviation=float(np.std(prediction[known])),
    )
    return not_better_than_constant(every.take(known))


def perturbed_predictions(
    tables: Tables, clean: CleanPredictions, conditions: Mapping[str, Sequence[str]], tolerance: float
) -> PerturbedPredictions:
    """Predictions for a target under each perturbation.

    Args:
        tables: clips and predictions
        clean: predictions on clean audio, from `clean_predictions`
        conditions: name of a perturbation → its conditions, one for each repeated draw
        tolerance: ratings that differ by less than this count as unchanged; for emotion the class must be the
            same
    """
    draws = {
        name: np.stack([predictions_of(tables, clean.target, each) for each in repeated], axis=1)
        for name, repeated in conditions.items()
    }
    left_clean = clean.owed & unanswered_clips(tables, clean.prediction)
    unanswered = {
        name: np.stack(
            [
                _unanswered(clean, left_clean, draw, clean.owed & unanswered_clips(tables, draw, condition))
                for draw, condition in zip(draws[name].T, repeated, strict=True)
            ],
            axis=1,
        )
        for name, repeated in conditions.items()
    }
    scaled = np.nan
    if np.isfinite(clean.spread):
        known = np.isfinite(clean.truth) & np.isfinite(clean.prediction)
        scaled = scale_free_tolerance(clean.truth[known], clean.prediction[known], tolerance)
    return PerturbedPredictions(
        clean=clean,
        conditions=conditions,
        draws=draws,
        unanswered=unanswered,
        unchanged=_unchanged_share(clean, draws, unanswered, tolerance),
        scale_free=_unchanged_share(clean, draws, unanswered, scaled) if np.isfinite(scaled) else None,
    )


def all_predictions(
    tables: Tables, conditions: Mapping[str, Sequence[str]], tolerance: float
) -> list[PerturbedPredictions]:
    """Predictions for each target, clean and under each perturbation; see `perturbed_predictions`."""
    return [
        perturbed_predictions(tables, clean_predictions(tables, target, tolerance), conditions, tolerance)
        for target in targets(tables)
    ]


def _unanswered(
    clean: CleanPredictions,
    left_clean: NDArray[np.bool_],
    draw: NDArray[np.float64],
    left: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Clips that the model was asked both clean and perturbed, and left unanswered at least once, (n,)."""
    asked_both = (left_clean | np.isfinite(clean.prediction)) & (left | np.isfinite(draw))
    return (left_clean | left) & asked_both


def _unchanged_share(
    clean: CleanPredictions,
    draws: Mapping[str, NDArray[np.float64]],
    unanswered: Mapping[str, NDArray[np.bool_]],
    tolerance: float,
) -> NDArray[np.float64]:
    """Share of the draws in which each clip's prediction is unchanged, shape (n, k)."""
    shares = np.full((len(clean.prediction), len(draws)), np.nan)
    for k, (name, after) in enumerate(draws.items()):
        outcomes = _outcomes(clean, after, unanswered[name], tolerance)
        known = np.isfinite(outcomes)
        n = known.sum(axis=1)
        np.divide(np.where(known, outcomes, 0.0).sum(axis=1), n, out=shares[:, k], where=n > 0)
    return shares


def _outcomes(
    clean: CleanPredictions,
    after: NDArray[np.float64],
    unanswered: NDArray[np.bool_],
    tolerance: float,
) -> NDArray[np.float64]:
    difference = np.abs(after - clean.prediction[:, None])
    unchanged = difference == 0 if clean.classes else difference < tolerance
    return np.where(np.isfinite(difference), unchanged, np.where(unanswered, 0.0, np.nan))
