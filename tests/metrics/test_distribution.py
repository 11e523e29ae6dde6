import math

import numpy as np
import pytest
from scipy.spatial import distance

from sertools.errors import AuditError
from sertools.metrics import distribution
from sertools.statistics.statistic import overall


def test_jensen_shannon_equals_scipy():
    rng = np.random.default_rng(6)
    for bins in (2, 10, 25):
        truth, prediction = rng.beta(2, 2, 500), rng.beta(4, 2, 300)
        prediction = np.resize(prediction, 500)
        counts = [np.histogram(x, bins=bins, range=(0, 1))[0] for x in (truth, prediction)]
        assert distribution.jensen_shannon(truth, prediction, bins) == pytest.approx(
            distance.jensenshannon(*counts, base=2), abs=1e-12
        )


def test_jensen_shannon_by_hand():
    # P = (1, 0), Q = (1/2, 1/2), M = (3/4, 1/4)
    divergence = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) / 2
    assert distribution.jensen_shannon([0.1, 0.2], [0.1, 0.9], bins=2) == pytest.approx(
        math.sqrt(divergence), abs=1e-12
    )


def test_jensen_shannon_is_0_for_itself_1_for_disjoint_and_symmetric():
    rng = np.random.default_rng(7)
    low, high = rng.uniform(0, 0.49, 99), rng.uniform(0.5, 1, 99)
    assert distribution.jensen_shannon(low, low) == 0
    assert distribution.jensen_shannon(low, high) == 1
    mixed = np.where(rng.random(99) < 0.3, low, high)
    assert distribution.jensen_shannon(low, mixed) == pytest.approx(
        distribution.jensen_shannon(mixed, low), abs=1e-15
    )


def test_ratings_outside_the_scale_fall_in_the_outer_bins():
    assert distribution.jensen_shannon([0.0, 1.0], [-3.0, 1.5]) == 0


def test_jensen_shannon_of_no_clips_is_undefined():
    assert math.isnan(distribution.jensen_shannon([], []))


def test_jensen_shannon_refuses_missing_ratings():
    with pytest.raises(AuditError, match="missing"):
        distribution.jensen_shannon([0.1, 0.2], [0.1, np.nan])


def test_jensen_shannon_of_units_equals_one_by_one():
    rng = np.random.default_rng(8)
    truth, prediction, unit = rng.random(60), rng.random(60), np.arange(60) % 3
    statistic = distribution.jensen_shannon_statistic(5)
    values = statistic.value(statistic.sums(truth, prediction, unit, 4))
    for code in range(3):
        expected = distribution.jensen_shannon(truth[unit == code], prediction[unit == code], 5)
        assert values[code] == pytest.approx(expected, abs=1e-12)
    assert math.isnan(values[3])


def test_relative_differences_by_hand_and_sum_to_zero():
    difference = distribution.relative_difference([0, 0, 0, 1, 2], [0, 1, 1, 1, 2], 4)
    np.testing.assert_allclose(difference, [-0.4, 0.4, 0, 0], atol=1e-15)
    assert difference.sum() == pytest.approx(0, abs=1e-15)


def test_relative_difference_of_no_clips_is_undefined():
    assert np.isnan(distribution.relative_difference([], [], 2)).all()


def test_relative_difference_of_one_class_equals_the_plain_function():
    rng = np.random.default_rng(9)
    truth, prediction = rng.integers(0, 4, (2, 80))
    expected = distribution.relative_difference(truth, prediction, 4)
    for code in range(4):
        assert overall(distribution.relative_difference_statistic(code), truth, prediction) == pytest.approx(
            expected[code], abs=1e-15
        )


def test_ranges_include_their_ends():
    assert distribution.in_range([0.29, 0.3, 0.6, 0.61], 0.3, 0.6).tolist() == [False, True, True, False]
    assert distribution.in_range([0.54, 0.55, 2.0], low=0.55).tolist() == [False, True, True]
    assert distribution.in_range([np.nan]).tolist() == [False]


def test_share_in_range_counts_clips():
    assert distribution.share_in_range([0.1, 0.2, 0.5, 0.9], high=0.45) == 0.5
    assert math.isnan(distribution.share_in_range([], 0.3, 0.6))


def test_without_clips_there_is_nothing_beyond_chance():
    nothing = np.array([])
    found = distribution.jensen_shannon_beyond_chance(
        nothing, nothing, nothing.astype(int), rng=np.random.default_rng(0)
    )
    assert (found.n, found.reason) == (0, "no clips")
    assert np.isnan([found.value, found.low, found.high]).all()
