import numpy as np
import pytest

from sertools.errors import AuditError
from sertools.metrics.regression import CCC
from sertools.statistics.statistic import overall, paired, ratio, unit_sums


def test_sums_of_units_equal_a_loop_over_clips():
    rng = np.random.default_rng(1)
    values, unit = rng.normal(size=(50, 3)), rng.integers(0, 6, 50)
    expected = np.zeros((8, 3))
    for row, code in zip(values, unit, strict=True):
        expected[code] += row
    sums = unit_sums(values, unit, 8)
    np.testing.assert_allclose(sums, expected, atol=1e-14)
    assert (sums[6:] == 0).all()


def test_sums_are_float64_whatever_comes_in():
    sums = unit_sums(np.array([[2**24 + 1]], dtype=np.int32), np.array([0]), 1)
    assert sums.dtype == np.float64
    assert sums[0, 0] == 16777217


def test_ratio_is_nan_not_infinite_over_zero():
    np.testing.assert_array_equal(
        ratio(np.array([3.0, 0.0, -1.0]), np.array([2.0, 0.0, 0.0])), [1.5, np.nan, np.nan]
    )


@pytest.mark.parametrize(("truth", "prediction"), [([1, 2], [1]), ([[1], [2]], [[1], [2]]), (1, 1)])
def test_pairs_of_unequal_or_no_length_are_refused(truth, prediction):
    with pytest.raises(AuditError, match="truth has shape"):
        paired(truth, prediction)


def test_overall_equals_one_unit_and_many_units_summed():
    rng = np.random.default_rng(2)
    truth, prediction, unit = rng.random(40), rng.random(40), rng.integers(0, 5, 40)
    summed = CCC.sums(truth, prediction, unit, 5).sum(axis=0)
    assert overall(CCC, truth, prediction) == pytest.approx(float(CCC.value(summed)), abs=1e-13)
