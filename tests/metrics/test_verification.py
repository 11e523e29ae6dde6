import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm, t

from sertools.metrics.standardised import cells, standardised_difference
from sertools.metrics.verification import auc, auc_within, eer, eer_of_counts
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


def pair_by_pair(value, first, stratum, left_out=None, unit=None) -> float:
    """The area by loops over all pairs of a stratum, without those of one unit."""
    kept = np.ones(len(value), dtype=bool) if left_out is None else unit != left_out
    pairs = [
        (value[i] > value[j]) + (value[i] == value[j]) / 2
        for i in np.flatnonzero(first & kept)
        for j in np.flatnonzero(~first & kept)
        if stratum[i] == stratum[j]
    ]
    return float(np.mean(pairs)) if pairs else np.nan


def test_the_area_within_strata_and_its_interval_are_those_of_all_pairs():
    rng = np.random.default_rng(0)
    unit, stratum = np.repeat(np.arange(12), 6), np.tile([0, 0, 1, 1, 2, 2], 12)
    first = unit % 2 == 0
    value = np.round(rng.normal(size=72) + 0.5 * first, 1)  # with ties
    found = auc_within(value, first, stratum, unit)
    assert found.value == pytest.approx(pair_by_pair(value, first, stratum), abs=1e-12)
    without = [pair_by_pair(value, first, stratum, each, unit) for each in range(12)]
    half = t.ppf(0.975, 5) * np.sqrt(11 * np.var(without))
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=1e-12)
    assert (found.n, found.units, found.reason) == (72, 12, "")


def test_an_area_without_pairs_or_speakers_says_why():
    value, unit = np.arange(12.0), np.arange(12)
    first = unit < 6
    assert auc_within(value, first, unit, unit).reason == "there is no pair to compare"
    few = auc_within(value, unit < 4, np.zeros(12, dtype=int), unit)
    assert (few.value, few.reason) == (0.0, "fewer than 5 speakers on one side")
    # only the first two speakers are in the same stratum
    lonely = np.where(unit == 6, 0, unit)
    found = auc_within(value, first, lonely, unit)
    assert (found.value, found.reason) == (0.0, "undefined when one speaker is left out")


def test_speakers_on_both_sides_are_left_out_with_all_their_pairs():
    rng = np.random.default_rng(2)
    unit, stratum, first = rng.integers(0, 8, 120), rng.integers(0, 3, 120), rng.random(120) < 0.5
    value = rng.normal(size=120) + 0.5 * first

    def naive(kept):
        won = [
            (value[i] > value[j]) + (value[i] == value[j]) / 2
            for i in np.flatnonzero(kept & first)
            for j in np.flatnonzero(kept & ~first)
            if stratum[i] == stratum[j]
        ]
        return np.mean(won)

    found = auc_within(value, first, stratum, unit)
    left_out = np.array([naive(unit != each) for each in range(8)])
    half = t.ppf(0.975, 7) * np.sqrt(7 * np.var(left_out))
    assert found.value == pytest.approx(naive(np.ones(120, dtype=bool)), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=1e-12)
