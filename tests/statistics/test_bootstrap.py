import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from sertools.errors import AuditError
from sertools.metrics.classification import recall_statistic, uar_statistic
from sertools.metrics.regression import BIAS, CCC, ccc
from sertools.statistics import bootstrap as bootstrap_module
from sertools.statistics import permutation as permutation_module
from sertools.statistics.bootstrap import GroupedClips, bootstrap, bootstrap_weights, max_minus_min
from sertools.statistics.jackknife import estimate, gap
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


# bootstrap


def test_each_draw_has_as_many_speakers_of_each_group_as_the_corpus():
    strata = np.array([0, 1, 1, 0, 2, 1])
    weights = np.concatenate(list(bootstrap_weights(strata, 300, rng=rng())))
    assert weights.shape == (300, 6)
    for code, size in ((0, 2), (1, 3), (2, 1)):
        assert (weights[:, strata == code].sum(axis=1) == size).all()
    # each is drawn once on average; 300 draws of variance below 1 have a standard error below 0.06
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.2)


def test_counts_follow_the_multinomial_distribution_within_each_group():
    strata = np.array([1, 0, 1, 1, 0, 1])
    weights = np.concatenate(list(bootstrap_weights(strata, 40_000, rng=rng(9))))
    # of 4 draws among 4, each speaker has the variance 4 · 1/4 · 3/4 and each two the covariance −4/16; of
    # 2 among 2, 1/2 and −1/2; 40 000 draws know a covariance of about 1 to 0.02, three standard errors
    four, two = np.full((4, 4), -0.25) + np.eye(4), np.array([[0.5, -0.5], [-0.5, 0.5]])
    np.testing.assert_allclose(np.cov(weights[:, strata == 1].T), four, atol=0.02)
    np.testing.assert_allclose(np.cov(weights[:, strata == 0].T), two, atol=0.02)
    across = np.cov(weights[:, strata == 1].T, weights[:, strata == 0].T)[:4, 4:]
    np.testing.assert_allclose(across, 0, atol=0.02)


def test_each_uniform_number_draws_one_speaker_of_its_group():
    strata = np.array([7, 3, 7, 7, 3])
    members = {7: [0, 2, 3], 3: [1, 4]}
    expected = np.zeros((3, 5))
    for row, numbers in enumerate(rng(4).random((3, 5))):
        for group, number in zip(strata, numbers, strict=True):
            expected[row, members[group][int(number * len(members[group]))]] += 1
    np.testing.assert_array_equal(next(bootstrap_weights(strata, 3, rng=rng(4))), expected)


@pytest.mark.parametrize("strata", [np.zeros(10, dtype=int), np.array([0, 1, 1, 0, 2, 1, 0, 2, 2, 1])])
def test_memory_limits_the_block_and_not_the_draws(monkeypatch, strata):
    whole = np.concatenate(list(bootstrap_weights(strata, 50, rng=rng(1))))
    monkeypatch.setattr(bootstrap_module, "MAX_MATRIX_CELLS", 70)
    blocks = list(bootstrap_weights(strata, 50, rng=rng(1)))
    assert [len(b) for b in blocks] == [7] * 7 + [1]
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_percentiles_are_widened_by_hesterbergs_factor():
    # a bootstrap distribution that is exactly normal: the interval is its mean ± t √(G/(G−1)) sd
    drawn = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    half = stats.t.ppf(0.975, 7) * math.sqrt(8 / 7)
    # half a step of 1/200 000 in probability is 1e-4 in the tail of the normal
    assert bootstrap_module.widened_percentiles(drawn, 8) == pytest.approx((-half, half), abs=2e-3)


def test_the_bootstrap_of_a_mean_agrees_with_the_jackknife():
    truth, prediction, unit = speakers(50, 30)
    by_jackknife = estimate(BIAS, truth, prediction, unit, 30)
    sums = BIAS.sums(truth, prediction, unit, 30)
    found = bootstrap(BIAS.value, sums, n=len(unit), draws=4000, rng=rng(2))
    width = by_jackknife.high - by_jackknife.low
    # both estimate one standard error from 30 speakers; 4000 draws know a tail to a few per cent
    assert found.value == by_jackknife.value
    assert found.low == pytest.approx(by_jackknife.low, abs=0.1 * width)
    assert found.high == pytest.approx(by_jackknife.high, abs=0.1 * width)
    assert (found.n, found.units, found.reason) == (len(unit), 30, "")


def test_the_bootstrap_depends_on_its_seed_alone():
    truth, prediction, unit = speakers(51, 12)
    sums = CCC.sums(truth, prediction, unit, 12)
    one, again, other = (bootstrap(CCC.value, sums, n=9, draws=200, rng=rng(s)) for s in (3, 3, 4))
    assert one == again
    assert one != other


@pytest.mark.parametrize("draws", [-1, 0, 1, 19])
def test_an_interval_of_a_handful_of_draws_is_refused(draws):
    with pytest.raises(AuditError, match=f"{draws} draws are too few for an interval"):
        bootstrap(lambda sums: sums[..., 0], np.ones((6, 1)), n=6, draws=draws, rng=rng())


def test_no_permutation_says_nothing():
    of = (np.zeros(4), np.zeros(4), np.arange(4), 4, np.array([0, 0, 1, 1]), 2)
    with pytest.raises(AuditError, match="0 permutations are too few"):
        permutation(BIAS, GroupedClips(*of), draws=0, rng=rng())


def test_the_bootstrap_says_why_there_is_no_interval():
    sums = np.ones((4, 4))
    few = bootstrap(BIAS.value, sums, n=4, rng=rng())
    assert (few.value, few.reason) == (1, "fewer than 5 speakers")
    assert math.isnan(few.low)
    strata = np.array([0] * 6 + [1] * 3)
    grouped = bootstrap(BIAS.value, np.ones((9, 4)), n=9, strata=strata, rng=rng())
    assert grouped.reason == "fewer than 5 speakers in a group"
    undefined = bootstrap(BIAS.value, np.zeros((9, 4)), n=0, rng=rng())
    assert math.isnan(undefined.value)
    assert undefined.reason == "undefined on 0 clips"


def test_a_value_undefined_in_many_draws_has_no_interval():
    # only one of six speakers has the class: 1/3 of draws leave her out
    truth = np.array([1, 0, 0, 0, 0, 0])
    sums = recall_statistic(1).sums(truth, truth, np.arange(6), 6)
    found = bootstrap(recall_statistic(1).value, sums, n=6, draws=1000, rng=rng(5))
    assert found.value == 1
    assert math.isnan(found.high)
    share = int(found.reason.removeprefix("undefined in ").removesuffix("% of bootstrap draws"))
    # (5/6)^6 = 33.5 %, with a standard error of 1.5 % in 1000 draws
    assert share == pytest.approx(33.5, abs=5)


def test_a_few_undefined_draws_are_left_out():
    # of 8 speakers 4 have the class: one draw in 256 has none
    truth = np.arange(8) % 2
    sums = recall_statistic(1).sums(truth, np.array([0, 1, 0, 1, 0, 1, 0, 0]), np.arange(8), 8)
    found = bootstrap(recall_statistic(1).value, sums, n=8, draws=2000, rng=rng(6))
    assert found.reason == ""
    assert 0 <= found.low <= found.value == 0.75 <= found.high <= 1


# max − min


def test_max_minus_min_is_the_gap_of_the_extreme_groups():
    truth, prediction, unit = speakers(52, 24)
    group = unit % 3
    by_group = [ccc(truth[group == g], prediction[group == g]) for g in range(3)]
    found = max_minus_min(CCC, GroupedClips(truth, prediction, unit, 24, group, 3), draws=500, rng=rng(7))
    assert found.value == pytest.approx(max(by_group) - min(by_group), abs=1e-12)
    assert 0 <= found.low < found.value < found.high
    assert (found.n, found.units) == (len(unit), 24)


def test_max_minus_min_of_two_far_groups_agrees_with_their_gap():
    truth, prediction, unit = speakers(53, 40)
    group = unit % 2
    prediction = prediction + 2.0 * group
    a, b = ((truth[group == g], prediction[group == g], unit[group == g]) for g in (1, 0))
    expected = gap(BIAS, a, b)
    found = max_minus_min(BIAS, GroupedClips(truth, prediction, unit, 40, group, 2), rng=rng(8))
    width = expected.high - expected.low
    assert found.value == pytest.approx(expected.value, abs=1e-12)
    # Welch's degrees of freedom are those of both groups, the bootstrap's those of the smaller: 4 % wider
    assert found.low == pytest.approx(expected.low, abs=0.1 * width)
    assert found.high == pytest.approx(expected.high, abs=0.1 * width)


def test_speakers_in_several_groups_are_drawn_from_all():
    truth, prediction, unit = speakers(54, 8)
    group = np.where(unit < 4, 1, np.arange(len(unit)) % 2)
    found = max_minus_min(BIAS, GroupedClips(truth, prediction, unit, 8, group, 2), draws=500, rng=rng(9))
    # four speakers are in one group only, too few to be drawn on their own
    assert (found.units, found.reason) == (8, "")
    assert found.low < found.high


def test_max_minus_min_leaves_out_empty_groups_and_clips_without_one():
    truth, prediction, unit = speakers(55, 15)
    group = np.array([0, 3, -1])[unit % 3]
    kept = group >= 0
    found = max_minus_min(CCC, GroupedClips(truth, prediction, unit, 15, group, 5), draws=300, rng=rng(10))
    again = max_minus_min(
        CCC,
        GroupedClips(truth[kept], prediction[kept], unit[kept], 15, group[kept] // 3, 2),
        draws=300,
        rng=rng(10),
    )
    assert found == again
    assert (found.n, found.units) == (kept.sum(), 10)


def test_max_minus_min_needs_two_groups_with_values():
    truth, prediction, unit = speakers(56, 10)
    one = max_minus_min(
        CCC, GroupedClips(truth, prediction, unit, 10, np.zeros(len(unit), dtype=int), 2), rng=rng()
    )
    assert math.isnan(one.value)
    assert one.reason == "fewer than two groups"
    group = np.minimum(unit, 1)
    constant = np.where(group == 0, 0.5, truth)
    undefined = max_minus_min(
        CCC, GroupedClips(constant, np.where(group == 0, 0.4, prediction), unit, 10, group, 2), rng=rng()
    )
    assert math.isnan(undefined.value)
    assert undefined.reason


# permutation


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
    # both speakers who have the class land in one group in 3 of 7 permutations
    truth = np.array([1, 0, 0, 0, 1, 0, 0, 0])
    found = permutation(
        recall_statistic(1),
        GroupedClips(truth, truth, np.arange(8), 8, np.repeat([0, 1], 4), 2),
        draws=1000,
        rng=rng(18),
    )
    assert found.observed == 0
    assert math.isnan(found.p_value)
    share = int(found.reason.removeprefix("undefined in ").removesuffix("% of permutations"))
    assert share == pytest.approx(100 * 3 / 7, abs=5)


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


# many tests


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
