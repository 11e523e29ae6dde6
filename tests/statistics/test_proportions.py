"""Shares of clips and their intervals: Wilson by hand, design effects by Kish, mirrored and few."""

import math

import numpy as np
import pytest
from scipy import stats

from sertools.statistics import jackknife
from sertools.statistics.proportions import proportion
from tests.helpers.naive_jackknife import jackknife_variance, leave_one_out


@pytest.mark.parametrize("hits", [1, 4, 12, 19])
def test_wilson_bounds_are_as_many_standard_errors_away_as_the_quantile_says(hits):
    success = np.arange(20) < hits
    found = proportion(success, np.arange(20), 20)
    # with one clip each, the jackknife variance is p(1−p)/(n−1), so 19 clips are effective
    for bound in (found.low, found.high):
        error = math.sqrt(bound * (1 - bound) / 19)
        assert abs(hits / 20 - bound) / error == pytest.approx(stats.t.ppf(0.975, 19), abs=1e-9)
    assert found.low < found.value < found.high


def test_wilson_uses_the_clips_that_are_effective_by_the_jackknife():
    rng = np.random.default_rng(40)
    unit = np.repeat(np.arange(10), rng.integers(5, 40, 10))
    success = rng.random(len(unit)) < np.linspace(0.5, 1, 10)[unit]
    found = proportion(success, unit, 10)
    p = success.mean()
    effective = p * (1 - p) / jackknife_variance(leave_one_out(lambda kept: success[kept].mean(), unit))
    assert effective < len(unit) / 2
    for bound in (found.low, found.high):
        error = math.sqrt(bound * (1 - bound) / effective)
        assert abs(p - bound) / error == pytest.approx(stats.t.ppf(0.975, 9), abs=1e-8)


def test_a_proportion_of_speakers_who_differ_has_the_effective_clips_of_their_variance():
    # ten clips of each of six speakers, of which 10, 10, 10, 10, 2 and 0 succeed
    hits = [10, 10, 10, 10, 2, 0]
    success = np.concatenate([np.arange(10) < k for k in hits])
    found = proportion(success, np.repeat(np.arange(6), 10), 6)
    p, q = 42 / 60, stats.t.ppf(0.975, 5)
    square = q**2 / (p * (1 - p) / jackknife_variance(np.array([(42 - k) / 50 for k in hits])))
    half = math.sqrt(p * (1 - p) * square + square**2 / 4) / (1 + square)
    middle = (p + square / 2) / (1 + square)
    assert (found.value, found.n, found.units) == (p, 60, 6)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-12)


def most_effective(clips, rarer):
    """n over Kish's design effect of an intra-speaker correlation that fades as the rarer outcome is seen."""
    weighted = sum(m * m for m in clips) / sum(clips)
    return sum(clips) / (1 + (weighted - 1) * 0.02 * 50 / (50 + rarer))


def test_speakers_more_alike_than_chance_do_not_make_more_clips_than_there_are():
    unit = np.repeat(np.arange(6), 10)
    success = np.tile(np.arange(10) < 5, 6)
    success[0] = False
    found = proportion(success, unit, 6)
    p = 29 / 60
    error = math.sqrt(found.low * (1 - found.low) / most_effective([10] * 6, 29))
    assert (p - found.low) / error == pytest.approx(stats.norm.ppf(0.975), abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_speakers_without_any_difference_are_deflated_by_the_design_effect(share):
    unit = np.repeat(np.arange(8), 10)
    found = proportion(np.tile(np.arange(10) < 10 * share, 8), unit, 8)
    effective = most_effective([10] * 8, 40 if share == 0.5 else 0)
    quantile = stats.norm.ppf(0.975)
    assert found.value == share
    assert 0 <= found.low < found.high <= 1
    if share == 1:
        # Wilson at p = 1: low = n / (n + z²)
        assert (found.low, found.high) == (pytest.approx(effective / (effective + quantile**2)), 1)
    elif share == 0:
        assert (found.low, found.high) == (0, pytest.approx(quantile**2 / (effective + quantile**2)))
    else:
        half = 0.5 * quantile / math.sqrt(effective + quantile**2)
        assert (found.low, found.high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))


def test_speakers_who_differ_by_rounding_only_do_not_differ():
    # the mean of seven times 0.9 is not 0.9, so their variance comes out as 1e-32
    clips = [10 * m for m in (1, 2, 5, 7, 11, 13, 17)]
    unit = np.repeat(np.arange(7), clips)
    success = np.concatenate([np.arange(m) < m // 10 * 9 for m in clips])
    found = proportion(success, unit, 7)
    error = math.sqrt(found.low * (1 - found.low) / most_effective(clips, 56))
    assert (0.9 - found.low) / error == pytest.approx(stats.norm.ppf(0.975), abs=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_an_assumed_variance_has_the_normal_quantile_of_its_level(level):
    found = proportion(np.ones(80), np.repeat(np.arange(8), 10), 8, level=level)
    assert found.low == pytest.approx(80 / (80 + 1.18 * stats.norm.ppf((1 + level) / 2) ** 2), abs=1e-12)


def test_one_speaker_with_all_of_a_few_misses_does_not_narrow_the_interval_below_the_assumed_one():
    # two misses of one speaker of 40: the jackknife variance is that of one speaker alone
    unit = np.repeat(np.arange(40), 300)
    success = np.ones(len(unit))
    success[:2] = 0
    found, p = proportion(success, unit, 40), 1 - 2 / 12000
    variance = jackknife_variance(leave_one_out(lambda kept: success[kept].mean(), unit))
    effective = min(p * (1 - p) / variance, most_effective([300] * 40, 2))
    assert effective == most_effective([300] * 40, 2) < p * (1 - p) / variance
    error = math.sqrt(found.low * (1 - found.low) / effective)
    assert (p - found.low) / error == pytest.approx(stats.norm.ppf(0.975), abs=1e-9)


def test_a_proportion_mirrors():
    unit = np.repeat(np.arange(7), 9)
    success = np.random.default_rng(41).random(63) < 0.9
    there, back = proportion(success, unit, 7), proportion(~success, unit, 7)
    assert (there.low, there.high) == pytest.approx((1 - back.high, 1 - back.low), abs=1e-12)


def test_a_proportion_without_clips_or_speakers_says_so():
    nothing = proportion([], np.array([], dtype=int), 3)
    assert math.isnan(nothing.value)
    assert nothing.reason == "no clips"
    few = proportion([True, False, True], [0, 1, 2], 3)
    assert few.value == pytest.approx(2 / 3)
    assert math.isnan(few.low)
    assert few.reason == f"fewer than {jackknife.MIN_UNITS} speakers"
