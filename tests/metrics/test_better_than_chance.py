"""Better than a constant? Only where permuting the predictions among each speaker's clips says so."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sertools.metrics.better_than_chance import (
    MAX_P_VALUE,
    MIN_DEVIATION,
    NOT_BETTER,
    _certain,
    _columns,
    _distance,
    _Scored,
    not_better_than_constant,
    skill,
)
from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC
from sertools.statistics.statistic import overall
from sertools.tables.pairs import Pairs

SPEAKERS, EACH = 12, 20


def paired(truth, prediction, speakers: int = SPEAKERS, deviation: float = np.nan) -> Pairs:
    n = len(truth)
    return Pairs(
        truth=np.asarray(truth),
        prediction=np.asarray(prediction),
        unit=np.arange(n) % speakers,
        units=speakers,
        by_speaker=True,
        clips=pd.Index([f"clip {i}" for i in range(n)]),
        deviation=deviation,
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
    reason = f"{NOT_BETTER} with 12 speakers"
    assert not_better_than_constant(paired(truth, np.full_like(truth, 0.5))) == reason
    classes = rng.integers(0, 4, SPEAKERS * EACH)
    assert not_better_than_constant(paired(classes, np.full_like(classes, 2)), 4) == reason


@pytest.mark.parametrize("seed", range(60))
def test_random_answers_are_not_better_than_a_constant(seed):
    rng = np.random.default_rng(seed)
    truth, answers = rng.random((2, SPEAKERS * EACH))
    assert NOT_BETTER in not_better_than_constant(paired(truth, answers))
    classes, guesses = rng.integers(0, 4, (2, SPEAKERS * EACH))
    assert NOT_BETTER in not_better_than_constant(paired(classes, guesses), 4)


def test_answers_against_the_truth_are_not_better(rng):
    truth = rng.random(SPEAKERS * EACH)
    assert not_better_than_constant(paired(truth, 1 - truth)) == f"{NOT_BETTER} with 12 speakers"


def test_a_model_that_only_tells_speakers_apart_is_not_better(rng):
    """The mean rating of each speaker correlates with the ratings, but not within any speaker."""
    mean = rng.random(SPEAKERS)
    unit = np.arange(SPEAKERS * EACH) % SPEAKERS
    truth = 0.8 * mean[unit] + 0.2 * rng.random(len(unit))
    assert overall(CCC, truth, mean[unit]) > 0.8
    assert not_better_than_constant(paired(truth, mean[unit])) == f"{NOT_BETTER} with 12 speakers"


def naive_p_value(pair: Pairs, classes: int, draws: int, rng: np.random.Generator) -> float:
    """Shuffles the predictions of each speaker and computes the whole score, again and again."""
    statistic = uar_statistic(classes) if classes else CCC
    observed = overall(statistic, pair.truth, pair.prediction)
    reached = 0
    for _ in range(draws):
        shuffled = pair.prediction.copy()
        for code in range(pair.units):
            inside = np.flatnonzero(pair.unit == code)
            shuffled[inside] = rng.permutation(shuffled[inside])
        reached += overall(statistic, pair.truth, shuffled) >= observed - 1e-12
    return (1 + reached) / (1 + draws)


@pytest.mark.parametrize("noise", [0.5, 0.9, 1.3, 6.0])
def test_the_decision_is_that_of_a_naive_permutation_test(rng, noise):
    truth = rng.random(60)
    pair = paired(truth, truth + noise * rng.standard_normal(60), speakers=5)
    p = naive_p_value(pair, 0, 3000, rng)
    assert not 0.0005 < p < 0.002, "the case must not be borderline"
    assert skill(pair).shown == (p < 0.001)


@pytest.mark.parametrize("flipped", [0.3, 0.5, 0.72])
def test_the_decision_on_emotions_is_that_of_a_naive_permutation_test(rng, flipped):
    truth = rng.choice(4, 80, p=[0.6, 0.2, 0.15, 0.05])
    prediction = np.where(rng.random(80) < flipped, rng.integers(0, 4, 80), truth)
    pair = paired(truth, prediction, speakers=5)
    p = naive_p_value(pair, 4, 3000, rng)
    assert not 0.0005 < p < 0.002, "the case must not be borderline"
    assert skill(pair, 4).shown == (p < 0.001)


@pytest.mark.parametrize("classes", [0, 3])
def test_mean_and_variance_under_permutation_are_exact(rng, classes):
    """All 24 · 6 permutations of a speaker with four clips and one with three."""
    truth, prediction = rng.integers(0, 3, (2, 7)) if classes else rng.random((2, 7))
    pair = replace(paired(truth, prediction), unit=np.array([0, 0, 0, 0, 1, 1, 1]), units=2)
    columns = _columns(pair, classes)
    scored = [_Scored.of(*columns, np.flatnonzero(pair.unit == code)) for code in (0, 1)]
    values = []
    for first, second in itertools.product(
        itertools.permutations(range(4)), itertools.permutations(range(3))
    ):
        order = np.array([*first, *(4 + np.array(second))])
        values.append(float((columns[0] * columns[1][order]).sum()))
    value = float((columns[0] * columns[1]).sum())
    assert sum(each.value for each in scored) == pytest.approx(value - np.mean(values), abs=1e-12)
    assert sum(each.variance for each in scored) == pytest.approx(np.var(values), abs=1e-12)
    assert skill(pair, classes).z == pytest.approx((value - np.mean(values)) / np.std(values))


@pytest.mark.parametrize("classes", [0, 4])
def test_the_order_of_the_clips_changes_nothing(classes):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 4, 60) if classes else rng.random(60)
        prediction = np.where(rng.random(60) < 0.25, truth, truth[rng.permutation(60)])
        pair = paired(truth, prediction, speakers=5)
        order = rng.permutation(60)
        codes = rng.permutation(5)
        other = replace(
            pair,
            truth=truth[order],
            prediction=prediction[order],
            unit=codes[pair.unit[order]],
            clips=pair.clips[order],
        )
        one, again = skill(pair, classes), skill(other, classes)
        assert one.shown == again.shown
        assert one.z == pytest.approx(again.z)


def test_a_mediocre_model_is_shown_with_five_speakers():
    """CCC of about .44: the interval that was used before withheld everything from most such models."""
    shown = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        unit = np.arange(5 * 60) % 5
        truth = np.clip(0.5 + 0.15 * rng.standard_normal(300), 0, 1)
        offset = 0.05 * rng.standard_normal(5)
        prediction = 0.5 + 0.45 * (truth - 0.5) + 0.1 * rng.standard_normal(300) + offset[unit]
        shown += skill(paired(truth, prediction, speakers=5)).shown
    assert shown == 40


def test_the_reason_says_how_many_speakers_would_do():
    truth = np.tile(np.linspace(0, 1, 20), 5)
    rng = np.random.default_rng(3)
    pair = paired(truth, truth + rng.standard_normal(100), speakers=5)
    found = skill(pair)
    assert not found.shown
    assert 0.5 < found.z < 3
    needed = int(np.ceil(5 * ((3.09 + 0.84) / found.z) ** 2))
    assert found.reason == f"{NOT_BETTER} with 5 speakers; about {needed} would show it"


def test_predictions_that_hardly_differ_do_not_count_however_well_they_are_ordered(rng):
    truth = rng.random(SPEAKERS * EACH)
    prediction = 0.25 + 0.001 * truth
    found = skill(paired(truth, prediction, deviation=float(prediction.std())))
    assert found.z > 10
    assert found.reason == f"{NOT_BETTER}: its predictions hardly differ (standard deviation 0.0003)"
    assert skill(paired(truth, prediction, deviation=MIN_DEVIATION)).shown


def test_without_speakers_all_clips_are_permuted(rng):
    truth = rng.random(100)
    alone = replace(paired(truth, truth), unit=np.arange(100), units=100, by_speaker=False)
    assert skill(alone).shown
    assert "with 100 clips" in skill(replace(alone, prediction=1 - truth)).reason


def test_a_clear_case_needs_no_permutation(rng, monkeypatch):
    """From 31.7 standard deviations on, Cantelli's inequality alone gives p ≤ .001."""
    monkeypatch.setattr(_Scored, "permuted", None)
    truth = rng.random(2000)
    assert skill(paired(truth, truth)).z > 31.7
    assert skill(paired(truth, truth)).shown
    assert 1 / (1 + 31.7**2) <= 0.001


def test_no_clips_are_a_reason_and_no_error():
    assert not_better_than_constant(paired(np.array([]), np.array([]), speakers=0))
    assert not_better_than_constant(paired(np.array([], int), np.array([], int), speakers=0), 4)


def scored(pair: Pairs, classes: int = 0) -> list[_Scored]:
    """The clips of each speaker."""
    columns = _columns(pair, classes)
    return [_Scored.of(*columns, np.flatnonzero(pair.unit == code)) for code in range(pair.units)]


@pytest.mark.parametrize("classes", [0, 4])
def test_what_is_certain_needs_no_permutation_and_permutations_agree(rng, monkeypatch, classes):
    """Twelve speakers of twenty clips, less than half of the answers drawn anew: z is between 8 and 20."""
    truth = rng.integers(0, 4, SPEAKERS * EACH) if classes else rng.random(SPEAKERS * EACH)
    prediction = np.where(rng.random(len(truth)) < 0.4, rng.permutation(truth), truth)
    pair = paired(truth, prediction)
    assert naive_p_value(pair, classes, 2000, rng) < MAX_P_VALUE
    assert 8 < skill(pair, classes).z < 20
    monkeypatch.setattr(_Scored, "permuted", None)
    assert skill(pair, classes).shown


@pytest.mark.parametrize("sizes", [(100,), (900,), (20, 20), (30, 30)])
def test_a_large_score_that_chance_reaches_in_one_of_900_corpora_is_not_certain(sizes):
    """One clip of each speaker stands out in truth and prediction, by chance once in the product of sizes."""
    unit = np.repeat(np.arange(len(sizes)), sizes)
    truth = np.concatenate([np.eye(n)[0] for n in sizes])
    parts = scored(replace(paired(truth, truth), unit=unit, units=len(sizes)))
    z = _distance(parts)
    assert z > 6
    assert not _certain(parts, z)


@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize("seed", range(40))
def test_what_is_certain_is_far_from_chance(seed, classes):
    """Of corpora with one right answer in four or more, those with p above .0001 are never certain."""
    rng = np.random.default_rng(seed)
    speakers, each = int(rng.integers(1, 30)), int(rng.integers(2, 30))
    n = speakers * each
    truth = rng.integers(0, 4, n) if classes else rng.random(n)
    pair = paired(truth, np.where(rng.random(n) < 0.25, truth, rng.permutation(truth)), speakers=speakers)
    parts = scored(pair, classes)
    z = _distance(parts)
    if _certain(parts, z):
        drawn = sum(part.permuted(10_000, rng) for part in parts)
        assert (drawn >= sum(part.value for part in parts)).mean() <= 1e-4
