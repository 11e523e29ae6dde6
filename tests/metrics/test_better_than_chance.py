"""Better than a constant? Only where the interval says so."""

import numpy as np
import pandas as pd
import pytest

from sertools.metrics.better_than_chance import LEVEL_OF_SKILL_TEST, NOT_BETTER, not_better_than_constant
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.statistics.jackknife import estimate
from sertools.tables.pairs import Pairs

SPEAKERS, EACH = 12, 20


def paired(truth, prediction, speakers: int = SPEAKERS) -> Pairs:
    n = len(truth)
    return Pairs(
        truth=np.asarray(truth),
        prediction=np.asarray(prediction),
        unit=np.arange(n) % speakers,
        units=speakers,
        by_speaker=True,
        clips=pd.RangeIndex(n),
    )


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_truth_itself_leaves_no_doubt(rng):
    truth = rng.random(SPEAKERS * EACH)
    assert not_better_than_constant(paired(truth, truth)) == ""
    classes = rng.integers(0, 4, SPEAKERS * EACH)
    assert not_better_than_constant(paired(classes, classes), 4) == ""


def test_a_constant_is_not_better_than_a_constant(rng):
    truth = rng.random(SPEAKERS * EACH)
    assert not_better_than_constant(paired(truth, np.full_like(truth, 0.5))) == NOT_BETTER
    classes = rng.integers(0, 4, SPEAKERS * EACH)
    assert not_better_than_constant(paired(classes, np.full_like(classes, 2)), 4) == NOT_BETTER


@pytest.mark.parametrize("seed", range(20))
def test_random_answers_are_not_better_than_a_constant(seed):
    rng = np.random.default_rng(seed)
    truth, answers = rng.random((2, SPEAKERS * EACH))
    assert not_better_than_constant(paired(truth, answers)) == NOT_BETTER
    classes, guesses = rng.integers(0, 4, (2, SPEAKERS * EACH))
    assert not_better_than_constant(paired(classes, guesses), 4) == NOT_BETTER


def test_answers_against_the_truth_are_not_better(rng):
    truth = rng.random(SPEAKERS * EACH)
    assert not_better_than_constant(paired(truth, 1 - truth)) == NOT_BETTER


def test_too_few_speakers_are_the_reason(rng):
    truth = rng.random(SPEAKERS * EACH)
    assert "fewer than 5 speakers" in not_better_than_constant(paired(truth, truth + 0.1, speakers=4))


@pytest.mark.parametrize("noise", [0.1, 0.5, 1.0, 2.0, 4.0])
def test_the_decision_is_that_of_the_interval(rng, noise):
    truth = rng.random(SPEAKERS * EACH)
    pair = paired(truth, truth + noise * rng.standard_normal(len(truth)))
    low = estimate(CCC, pair.truth, pair.prediction, pair.unit, pair.units, level=LEVEL_OF_SKILL_TEST).low
    assert (not_better_than_constant(pair) == "") == (low > 0)


def test_chance_counts_the_classes_of_the_truth_and_not_those_of_the_model(rng):
    """Two of ten classes occur: always answering one of them has a recall of 1/2, not more than chance."""
    truth = rng.integers(0, 2, SPEAKERS * EACH)
    flips = rng.random(len(truth)) < 0.45
    pair = paired(truth, np.where(flips, 1 - truth, truth))
    low = estimate(
        uar_statistic(10), pair.truth, pair.prediction, pair.unit, pair.units, level=LEVEL_OF_SKILL_TEST
    ).low
    assert 0.1 < low < 0.5
    assert not_better_than_constant(pair, 10) == NOT_BETTER


def test_no_clips_are_a_reason_and_no_error():
    assert not_better_than_constant(paired(np.array([]), np.array([]), speakers=0))
    assert not_better_than_constant(paired(np.array([], int), np.array([], int), speakers=0), 4)
