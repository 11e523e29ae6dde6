"""Gaps between groups by chance: studentised, valid for unequal groups, and honest about what they detect."""

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from sertools.errors import AuditError
from sertools.metrics.classification import recall_statistic, uar_statistic
from sertools.metrics.regression import BIAS, CCC, ccc
from sertools.statistics import permutation as permutation_module
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.permutation import holm, permutation


def rng(seed=0):
    return np.random.default_rng(seed)


def speakers(seed, count):
    """Ratings of speakers who differ in level, with uneven numbers of clips."""
    draw = rng(seed)
    unit = np.repeat(np.arange(count), draw.integers(3, 20, count))
    truth = draw.random(len(unit))
    level = draw.normal(0, 0.1, count)
    return truth, 0.2 + 0.6 * truth + level[unit] + draw.normal(0, 0.1, len(unit)), unit


def test_the_p_value_is_that_of_all_permutations():
    error = np.array([0.1, 0.5, 0.2, 0.9, 0.8, 0.4, 0.7])
    group = np.array([0, 0, 0, 1, 1, 0, 1])

    def welch(labels) -> float:
        """Difference of means by its standard error; the jackknife variance of a mean is s² / n."""
        a, b = error[np.asarray(labels) == 0], error[np.asarray(labels) == 1]
        return float(abs(stats.ttest_ind(a, b, equal_var=False).statistic))

    every = [welch(g) for g in set(permutations(group.tolist()))]
    exact = np.mean([v >= welch(group) - 1e-12 for v in every])
    found = permutation(
        BIAS, GroupedClips(np.zeros(7), error, np.arange(7), 7, group, 2), draws=20_000, rng=rng(11)
    )
    assert len(every) == 35
    assert found.observed == pytest.approx(
        abs(error[group == 0].mean() - error[group == 1].mean()), abs=1e-15
    )
    # standard error √(p(1−p)/20 000) is below 0.0025 here
    assert found.p_value == pytest.approx(exact, abs=0.01)
    a, b = error[group == 0], error[group == 1]
    parts = np.array([a.var(ddof=1) / 4, b.var(ddof=1) / 3])
    freedom = parts.sum() ** 2 / (parts**2 / [3, 2]).sum()
    assert found.smallest_detectable == pytest.approx(
        (stats.t.ppf(0.975, freedom) + stats.t.ppf(0.8, freedom)) * np.sqrt(parts.sum())
    )
    assert found.smallest_verifiable == pytest.approx(
        (stats.t.ppf(0.95, freedom) + stats.t.ppf(0.9, freedom)) * np.sqrt(parts.sum())
    )


def test_speakers_are_permuted_not_clips():
    # one speaker per level, many clips each: over clips, any gap of levels would seem certain
    unit = np.repeat(np.arange(6), 50)
    level = np.array([0.1, 0.3, 0.2, 0.4, 0.35, 0.15])
    group = (unit >= 3).astype(int)
    over_speakers = permutation(
        BIAS, GroupedClips(np.zeros(300), level[unit], unit, 6, group, 2), rng=rng(12)
    )
    over_clips = permutation(
        BIAS, GroupedClips(np.zeros(300), level[unit], np.arange(300), 300, group, 2), rng=rng(12)
    )
    assert over_speakers.observed == pytest.approx(over_clips.observed, abs=1e-12)
    assert over_clips.p_value < 0.001
    assert over_speakers.p_value > 0.1
    assert over_speakers.smallest_detectable > 3 * over_clips.smallest_detectable


def test_p_values_are_uniform_when_groups_do_not_matter():
    draw = rng(13)
    group = np.arange(16) % 2
    p_values = [
        permutation(
            BIAS,
            GroupedClips(np.zeros(16), draw.normal(size=16), np.arange(16), 16, group, 2),
            draws=200,
            rng=draw,
        ).p_value
        for _ in range(300)
    ]
    # Kolmogorov-Smirnov; p-values are multiples of 1/201, far finer than 300 of them can tell
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


UNEQUAL = (5, 16), (19, 96)
"""Speakers and clips of each in two groups."""


def unequal_groups(draw, spread: float) -> GroupedClips:
    """No gap at all: equal accuracy in both groups, of which one has few speakers with few clips."""
    sizes = [clips for speakers, clips in UNEQUAL for _ in range(speakers)]
    unit = np.repeat(np.arange(len(sizes)), sizes)
    right = draw.random(len(unit)) < np.clip(0.7 + spread * draw.normal(size=len(sizes)), 0, 1)[unit]
    truth = draw.integers(0, 4, len(unit))
    prediction = np.where(right, truth, (truth + draw.integers(1, 4, len(unit))) % 4)
    return GroupedClips(truth, prediction, unit, len(sizes), (unit >= UNEQUAL[0][0]).astype(int), 2)


def test_groups_of_unequal_size_get_valid_p_values():
    """Unstudentised, 17.7 % of such corpora had p ≤ .05 (UAR, 5 speakers × 16 clips and 19 × 96)."""
    draw = rng(31)
    p_values = [
        permutation(uar_statistic(4), unequal_groups(draw, 0.05), draws=199, rng=draw).p_value
        for _ in range(400)
    ]
    # binomial, 400 corpora: 5 % ± 2.1 %
    assert np.mean(np.array(p_values) <= 0.05) <= 0.075


def test_a_gap_of_the_smallest_detectable_size_is_found_in_four_of_five_corpora():
    draw, found = rng(32), []
    unit = np.repeat(np.arange(40), 10)
    group = (unit >= 20).astype(int)
    size = permutation(
        BIAS, GroupedClips(np.zeros(400), draw.normal(size=40)[unit], unit, 40, group, 2), rng=draw
    ).smallest_detectable
    for _ in range(300):
        error = draw.normal(size=40)[unit] + size * group
        test = permutation(BIAS, GroupedClips(np.zeros(400), error, unit, 40, group, 2), draws=199, rng=draw)
        found.append(test.p_value <= 0.05)
    assert 0.7 < np.mean(found) < 0.9  # the standard error of one corpus is itself uncertain by 11 %


def test_many_speakers_are_compared_with_the_normal_distribution(monkeypatch):
    draw = rng(33)
    unit = np.repeat(np.arange(200), 3)
    grouped = GroupedClips(np.zeros(600), draw.normal(size=200)[unit], unit, 200, unit % 3, 3)
    permuted = permutation(BIAS, grouped, draws=4000, rng=draw)
    monkeypatch.setattr(permutation_module, "MANY_UNITS", 100)
    normal = permutation(BIAS, grouped, draws=4000, rng=draw)
    assert normal.p_value == pytest.approx(permuted.p_value, abs=0.03)
    assert normal.smallest_detectable == pytest.approx(permuted.smallest_detectable, rel=0.05)


def test_a_gap_that_no_permutation_reaches_has_the_smallest_p_value():
    error = np.r_[np.zeros(12), np.ones(12)] + np.linspace(0, 1e-3, 24)
    group = np.repeat([0, 1], 12)
    found = permutation(
        BIAS, GroupedClips(np.zeros(24), error, np.arange(24), 24, group, 2), draws=999, rng=rng(14)
    )
    assert found.p_value == 1 / 1000
    assert found.smallest_detectable < found.observed


def test_without_any_difference_the_p_value_is_1():
    truth, _, unit = speakers(57, 12)
    found = permutation(CCC, GroupedClips(truth, truth, unit, 12, unit % 2, 2), draws=100, rng=rng(15))
    assert found.observed == pytest.approx(0, abs=1e-12)
    assert found.p_value == 1


def test_three_groups_are_compared_by_their_extremes():
    truth, prediction, unit = speakers(58, 18)
    group = unit % 3
    found = permutation(CCC, GroupedClips(truth, prediction, unit, 18, group, 3), draws=300, rng=rng(16))
    by_group = [ccc(truth[group == g], prediction[group == g]) for g in range(3)]
    assert found.observed == pytest.approx(max(by_group) - min(by_group), abs=1e-12)
    assert 0 < found.p_value <= 1


def test_permutations_in_blocks_are_those_in_one(monkeypatch):
    truth, prediction, unit = speakers(59, 10)
    grouped = GroupedClips(truth, prediction, unit, 10, unit % 2, 2)
    whole = permutation(CCC, grouped, draws=100, rng=rng(17))
    monkeypatch.setattr(permutation_module, "MAX_CELLS", 130)
    assert permutation(CCC, grouped, draws=100, rng=rng(17)) == whole


def test_permutation_says_why_there_is_no_answer():
    truth, prediction, unit = speakers(60, 10)
    alone = permutation(
        CCC, GroupedClips(truth, prediction, unit, 10, np.zeros(len(unit), dtype=int), 1), rng=rng()
    )
    assert math.isnan(alone.observed)
    assert alone.reason == "fewer than two groups"
    mixed = permutation(
        CCC, GroupedClips(truth, prediction, unit, 10, np.arange(len(unit)) % 2, 2), rng=rng()
    )
    assert mixed.observed > 0
    assert math.isnan(mixed.p_value)
    assert mixed.reason.startswith("a speaker belongs to more than one group")
    constant = permutation(
        CCC,
        GroupedClips(
            np.where(unit < 5, 0.5, truth), np.where(unit < 5, 0.4, prediction), unit, 10, unit // 5, 2
        ),
        rng=rng(),
    )
    assert math.isnan(constant.p_value)
    assert constant.reason == "ccc is undefined in a group"


def test_permutations_in_which_a_group_is_undefined_are_counted():
    # of four speakers who have the class, a group gets fewer than two in 34 of 70 permutations, and without
    # one of these its recall is undefined
    truth = np.array([1, 1, 0, 0, 1, 1, 0, 0])
    found = permutation(
        recall_statistic(1),
        GroupedClips(truth, truth, np.arange(8), 8, np.repeat([0, 1], 4), 2),
        draws=1000,
        rng=rng(18),
    )
    assert found.observed == 0
    assert math.isnan(found.p_value)
    share = int(found.reason.removeprefix("undefined in ").removesuffix("% of permutations"))
    assert share == pytest.approx(100 * 34 / 70, abs=5)


def test_order_of_clips_and_names_of_classes_do_not_matter_to_the_gap():
    draw = rng(19)
    truth, prediction = draw.integers(0, 3, (2, 120))
    unit = np.arange(120) % 12
    order, names = draw.permutation(120), np.array([2, 0, 1])
    one = permutation(
        uar_statistic(3), GroupedClips(truth, prediction, unit, 12, unit % 2, 2), draws=200, rng=rng(20)
    )
    other = permutation(
        uar_statistic(3),
        GroupedClips(names[truth][order], names[prediction][order], unit[order], 12, (unit % 2)[order], 2),
        draws=200, rng=rng(20),
    )  # fmt: skip
    assert one.p_value == other.p_value
    assert one.smallest_detectable == pytest.approx(other.smallest_detectable, abs=1e-12)


def test_holm_by_hand():
    # sorted: .005·4, .01·3, .03·2, .04·1 → .02, .03, .06, max(.06, .04)
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02], atol=1e-15)


def test_holm_never_lowers_a_p_value_nor_passes_1():
    p = rng(21).random(40)
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert adjusted.max() == 1
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert holm([0.3]).tolist() == [0.3]


def test_holm_does_not_count_tests_that_were_not_made():
    np.testing.assert_array_equal(holm([0.02, math.nan, 0.5]), [0.04, math.nan, 0.5])
    assert holm([]).shape == (0,)


def test_no_permutation_says_nothing():
    of = (np.zeros(4), np.zeros(4), np.arange(4), 4, np.array([0, 0, 1, 1]), 2)
    with pytest.raises(AuditError, match="0 permutations are too few"):
        permutation(BIAS, GroupedClips(*of), draws=0, rng=rng())


def test_a_gap_that_one_speaker_alone_defines_is_not_tested():
    # the first speaker has the only clip of the class, so that without him its recall is undefined
    truth, group = np.array([1, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1])
    found = permutation(
        recall_statistic(1), GroupedClips(truth, truth, np.arange(6), 6, group, 2), draws=50, rng=rng()
    )
    assert found.observed == 0
    assert found.reason.endswith("is undefined when one speaker is left out")
