"""Scores by speaker, their rankings and spread, against scipy, numpy and hand."""

import math

import numpy as np
import pytest
from scipy import stats

from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import CCC, ccc
from sertools.metrics.speakers import (
    anova,
    anova_p_value,
    rank_correlation,
    scores_of_draws,
    spearman,
    standard_errors,
    unit_means,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_speaker_without_clips_has_no_mean():
    np.testing.assert_array_equal(unit_means([0.2, 0.4], np.array([0, 2]), 3), [0.2, np.nan, 0.4])


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_spearman_with_and_without_ties_is_that_of_scipy(decimals):
    x, y = np.round(rng(decimals).normal(0, 1.5, (2, 40)), decimals)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_a_reversed_ranking_is_minus_one():
    assert spearman([0.1, 0.2, 0.9], [3, 2, 1]) == pytest.approx(-1.0, abs=1e-12)


def test_equal_means_that_differ_by_rounding_are_tied_and_give_no_ranking():
    means = [0.1 + 0.2, 0.3, 0.3]
    assert means[0] != means[1]
    assert np.isnan(spearman(means, [1, 2, 3]))
    assert np.isnan(spearman([1, 2, 3], means))


def test_the_interval_of_a_ranking_is_that_of_bonett_and_wright_by_hand():
    x, y = list(range(10)), [1, 0, 2, 4, 3, 5, 6, 9, 8, 7]
    found = rank_correlation(x, y, 100)
    # Σd² = 12, so ρ = 1 − 6 · 12 / 990
    rho = 1 - 72 / 990
    z, half = math.atanh(rho), 1.959963984540054 * math.sqrt((1 + rho**2 / 2) / 7)
    assert found.value == pytest.approx(rho, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((math.tanh(z - half), math.tanh(z + half)), abs=1e-12)
    assert (found.n, found.units, found.reason) == (100, 10, "")


def test_a_perfect_ranking_of_few_speakers_is_not_known_to_be_perfect():
    found = rank_correlation([1, 2, 3, 4, 5], [2, 3, 4, 5, 6], 50)
    # the next lower ρ of five is .9; the middle is .95
    low = math.tanh(math.atanh(0.95) - 1.959963984540054 * math.sqrt(1.5 / 2))
    assert (found.value, found.low, found.high) == pytest.approx((1, low, 1), abs=1e-12)
    back = rank_correlation([1, 2, 3, 4, 5], [6, 5, 4, 3, 2], 50)
    assert (back.value, back.low, back.high) == pytest.approx((-1, -1, -low), abs=1e-12)


def test_a_ranking_that_cannot_be_judged_says_why():
    few = rank_correlation([1, 2, 3, 4], [1, 3, 2, 4], 40)
    assert few.value == pytest.approx(0.8)
    assert np.isnan(few.low)
    assert few.reason == "fewer than 5 speakers"
    alike = rank_correlation([1, 1, 1, 1, 1], [1, 3, 2, 4, 5], 40)
    assert np.isnan(alike.value)
    assert alike.reason == "undefined on 40 clips"
    assert np.isnan(rank_correlation([], [], 0).value)


@pytest.mark.parametrize("size", [1, 7, 200])
def test_a_draw_is_the_score_of_its_clips_by_a_loop(size):
    truth, prediction = rng(6).random((2, 30))
    scores = scores_of_draws(CCC, truth, prediction, size=size, draws=20, rng=rng(7))
    drawn = rng(7).integers(30, size=(20, size))
    expected = [ccc(truth[clips], prediction[clips]) for clips in drawn]
    np.testing.assert_allclose(scores, expected, atol=1e-9)


def test_an_oracle_has_the_same_score_in_every_draw():
    truth = rng(8).random(300)
    np.testing.assert_allclose(scores_of_draws(CCC, truth, truth, size=200, draws=50, rng=rng(9)), 1.0)


def test_the_spread_of_draws_is_the_standard_error_of_a_share():
    # one class only, so recall is a share: its draws have mean p and sd √(p(1−p)/size)
    right = np.arange(250) < 200
    scores = scores_of_draws(
        uar_statistic(2), np.zeros(250, int), np.where(right, 0, 1), size=200, draws=4000, rng=rng(10)
    )
    # Monte-Carlo errors of 4000 draws: sd/√4000 of the mean, sd/√8000 of the sd; four of them
    sd = np.sqrt(0.8 * 0.2 / 200)
    assert scores.mean() == pytest.approx(0.8, abs=4 * sd / np.sqrt(4000))
    assert scores.std() == pytest.approx(sd, abs=4 * sd / np.sqrt(8000))


@pytest.mark.parametrize("seed", range(4))
def test_speakers_are_told_apart_by_the_f_test_of_scipy(seed):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(5), [1, 4, 9, 2, 6])
    truth = rng.random(len(unit)) + 0.1 * seed * unit
    order = rng.permutation(len(unit))
    expected = stats.f_oneway(*(truth[unit == code] for code in range(5)))
    assert anova_p_value(truth[order], unit[order] * 3) == pytest.approx(expected.pvalue, rel=1e-9)
    assert anova(truth[order], unit[order] * 3)[0] == pytest.approx(expected.statistic, rel=1e-9)


def test_the_standard_error_of_a_mean_is_that_of_scipy():
    unit, x = np.repeat([0, 2, 3], [5, 9, 1]), rng(14).random(15)
    expected = [stats.sem(x[:5]), np.nan, stats.sem(x[5:14]), np.nan]
    np.testing.assert_allclose(standard_errors(x, unit, 4), expected, atol=1e-12)


def test_speakers_who_never_differ_from_themselves_are_told_apart_if_at_all():
    unit = np.repeat([0, 1], 3)
    assert anova_p_value([0, 0, 0, 1, 1, 1], unit) == 0
    assert np.isnan(anova_p_value([1] * 6, unit))
    assert np.isnan(anova_p_value([1, 2, 3], np.zeros(3, dtype=int)))
    assert np.isnan(anova_p_value([1, 2], np.arange(2)))
