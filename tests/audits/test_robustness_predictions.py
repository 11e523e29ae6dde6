"""What counts as a model that moves, and as an answer that stays."""

import dataclasses

import numpy as np
import pytest
from sertools.audits.robustness.predictions import (
    UNLABELLED,
    clean_predictions,
    perturbed_predictions,
    targets,
)

from sertools.metrics.better_than_chance import NOT_BETTER
from sertools.metrics.regression import ccc
from sertools.selftest import toy_corpus
from sertools.tables.condition import Condition
from sertools.tables.pairs import predictions_of
from tests.helpers.audit_tables import unheard

GAIN = Condition(perturbation="gain")


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips()


def test_targets_are_what_the_model_answers_rated_or_not(clips):
    assert targets(toy_corpus.answers("oracle", clips)) == ["arousal", "dominance", "valence", "emotion"]
    unrated = toy_corpus.answers("random", clips.drop(columns=["arousal", "emotion"]))
    assert targets(unrated) == ["arousal", "dominance", "valence"]


def test_the_answer_for_emotion_is_the_class_with_the_highest_score(clips):
    tables = toy_corpus.answers("oracle", clips)
    names = np.array(tables.model_classes)
    assert (names[predictions_of(tables, "emotion").astype(int)] == clips["emotion"]).all()


def test_a_row_without_scores_is_no_answer(clips):
    tables = toy_corpus.answers("oracle", clips)
    scores = tables.predictions["clean"].copy()
    scores.iloc[3] = np.nan
    holed = tables.with_predictions({"clean": scores})
    for target in ("arousal", "emotion"):
        assert np.flatnonzero(np.isnan(predictions_of(holed, target))).tolist() == [3]


def test_the_oracle_is_beyond_doubt_and_as_wide_as_the_truth(clips):
    found = clean_predictions(toy_corpus.answers("oracle", clips), "arousal", 0.05)
    assert (found.reason, found.chance) == ("", 0.0)
    assert (found.score, found.spread) == pytest.approx((1.0, 1.0))
    emotion = clean_predictions(toy_corpus.answers("oracle", clips), "emotion", 0.05)
    assert (emotion.reason, emotion.score, emotion.chance) == ("", 1.0, 1 / clips["emotion"].nunique())


@pytest.mark.parametrize("kind", ["constant", "random"])
def test_a_trivial_model_is_not_better_than_a_constant(kind, clips):
    tables = toy_corpus.answers(kind, clips)
    for target in targets(tables):
        assert clean_predictions(tables, target, 0.05).reason.startswith(NOT_BETTER)
    unrated = toy_corpus.answers(kind, clips.drop(columns=["arousal", "dominance", "valence"]))
    for target in ("arousal", "dominance", "valence"):
        assert clean_predictions(unrated, target, 0.05).reason.startswith(NOT_BETTER)


def test_an_unrated_dimension_may_follow_the_emotions(clips):
    tables = toy_corpus.answers("random", clips.drop(columns=["arousal"]))
    scores = tables.predictions["clean"].assign(arousal=clips["arousal"])
    found = clean_predictions(tables.with_predictions({"clean": scores}), "arousal", 0.05)
    assert found.reason == ""
    assert np.isnan([found.score, found.spread]).all()
    against = tables.predictions["clean"].assign(arousal=1 - clips["arousal"])
    assert clean_predictions(tables.with_predictions({"clean": against}), "arousal", 0.05).reason.startswith(
        NOT_BETTER
    )


def test_without_ratings_and_emotions_nothing_can_be_said(clips):
    bare = toy_corpus.answers("random", clips[["file", "start", "end", "speaker"]])
    assert clean_predictions(bare, "arousal", 0.05).reason == UNLABELLED
    assert not clean_predictions(bare, "arousal", 0.05).labelled


def test_outcomes_are_a_loop_over_clips(clips):
    tables = toy_corpus.answers("random", clips, [GAIN, dataclasses.replace(GAIN, draw=1)])
    of = clean_predictions(tables, "arousal", 0.2)
    found = perturbed_predictions(tables, of, {"gain@drawn": ("gain@drawn", "gain@drawn#1")}, 0.2)
    clean = tables.predictions["clean"]["arousal"].to_numpy()
    draws = [tables.predictions[c]["arousal"].to_numpy() for c in ("gain@drawn", "gain@drawn#1")]
    expected = [np.mean([abs(d[i] - clean[i]) < 0.2 for d in draws]) for i in range(len(clean))]
    assert found.unchanged[:, 0].tolist() == expected
    before, after, clip = found.stacked("gain@drawn")
    assert len(clip) == 2 * len(clean)
    assert ccc(before, after) == pytest.approx(ccc(np.tile(clean, 2), np.concatenate(draws)))


def test_a_draw_that_is_missing_leaves_the_other(clips):
    tables = toy_corpus.answers("oracle", clips, [GAIN, dataclasses.replace(GAIN, draw=1)])
    scores = {name: frame.copy() for name, frame in tables.predictions.items()}
    scores["gain@drawn"].iloc[0] = np.nan
    scores["gain@drawn"].iloc[1] = scores["gain@drawn#1"].iloc[1] = np.nan
    tables = unheard(tables.with_predictions(scores))
    of = clean_predictions(tables, "valence", 0.05)
    found = perturbed_predictions(tables, of, {"gain@drawn": ("gain@drawn", "gain@drawn#1")}, 0.05)
    assert found.unchanged[0, 0] == 1.0
    assert np.isnan(found.unchanged[1, 0])
    assert len(found.stacked("gain@drawn")[0]) == 2 * len(clips) - 3
