"""Unchanged predictions, averages of shares, tolerated levels and variance."""

import math

import numpy as np
import pytest

from sertools.errors import AuditError
from sertools.metrics import unchanged
from sertools.metrics.unchanged import draw_variance, mean_share, share_of_equal_pairs, tolerated_level
from sertools.statistics.proportions import proportion


def test_the_tolerance_itself_is_a_change():
    # 0.25 and 0.5 are exact in binary, so the difference is exactly the tolerance
    assert unchanged.unchanged_ratings([0.5, 0.5], [0.25, 0.2501], tolerance=0.25).tolist() == [False, True]


def test_the_default_tolerance_is_a_twentieth():
    assert unchanged.unchanged_ratings([0.0, 0.0, 0.0], [0.0499, 0.05, -0.0501]).tolist() == [
        True,
        False,
        False,
    ]


def test_values_are_not_rounded_before_they_are_compared():
    assert unchanged.unchanged_ratings([0.5], [0.549999]).tolist() == [True]


def test_single_precision_predictions_are_compared_in_double():
    before, after = np.float32([0.1]), np.float32([0.15])
    exact = abs(float(after[0]) - float(before[0]))
    assert unchanged.unchanged_ratings(before, after, tolerance=exact).tolist() == [False]
    assert unchanged.unchanged_ratings(before, after, tolerance=np.nextafter(exact, 1)).tolist() == [True]


def test_the_same_predictions_are_unchanged_in_both_directions():
    rng = np.random.default_rng(10)
    before, after = rng.random((2, 100))
    assert unchanged.unchanged_ratings(before, before).all()
    np.testing.assert_array_equal(
        unchanged.unchanged_ratings(before, after), unchanged.unchanged_ratings(after, before)
    )


def test_a_missing_prediction_is_neither_changed_nor_unchanged():
    with pytest.raises(AuditError, match="1 of 2 pairs of predictions are missing"):
        unchanged.unchanged_ratings([0.1, 0.2], [0.1, math.nan])
    with pytest.raises(AuditError, match="tolerance nan"):
        unchanged.unchanged_ratings([0.1], [0.1], tolerance=math.nan)


def test_classes_are_unchanged_when_they_are_equal():
    assert unchanged.unchanged_classes([3, 1, 0], [3, 0, 0]).tolist() == [True, False, True]


def test_spread_compares_standard_deviations():
    rng = np.random.default_rng(11)
    truth = rng.random(50)
    assert unchanged.spread(truth, truth) == 1
    assert unchanged.spread(truth, 3 + truth / 4) == pytest.approx(0.25, abs=1e-12)
    assert unchanged.spread(truth, np.full(50, 0.5)) == 0


def test_spread_needs_a_truth_that_moves():
    assert math.isnan(unchanged.spread([0.3, 0.3, 0.3], [0.1, 0.2, 0.3]))
    assert math.isnan(unchanged.spread([], []))


def test_the_scale_free_ratio_does_not_depend_on_the_scale_of_the_model():
    rng = np.random.default_rng(12)
    truth, clean = rng.random((2, 200))
    perturbed = clean + rng.normal(0, 0.05, 200)
    ratios = [
        unchanged.unchanged_ratings(
            scale * clean, scale * perturbed, unchanged.scale_free_tolerance(truth, scale * clean)
        ).mean()
        # powers of two, so that scaling rounds nothing
        for scale in (1, 0.5, 0.125)
    ]
    assert ratios[0] == ratios[1] == ratios[2]
    assert 0.3 < ratios[0] < 0.9


def test_no_clip_of_a_constant_model_is_unchanged_on_its_own_scale():
    truth, constant = np.linspace(0, 1, 9), np.full(9, 0.5)
    assert unchanged.scale_free_tolerance(truth, constant) == 0
    assert not unchanged.unchanged_ratings(
        constant, constant, unchanged.scale_free_tolerance(truth, constant)
    ).any()


def rng():
    return np.random.default_rng(0)


def test_one_condition_is_a_proportion():
    success = rng().random(200) < 0.9
    unit = rng().integers(0, 12, 200)
    ours, theirs = mean_share(success[:, None].astype(float), unit, 12), proportion(success, unit, 12)
    assert (ours.value, ours.n, ours.units) == (theirs.value, theirs.n, theirs.units)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_all_unchanged_is_a_proportion_too_and_has_a_width():
    unit = np.repeat(np.arange(10), 8)
    ours, theirs = mean_share(np.ones((80, 3)), unit, 10), proportion(np.ones(80), unit, 10)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.low < 1.0 == ours.high


def test_the_mean_is_that_of_the_shares_whatever_is_missing():
    success = (rng().random((60, 4)) < 0.7).astype(float)
    success[rng().random((60, 4)) < 0.3] = np.nan
    unit = np.repeat(np.arange(6), 10)
    found = mean_share(success, unit, 6)
    assert found.value == pytest.approx(np.mean(np.nanmean(success, axis=0)), abs=1e-12)
    assert found.n == np.isfinite(success).any(axis=1).sum()
    left_out = [np.mean(np.nanmean(success[unit != u], axis=0)) for u in range(6)]
    variance = 5 / 6 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2)
    # Wilson's bounds solve (share − value)² = z² share (1 − share) / n_eff; ten clips of each speaker
    rarer = found.n * min(found.value, 1 - found.value)
    effective = found.n / (1 + 9 * 0.02 * 50 / (50 + rarer))
    assert effective < found.value * (1 - found.value) / variance
    z = 1.959963984540054  # the normal distribution's, 97.5 %
    for bound in (found.low, found.high):
        assert (bound - found.value) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / effective, abs=1e-9)


def test_a_condition_without_clips_leaves_no_mean():
    success = np.column_stack([np.ones(10), np.full(10, np.nan)])
    found = mean_share(success, np.arange(10), 10)
    assert np.isnan(found.value)
    assert found.reason == "one of the conditions has no clips"
    assert mean_share(np.empty((10, 0)), np.arange(10), 10).reason == "no condition"


def test_a_few_speakers_get_no_interval():
    found = mean_share(np.ones((8, 1)), np.repeat(np.arange(4), 2), 4)
    assert found.value == 1.0
    assert np.isnan(found.low)
    assert found.reason == "fewer than 5 speakers"


def ladder(shares, n=100):
    """Outcomes with these shares of successes at each level, nested; ten speakers of like kind."""
    order = rng().permutation(n)
    return np.column_stack([order < share * n for share in shares]).astype(float), np.arange(n) % 10


def test_the_level_is_interpolated_between_two_steps():
    success, unit = ladder([1.0, 0.8, 0.4])
    found = tolerated_level(success, np.array([30.0, 20.0, 10.0]), 0.9, unit, rng=rng())
    assert found.value == pytest.approx(25.0)
    assert 20.0 < found.low < 25.0 < found.high < 30.0


def test_from_the_identity_to_the_mildest_level_it_is_interpolated_too():
    success, unit = ladder([0.8, 0.4])
    found = tolerated_level(success, np.array([1.0, 2.0]), 0.9, unit, identity=0.0, rng=rng())
    assert found.value == pytest.approx(0.5)


def test_a_level_counts_only_if_all_milder_ones_do():
    success, unit = ladder([0.8, 1.0, 0.4])
    found = tolerated_level(success, np.array([1.0, 2.0, 3.0]), 0.9, unit, identity=0.0, rng=rng())
    assert found.value == pytest.approx(0.5)


def test_outside_of_the_ladder_there_is_a_reason_and_no_number():
    success, unit = ladder([0.8, 0.4])
    before = tolerated_level(success, np.array([30.0, 20.0]), 0.9, unit, rng=rng())
    assert np.isnan([before.value, before.low, before.high]).all()
    assert before.reason == "already at the mildest level, 30, fewer than 90% are unchanged"
    behind = tolerated_level(success, np.array([30.0, 20.0]), 0.3, unit, rng=rng())
    assert np.isnan([behind.value, behind.low, behind.high]).all()
    assert behind.reason == "even at the most severe level, 20, at least 30% are unchanged"


def test_an_interval_that_leaves_the_ladder_says_so():
    success, unit = ladder([1.0, 0.89])
    found = tolerated_level(success, np.array([1.0, 2.0]), 0.9, unit, rng=rng())
    assert found.value == pytest.approx(1 + 0.1 / 0.11)
    assert found.high == 2.0
    assert found.reason == "the interval reaches the end of the tested levels"


def test_the_variance_of_outcomes_splits_into_clips_and_draws():
    always, never, half = np.ones((50, 4)), np.zeros((50, 4)), np.tile([1.0, 0.0, 1.0, 0.0], (100, 1))
    assert draw_variance(np.concatenate([always, never])) == pytest.approx((50 / 198, 0.0))
    between, within = draw_variance(half)
    # all clips are alike, so nothing is left between them
    assert (between, within) == pytest.approx((0.0, 1 / 3))
    drawn = (rng().random((4000, 3)) < 0.5).astype(float)
    between, within = draw_variance(drawn)
    # a coin per draw: variance ¼ within, none between; 4000 clips bring both within .02
    assert within == pytest.approx(0.25, abs=0.02)
    assert between == pytest.approx(0.0, abs=0.02)


def test_one_draw_has_no_variance():
    assert np.isnan(draw_variance(np.ones((5, 1)))).all()


def test_the_share_of_equal_pairs_counts_all_pairs():
    values = rng().random(50)
    pairs = [abs(a - b) < 0.05 for i, a in enumerate(values) for b in values[:i]]
    assert share_of_equal_pairs(values, 0.05) == pytest.approx(np.mean(pairs), abs=1e-12)
    codes = rng().integers(0, 3, 50)
    pairs = [a == b for i, a in enumerate(codes) for b in codes[:i]]
    assert share_of_equal_pairs(codes, 0) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert share_of_equal_pairs(np.full(9, 0.3), 0.05) == 1.0
    assert np.isnan(share_of_equal_pairs(np.array([0.3]), 0.05))


def test_a_condition_that_only_one_speaker_has_gives_no_interval():
    success = np.column_stack([np.ones(6), np.r_[1.0, np.full(5, np.nan)]])
    found = mean_share(success, np.arange(6), 6)
    assert found.value == 1.0
    assert np.isnan(found.low)
    assert found.reason == "undefined when one speaker is left out"
