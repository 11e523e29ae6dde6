import math

import numpy as np
import pytest

from sertools.errors import AuditError
from sertools.metrics import unchanged


def test_the_tolerance_itself_is_a_change():
    # 0.25 and 0.5 are exact in binary, so the difference is exactly the tolerance
    assert unchanged.unchanged([0.5, 0.5], [0.25, 0.2501], tolerance=0.25).tolist() == [False, True]


def test_the_default_tolerance_is_a_twentieth():
    assert unchanged.unchanged([0.0, 0.0, 0.0], [0.0499, 0.05, -0.0501]).tolist() == [True, False, False]


def test_values_are_not_rounded_before_they_are_compared():
    assert unchanged.unchanged([0.5], [0.549999]).tolist() == [True]


def test_single_precision_predictions_are_compared_in_double():
    before, after = np.float32([0.1]), np.float32([0.15])
    exact = abs(float(after[0]) - float(before[0]))
    assert unchanged.unchanged(before, after, tolerance=exact).tolist() == [False]
    assert unchanged.unchanged(before, after, tolerance=np.nextafter(exact, 1)).tolist() == [True]


def test_the_same_predictions_are_unchanged_in_both_directions():
    rng = np.random.default_rng(10)
    before, after = rng.random((2, 100))
    assert unchanged.unchanged(before, before).all()
    np.testing.assert_array_equal(unchanged.unchanged(before, after), unchanged.unchanged(after, before))


def test_a_missing_prediction_is_neither_changed_nor_unchanged():
    with pytest.raises(AuditError, match="1 of 2 pairs of predictions are missing"):
        unchanged.unchanged([0.1, 0.2], [0.1, math.nan])
    with pytest.raises(AuditError, match="tolerance nan"):
        unchanged.unchanged([0.1], [0.1], tolerance=math.nan)


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
        unchanged.unchanged(
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
    assert not unchanged.unchanged(constant, constant, unchanged.scale_free_tolerance(truth, constant)).any()
