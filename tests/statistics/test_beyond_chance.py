"""Spread and distance beyond chance: by hand, in the limits, and how often their intervals hold the truth."""

import math

import numpy as np
import pytest
from scipy import stats

from sertools.statistics.beyond_chance import (
    Square,
    distance_beyond_chance,
    root_beyond_chance,
    spread_beyond_chance,
)
from tests.helpers.simulated_ratings import mean_distance

RUNS = 600
"""Three standard errors of a coverage of .95 are .027."""


def test_the_spread_and_its_interval_by_hand():
    scores, errors = [0.2, 0.4, 0.6, 0.8, 1.0], [0.1, 0.1, 0.2, 0.1, 0.1]
    found = spread_beyond_chance(scores, errors, 50)
    chance = (4 * 0.01 + 0.04) / 5
    assert found.value == pytest.approx(math.sqrt(0.1 - chance), abs=1e-12)
    low, high = (4 * 0.1 / stats.chi2.ppf(p, 4) - chance for p in (0.975, 0.025))
    assert (found.low, found.high) == pytest.approx((math.sqrt(low), math.sqrt(high)), abs=1e-9)
    low, high = (4 * 0.1 / stats.chi2.ppf(p, 4) - chance for p in (0.95, 0.05))
    assert found.inner == pytest.approx((math.sqrt(low), math.sqrt(high)), abs=1e-9)


@pytest.mark.parametrize("what", [spread_beyond_chance, distance_beyond_chance])
def test_scores_that_differ_by_less_than_chance_leave_nothing_but_an_upper_end(what):
    found = what([0.01, -0.01, 0.01, -0.01, 0.0], [0.1] * 5, 50)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high > 0.05


@pytest.mark.parametrize("what", [spread_beyond_chance, distance_beyond_chance])
def test_exact_zeros_are_zero_and_four_speakers_have_no_interval(what):
    exact = what([0.0] * 6, [0.0] * 6, 60)
    assert (exact.value, exact.low, exact.high) == (0.0, 0.0, 0.0)
    four = what([0.1, 0.2, 0.3, 0.4], [0.01] * 4, 40)
    assert (four.value > 0, four.reason) == (True, "fewer than 5 speakers")
    assert math.isnan(four.high)
    assert math.isnan(what([], [], 0).value)


def test_a_shift_of_all_speakers_is_the_distance():
    # the formula for differences about 0 would give .8 of it, and pass a limit of .1 with a shift of .12
    found = distance_beyond_chance([0.12] * 8, [0.01] * 8, 400)
    assert (found.value, found.low, found.high) == pytest.approx((0.12, 0.12, 0.12), abs=1e-12)


def test_differences_about_0_have_the_distance_of_a_normal_distribution_without_their_errors():
    d = np.array([0.05, -0.05, 0.1, -0.1, 0.02, -0.02])
    found = distance_beyond_chance(d, [0.02] * 6, 60)
    assert found.value == pytest.approx(math.sqrt(2 / math.pi * (np.mean(d**2) - 0.0004)), abs=1e-12)


def simulated(rng, speakers, mean, deviation):
    """Observed differences of speakers with 10 to 60 clips, and their estimated standard errors."""
    clips = rng.integers(10, 61, speakers)
    observed = rng.normal(mean, deviation, speakers) + rng.normal(0, 0.12, speakers) / np.sqrt(clips)
    return observed, 0.12 * np.sqrt(rng.chisquare(clips - 1) / (clips - 1) / clips)


@pytest.mark.parametrize("speakers", [5, 12, 45])
@pytest.mark.parametrize("deviation", [0.0, 0.03, 0.1])
def test_intervals_of_a_spread_hold_it_also_where_it_is_0(speakers, deviation):
    found = [
        spread_beyond_chance(*simulated(np.random.default_rng([1, run]), speakers, 0.4, deviation), 0)
        for run in range(RUNS)
    ]
    assert 0.92 <= np.mean([one.low <= deviation <= one.high for one in found]) <= 0.99


@pytest.mark.parametrize("speakers", [5, 12, 45])
@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.0), (0.0, 0.05), (0.02, 0.05), (0.1, 0.02)])
def test_intervals_of_a_distance_hold_it_also_where_it_is_0(speakers, mean, deviation):
    true = mean_distance(mean, deviation) if deviation else mean
    found = [
        distance_beyond_chance(*simulated(np.random.default_rng([2, run]), speakers, mean, deviation), 0)
        for run in range(RUNS)
    ]
    assert 0.92 <= np.mean([one.low <= true <= one.high for one in found]) <= 0.995


def test_four_speakers_have_no_interval_whatever_lies_beyond_chance():
    square = Square(observed=0.05, chance=0.01, chance_variance=1e-4, variance=1e-4)
    found = root_beyond_chance(square, 40, 4)
    assert (found.value, found.reason) == (pytest.approx(0.2, abs=1e-15), "fewer than 5 speakers")
    assert math.isnan(found.low)
