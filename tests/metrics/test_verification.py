import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from sertools.metrics.standardised import cells, standardised_difference
from sertools.metrics.verification import auc, eer, eer_of_counts
from sertools.statistics.statistic import overall


def test_equal_error_rate_of_two_normal_distributions():
    quantiles = norm.ppf((np.arange(20001) + 0.5) / 20001)
    # the rate at the middle between both means, one standard deviation away from each
    assert eer(quantiles + 1, quantiles - 1) == pytest.approx(norm.cdf(-1), abs=1e-4)


def test_equal_error_rate_worked_by_hand():
    # at a threshold between 2 and 3, one of four is rejected and one of four accepted
    assert eer([2, 3, 4, 5], [0, 1, 2, 3]) == pytest.approx(0.25)
    assert eer([1, 1], [1, 1]) == pytest.approx(0.5)
    assert eer([0], [1]) == 1.0
    assert np.isnan(eer([], [1.0]))


def test_counts_without_a_speaker_give_what_scores_without_it_give():
    rng = np.random.default_rng(0)
    same, different = rng.integers(0, 20, 300), rng.integers(-5, 15, 400)
    counts = [np.bincount(x + 5, minlength=30).astype(float) for x in (same, different)]
    fewer = [np.bincount(x[100:] + 5, minlength=30).astype(float) for x in (same, different)]
    both = eer_of_counts(*(np.array(pair) for pair in zip(counts, fewer, strict=True)))
    assert both == pytest.approx([eer(same, different), eer(same[100:], different[100:])], abs=1e-12)


def test_area_is_that_of_mann_whitney():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 70), rng.integers(0, 7, 50)
    assert auc(a, b) == pytest.approx(mannwhitneyu(a, b).statistic / 3500, abs=1e-12)
    assert np.isnan(auc([], [1]))


def test_standardised_difference_is_zero_where_only_the_truth_differs():
    stratum, inside = np.array([0, 0, 0, 1, 1, 1]), np.array([True, True, False, True, False, False])
    value = stratum.astype(float)
    assert overall(standardised_difference(2), cells(stratum, inside), value) == 0
    assert np.isnan(overall(standardised_difference(1), cells(stratum * 0, inside | True), value))
