import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sertools.metrics import regression
from sertools.metrics.classification import macro_f1_statistic, recall_statistic, uar_statistic
from sertools.metrics.regression import BIAS, CCC, MAE, PCC, ccc
from sertools.statistics.jackknife import contrast, estimate, estimate_from_left_out, gap, group_minus_all
from sertools.statistics.proportions import proportion
from tests.helpers.naive_jackknife import jackknife_variance, leave_one_out


def speakers(seed, count, clips=20):
    """Ratings of speakers who differ in level, with uneven numbers of clips."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(count), rng.integers(3, clips, count))
    truth = rng.random(len(unit))
    level = rng.normal(0, 0.1, count)
    return truth, 0.2 + 0.6 * truth + level[unit] + rng.normal(0, 0.1, len(unit)), unit


# one value


def test_the_interval_of_a_mean_is_students():
    rng = np.random.default_rng(20)
    error = rng.normal(0.1, 0.2, 12)
    found = estimate(BIAS, np.zeros(12), error, np.arange(12), 12)
    expected = stats.ttest_1samp(error, 0).confidence_interval(0.95)
    assert found.value == pytest.approx(error.mean(), abs=1e-14)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert (found.n, found.units, found.reason) == (12, 12, "")


def test_the_level_is_that_of_the_t_quantile():
    error = np.random.default_rng(21).normal(size=9)
    found = estimate(BIAS, np.zeros(9), error, np.arange(9), 9, level=0.8)
    expected = stats.ttest_1samp(error, 0).confidence_interval(0.8)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_interval_of_ccc_leaves_speakers_out_on_fishers_scale():
    truth, prediction, unit = speakers(22, 8)
    found = estimate(CCC, truth, prediction, unit, 8)
    z = np.arctanh(leave_one_out(lambda kept: ccc(truth[kept], prediction[kept]), unit))
    middle = math.atanh(ccc(truth, prediction))
    half = stats.t.ppf(0.975, 7) * math.sqrt(jackknife_variance(z))
    assert found.value == pytest.approx(ccc(truth, prediction), abs=1e-12)
    assert found.low == pytest.approx(math.tanh(middle - half), abs=1e-9)
    assert found.high == pytest.approx(math.tanh(middle + half), abs=1e-9)


def test_codes_without_clips_are_no_speakers():
    truth, prediction, unit = speakers(23, 8)
    assert estimate(CCC, truth, prediction, unit, 8) == estimate(CCC, truth, prediction, unit, 20)
    apart = estimate(CCC, truth, prediction, unit * 2, 16)
    assert apart == estimate(CCC, truth, prediction, unit, 8)


def test_intervals_are_cut_to_what_the_value_can_be():
    truth = np.zeros(5)
    found = estimate(MAE, truth, np.array([0, 0, 0, 0, 1.0]), np.arange(5), 5)
    assert (found.value, found.low) == (0.2, 0)
    assert found.high == pytest.approx(0.2 + stats.t.ppf(0.975, 4) * 0.2, abs=1e-12)
    found = estimate(recall_statistic(0), truth, np.array([0, 0, 0, 0, 1]), np.arange(5), 5)
    assert (found.value, found.high) == (0.8, 1)


def test_an_interval_on_the_logarithm_is_symmetric_in_ratios_and_zero_is_a_value():
    positive = replace(BIAS, scale="log", bounds=(0.0, math.inf))
    # without each speaker in turn the mean of 1, 2, 4, 8, 16 is 30/4, 29/4, 27/4, 23/4, 15/4
    found = estimate(positive, np.zeros(5), 2.0 ** np.arange(5), np.arange(5), 5)
    half = stats.t.ppf(0.975, 4) * math.sqrt(jackknife_variance(np.log([30, 29, 27, 23, 15])))
    assert found.value == 31 / 5
    assert found.low == pytest.approx(31 / 5 / math.exp(half), abs=1e-12)
    assert found.high == pytest.approx(31 / 5 * math.exp(half), abs=1e-12)
    nothing = estimate(positive, np.zeros(5), np.zeros(5), np.arange(5), 5)
    assert (nothing.value, nothing.low) == (0, 0)
    assert nothing.high == pytest.approx(0, abs=2e-12)


def test_a_perfect_correlation_has_an_interval_that_holds_it():
    truth = np.random.default_rng(24).random(30)
    unit = np.arange(30) % 6
    for statistic, sign in ((CCC, 1), (PCC, 1), (PCC, -1)):
        found = estimate(statistic, truth, sign * truth, unit, 6)
        assert found.value == pytest.approx(sign, abs=1e-12)
        assert found.low <= found.value <= found.high
        assert found.high - found.low < 1e-9


def test_there_is_no_interval_with_fewer_than_five_speakers():
    truth, prediction, unit = speakers(25, 5)
    assert estimate(CCC, truth, prediction, unit, 5).reason == ""
    four = unit < 4
    found = estimate(CCC, truth[four], prediction[four], unit[four], 5)
    assert found.value == pytest.approx(ccc(truth[four], prediction[four]), abs=1e-12)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert (found.units, found.reason) == (4, "fewer than 5 speakers")


def test_an_undefined_value_has_a_reason():
    found = estimate(CCC, np.full(6, 0.5), np.full(6, 0.4), np.arange(6), 6)
    assert math.isnan(found.value)
    assert found.reason == "ccc is undefined on 6 clips"
    nothing = estimate(CCC, [], [], np.array([], dtype=int), 0)
    assert math.isnan(nothing.value)
    assert (nothing.n, nothing.units, nothing.reason) == (0, 0, "no clips")


def test_a_value_that_hangs_on_one_speaker_has_no_interval():
    truth = np.array([1, 0, 0, 0, 0, 0])
    found = estimate(recall_statistic(1), truth, truth, np.arange(6), 6)
    assert found.value == 1
    assert math.isnan(found.low)
    assert found.reason == "recall is undefined when one speaker is left out"


# a gap between groups


def test_the_gap_of_two_means_has_welchs_interval():
    rng = np.random.default_rng(26)
    a, b = rng.normal(0.3, 0.1, 7), rng.normal(0, 0.4, 11)
    found = gap(BIAS, (np.zeros(7), a, np.arange(7)), (np.zeros(11), b, 7 + np.arange(11)))
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(a.mean() - b.mean(), abs=1e-14)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert (found.n, found.units) == (18, 18)


def test_a_gap_of_ccc_leaves_speakers_out_of_their_group():
    truth, prediction, unit = speakers(27, 13)
    inside = unit < 6
    a, b = ((truth[m], prediction[m], unit[m]) for m in (inside, ~inside))
    found = gap(CCC, a, b)
    variances = [
        jackknife_variance(leave_one_out(lambda kept, g=g: ccc(g[0][kept], g[1][kept]), g[2])) for g in (a, b)
    ]
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 5 + variances[1] ** 2 / 6)
    half = stats.t.ppf(0.975, freedom) * math.sqrt(sum(variances))
    assert found.value == pytest.approx(ccc(*a[:2]) - ccc(*b[:2]), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=1e-9)


def test_a_gap_changes_sign_when_the_groups_are_swapped():
    truth, prediction, unit = speakers(28, 12)
    a, b = ((truth[m], prediction[m], unit[m]) for m in (unit < 6, unit >= 6))
    there, back = gap(CCC, a, b), gap(CCC, b, a)
    assert there.value == -back.value
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-12)


def test_the_gap_of_two_oracles_is_zero_and_sure():
    truth, _, unit = speakers(29, 12)
    a, b = ((truth[m], truth[m], unit[m]) for m in (unit < 6, unit >= 6))
    found = gap(BIAS, a, b)
    assert (found.value, found.low, found.high, found.reason) == (0, 0, 0, "")


def test_a_gap_is_cut_to_what_it_can_be():
    right, wrong = np.array([0, 0, 0, 0, 1]), np.array([1, 1, 1, 1, 0])
    truth = np.zeros(5, dtype=int)
    a, b = (truth, right, np.arange(5)), (truth, wrong, 5 + np.arange(5))
    there, back = (gap(recall_statistic(0), x, y, level=0.999) for x, y in ((a, b), (b, a)))
    assert there.value == pytest.approx(0.6)
    assert (there.high, back.low) == (1, -1)
    assert there.low == -back.high > -1


def test_a_gap_needs_five_speakers_in_each_group():
    truth, prediction, unit = speakers(30, 12)
    a, b = ((truth[m], prediction[m], unit[m]) for m in (unit < 4, unit >= 4))
    for one, other in ((a, b), (b, a)):
        found = gap(CCC, one, other)
        assert found.value == pytest.approx(ccc(*one[:2]) - ccc(*other[:2]), abs=1e-12)
        assert math.isnan(found.low)
        assert found.reason == "fewer than 5 speakers in a group"


def test_a_gap_to_an_empty_group_is_undefined():
    truth, prediction, unit = speakers(31, 6)
    nobody = (np.array([]), np.array([]), np.array([], dtype=int))
    found = gap(CCC, (truth, prediction, unit), nobody)
    assert math.isnan(found.value)
    assert (found.n, found.reason) == (len(unit), "ccc is undefined in a group")
    assert gap(CCC, nobody, nobody).units == 0


def test_a_gap_that_hangs_on_one_speaker_has_no_interval():
    truth = np.array([1, 0, 0, 0, 0, 0])
    a, b = (truth, truth, np.arange(6)), (1 - truth, truth, np.arange(6))
    apart = gap(recall_statistic(1), a, (*b[:2], b[2] + 6))
    shared = gap(recall_statistic(1), a, b)
    for found in (apart, shared):
        assert found.value == 1
        assert math.isnan(found.low)
        assert found.reason == "recall is undefined when one speaker is left out"


# the same speakers in both


def test_a_contrast_of_means_has_the_paired_t_interval():
    rng = np.random.default_rng(32)
    truth, before = rng.random((2, 10))
    after = before + rng.normal(0.05, 0.1, 10)
    found = contrast(BIAS, truth, before, after, np.arange(10))
    expected = stats.ttest_rel(after, before).confidence_interval(0.95)
    assert found.value == pytest.approx((after - before).mean(), abs=1e-14)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert (found.n, found.units) == (10, 10)


def test_a_contrast_leaves_each_speaker_out_of_both():
    truth, before, unit = speakers(33, 9)
    after = 0.9 * before + np.random.default_rng(34).normal(0, 0.05, len(before))
    found = contrast(CCC, truth, before, after, unit)
    values = leave_one_out(lambda kept: ccc(truth[kept], after[kept]) - ccc(truth[kept], before[kept]), unit)
    half = stats.t.ppf(0.975, 8) * math.sqrt(jackknife_variance(values))
    assert found.value == pytest.approx(ccc(truth, after) - ccc(truth, before), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=1e-9)


def test_a_contrast_is_sharper_than_a_gap_of_strangers():
    truth, before, unit = speakers(35, 9)
    after = 0.9 * before
    paired = contrast(CCC, truth, before, after, unit)
    strangers = gap(CCC, (truth, after, unit), (truth, before, unit + 9))
    assert paired.value == pytest.approx(strangers.value, abs=1e-12)
    assert paired.high - paired.low < strangers.high - strangers.low


def test_predictions_that_do_not_change_have_no_contrast():
    truth, prediction, unit = speakers(36, 6)
    found = contrast(CCC, truth, prediction, prediction, unit)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_group_is_compared_with_all_leaving_speakers_out_of_both():
    truth, prediction, unit = speakers(37, 14)
    group = np.where(unit < 6, 0, 1)
    found = group_minus_all(CCC, truth, prediction, unit, group, 2)
    for code, one in enumerate(found):
        inside = group == code

        def difference(kept, inside=inside):
            both = kept & inside
            return ccc(truth[both], prediction[both]) - ccc(truth[kept], prediction[kept])

        values = leave_one_out(difference, unit)
        members = len(np.unique(unit[inside]))
        half = stats.t.ppf(0.975, members - 1) * math.sqrt(jackknife_variance(values))
        assert one.value == pytest.approx(difference(np.ones(len(unit), dtype=bool)), abs=1e-12)
        assert (one.low, one.high) == pytest.approx((one.value - half, one.value + half), abs=1e-9)
        assert (one.n, one.units) == (inside.sum(), members)


def test_clips_without_a_group_count_among_all_only():
    truth, prediction, unit = speakers(38, 14)
    group = np.where(unit < 6, 0, -1)
    (found,) = group_minus_all(CCC, truth, prediction, unit, group, 1)
    inside = unit < 6
    assert found.value == pytest.approx(
        ccc(truth[inside], prediction[inside]) - ccc(truth, prediction), abs=1e-12
    )


def test_a_small_or_empty_group_says_so():
    truth, prediction, unit = speakers(39, 10)
    group = np.where(unit < 3, 0, 1)
    small, large, empty = group_minus_all(CCC, truth, prediction, unit, group, 3)
    assert (small.units, small.reason) == (3, "fewer than 5 speakers in a group")
    assert large.reason == ""
    assert (empty.n, empty.units, empty.reason) == (0, 0, "ccc is undefined in a group")


# what must not matter


def test_neither_the_order_of_clips_nor_the_names_of_speakers_matter():
    rng = np.random.default_rng(42)
    truth, prediction, unit = speakers(43, 11)
    group = (unit < 5).astype(int)
    names, order = rng.permutation(11), rng.permutation(len(unit))
    codes = np.digitize(truth, [0.3, 0.7]), np.digitize(prediction, [0.3, 0.7])

    def everything(t, p, a, b, u, g):
        first, second = ((t[m], p[m], u[m]) for m in (g == 0, g == 1))
        return [
            estimate(CCC, t, p, u, 11),
            estimate(uar_statistic(3), a, b, u, 11),
            gap(CCC, first, second),
            contrast(PCC, t, p, p**2, u),
            *group_minus_all(regression.RMSE, t, p, u, g, 2),
            proportion(a == b, u, 11),
        ]

    straight = everything(truth, prediction, *codes, unit, group)
    shuffled = everything(
        truth[order], prediction[order], *(c[order] for c in codes), names[unit][order], group[order]
    )
    for one, other in zip(straight, shuffled, strict=True):
        assert (one.n, one.units, one.reason) == (other.n, other.units, other.reason)
        assert (one.value, one.low, one.high) == pytest.approx(
            (other.value, other.low, other.high), abs=1e-11
        )


def test_inputs_are_not_modified():
    truth, prediction, unit = speakers(44, 6)
    before = [x.copy() for x in (truth, prediction, unit)]
    estimate(CCC, truth, prediction, unit, 6)
    contrast(CCC, truth, prediction, truth, unit)
    for was, now in zip(before, (truth, prediction, unit), strict=True):
        np.testing.assert_array_equal(was, now)


def test_a_value_that_is_undefined_has_no_interval_from_left_out_values_either():
    found = estimate_from_left_out(CCC, np.nan, np.full(9, np.nan), 9)
    assert math.isnan(found.low)
    assert found.reason == estimate(CCC, np.full(9, 0.5), np.full(9, 0.5), np.arange(9), 9).reason


@pytest.mark.parametrize("right", [True, False])
def test_a_share_of_one_or_nothing_has_an_interval_with_a_width(right):
    """48 right answers of 6 speakers do not show that every answer is right."""
    truth, unit = np.arange(48) % 3, np.arange(48) // 8
    prediction = truth if right else (truth + 1) % 3
    for statistic in (uar_statistic(3), macro_f1_statistic(3)):
        found = estimate(statistic, truth, prediction, unit, 6)
        assert found.value == float(right)
        effective = 48 / (1 + (8 - 1) * 0.02)
        bound = 1.959964**2 / (effective + 1.959964**2)
        ends = (1 - bound, 1.0) if right else (0.0, bound)
        assert (found.low, found.high) == pytest.approx(ends, abs=1e-6)
        assert found.inner[1] - found.inner[0] < found.high - found.low
