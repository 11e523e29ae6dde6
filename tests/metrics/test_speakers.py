import numpy as np
import pytest
from scipy import stats

from sertools.metrics.classify import uar_statistic
from sertools.metrics.regress import CCC, ccc
from sertools.metrics.resample import bootstrap, bootstrap_weights
from sertools.metrics.speakers import (
    mean_absolute,
    scores_of_draws,
    spearman,
    square_sums,
    standard_deviation,
    unit_means,
    weighted_spearman,
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


def test_weights_stand_for_repeated_speakers():
    x, y = np.round(rng(1).random((2, 9)), 1)
    weights = next(iter(bootstrap_weights(np.zeros(9), 50, rng=rng(2))))
    repeated = [np.repeat([x, y], w.astype(int), axis=1) for w in weights]
    expected = [stats.spearmanr(*r).statistic for r in repeated]
    np.testing.assert_allclose(weighted_spearman(x, y)(weights), expected, atol=1e-12)


def test_the_bootstrap_of_spearman_holds_it():
    x = rng(3).random(40)
    y = x + rng(4).normal(0, 0.3, 40)
    found = bootstrap(weighted_spearman(x, y), np.eye(40), n=400, rng=rng(5))
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found.low < found.value < found.high
    # the large-sample error of Fisher's z of Spearman's rho, √(1.06 / (n − 3)); the interval is as wide
    half = 1.96 * np.sqrt(1.06 / 37)
    expected = np.ptp(np.tanh(np.arctanh(found.value) + np.array([-half, half])))
    assert found.high - found.low == pytest.approx(expected, rel=0.35)


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


def test_the_deviation_over_speakers_is_that_of_numpy():
    x = rng(11).random(12)
    assert standard_deviation(square_sums(x).sum(axis=0)) == pytest.approx(x.std(ddof=1), abs=1e-12)


def test_one_speaker_does_not_differ_from_anyone_so_the_deviation_is_undefined():
    assert np.isnan(standard_deviation(square_sums([0.5]).sum(axis=0)))
    assert np.isnan(standard_deviation(np.zeros(3)))


def test_equal_speakers_deviate_by_nothing():
    assert standard_deviation(square_sums([0.1] * 7).sum(axis=0)) == pytest.approx(0.0, abs=1e-7)


def test_the_mean_absolute_value_is_a_ratio_of_sums():
    assert mean_absolute(np.array([4.0, 2.0])) == 0.5
    assert np.isnan(mean_absolute(np.zeros(2)))
