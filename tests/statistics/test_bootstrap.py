import math

import numpy as np
import pytest
from scipy import stats

from sertools.errors import AuditError
from sertools.metrics.classification import recall_statistic
from sertools.metrics.regression import BIAS, CCC
from sertools.statistics import bootstrap as bootstrap_module
from sertools.statistics.bootstrap import GroupedClips, bootstrap, bootstrap_weights, sums_by_group
from sertools.statistics.jackknife import estimate


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


def test_groups_and_speakers_without_clips_are_left_out_of_the_sums():
    truth, prediction, unit = speakers(3, 6)
    group = (unit >= 3) * 2
    group[unit == 5] = -1
    of_all = GroupedClips(truth=truth, prediction=prediction, unit=unit, units=7, group=group, groups=3)
    known = group >= 0
    alone = GroupedClips(
        truth=truth[known],
        prediction=prediction[known],
        unit=unit[known],
        units=5,
        group=group[known] // 2,
        groups=2,
    )
    for found, expected in zip(sums_by_group(CCC, of_all), sums_by_group(CCC, alone), strict=True):
        np.testing.assert_array_equal(found, expected)
