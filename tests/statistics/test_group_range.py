"""The largest minus the smallest score of groups: by a loop, in the limits, and for equal groups."""

import itertools
import math

import numpy as np
import pytest
from scipy.special import stdtr
from scipy.stats import studentized_range

from sertools.metrics.regression import BIAS, CCC, ccc
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.group_range import level_of_a_pair, max_minus_min
from sertools.statistics.jackknife import gap
from tests.helpers.simulated_ratings import ratings


def drawn(seed, speakers):
    return ratings(np.random.default_rng(seed), speakers)


def groups_of(parts):
    """Groups of clips that share no speaker, as one corpus."""
    truth, prediction = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    first = np.cumsum([0, *(part[2].max() + 1 for part in parts)])
    unit = np.concatenate([part[2] + start for part, start in zip(parts, first, strict=False)])
    group = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    return GroupedClips(truth, prediction, unit, int(first[-1]), group, len(parts))


def test_it_is_the_gap_of_the_extreme_groups():
    truth, prediction, unit = drawn(52, 24)
    group = unit % 3
    by_group = [ccc(truth[group == g], prediction[group == g]) for g in range(3)]
    found = max_minus_min(CCC, GroupedClips(truth, prediction, unit, 24, group, 3))
    assert found.value == pytest.approx(max(by_group) - min(by_group), abs=1e-12)
    assert 0 <= found.low < found.value < found.high
    assert (found.n, found.units) == (len(unit), 24)


@pytest.mark.parametrize("sign", [1, -1])
def test_that_of_two_groups_is_their_gap_without_its_sign_cut_at_0(sign):
    truth, prediction, unit = drawn(53, 40)
    group = unit % 2
    prediction = prediction + sign * 2.0 * group
    a, b = ((truth[group == g], prediction[group == g], unit[group == g]) for g in ((1, 0), (0, 1))[sign < 0])
    expected = gap(BIAS, a, b)
    found = max_minus_min(BIAS, GroupedClips(truth, prediction, unit, 40, group, 2))
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high), abs=1e-12
    )
    near = max_minus_min(BIAS, GroupedClips(truth, prediction - sign * 2.0 * group, unit, 40, group, 2))
    assert near.low == 0 < near.value < near.high


def test_the_bounds_are_those_of_all_pairs_by_a_loop():
    parts = [drawn(seed, 9 + seed) for seed in range(3)]
    parts = [(t, p + shift, u) for (t, p, u), shift in zip(parts, (0.0, 0.3, 0.5), strict=True)]
    level = 2 * stdtr(1e9, studentized_range.ppf(0.95, 3, math.inf) / math.sqrt(2)) - 1
    lows, highs = [], []
    for a, b in itertools.combinations(parts, 2):
        apart = (b[0], b[1], b[2] + 100)
        lows.append(gap(BIAS, apart, a, level=level).low)
        highs.append(gap(BIAS, apart, a).high)
    found = max_minus_min(BIAS, groups_of(parts))
    assert (found.low, found.high) == pytest.approx((max(lows), max(highs)), abs=1e-9)


def test_the_level_of_a_pair_is_between_single_and_bonferroni():
    for groups in (3, 4, 6):
        pairs = groups * (groups - 1) / 2
        assert 0.95 < level_of_a_pair(groups, 0.95) < 1 - 0.05 / pairs


def test_speakers_in_several_groups_are_left_out_of_all():
    truth, prediction, unit = drawn(54, 8)
    group = np.where(unit < 6, np.arange(len(unit)) % 2, 1)
    found = max_minus_min(BIAS, GroupedClips(truth, prediction, unit, 8, group, 2))
    assert (found.units, found.reason) == (8, "")
    assert found.low < found.high


def test_empty_groups_and_clips_without_one_are_left_out():
    truth, prediction, unit = drawn(55, 15)
    group = np.array([0, 3, -1])[unit % 3]
    kept = group >= 0
    found = max_minus_min(CCC, GroupedClips(truth, prediction, unit, 15, group, 5))
    again = max_minus_min(
        CCC, GroupedClips(truth[kept], prediction[kept], unit[kept], 15, group[kept] // 3, 2)
    )
    assert found == again
    assert (found.n, found.units) == (kept.sum(), 10)


def test_it_needs_two_groups_with_values_and_five_speakers_each():
    truth, prediction, unit = drawn(56, 10)
    one = max_minus_min(CCC, GroupedClips(truth, prediction, unit, 10, np.zeros(len(unit), dtype=int), 2))
    assert math.isnan(one.value)
    assert one.reason == "fewer than two groups"
    group = np.minimum(unit, 1)
    few = max_minus_min(CCC, GroupedClips(truth, prediction, unit, 10, group, 2))
    assert (few.value > 0, few.reason) == (True, "fewer than 5 speakers in a group")
    constant = np.where(group == 0, 0.5, truth)
    undefined = max_minus_min(
        CCC, GroupedClips(constant, np.where(group == 0, 0.5, prediction), unit, 10, group, 2)
    )
    assert math.isnan(undefined.value)
    assert undefined.reason


@pytest.mark.parametrize("speakers", [(8, 8, 8), (6, 12, 30)])
def test_equal_groups_are_told_apart_in_at_most_one_of_twenty_corpora(speakers):
    apart = []
    for run in range(200):
        rng = np.random.default_rng([11, run])
        found = max_minus_min(CCC, groups_of([ratings(rng, count) for count in speakers]))
        apart.append(found.low > 0)
        assert found.high > found.value > 0
    # three standard errors of 200 corpora are .046
    assert np.mean(apart) < 0.096
