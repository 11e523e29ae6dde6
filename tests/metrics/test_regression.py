import math
from fractions import Fraction

import audmetric
import numpy as np
import pytest
from scipy import stats

from sertools.metrics.regression import BIAS, CCC, MAE, PCC, RMSE, bias, ccc, mae, pcc, rmse

PLAIN = {CCC: ccc, PCC: pcc, MAE: mae, RMSE: rmse, BIAS: bias}


def naive_ccc(truth, prediction):
    """Lin's definition in exact fractions: no rounding, no shared code."""
    t, p = [Fraction(float(x)) for x in truth], [Fraction(float(x)) for x in prediction]
    n = len(t)
    m_t, m_p = sum(t) / n, sum(p) / n
    s_t = sum((x - m_t) ** 2 for x in t) / n
    s_p = sum((x - m_p) ** 2 for x in p) / n
    s_tp = sum((x - m_t) * (y - m_p) for x, y in zip(t, p, strict=True)) / n
    return float(2 * s_tp / (s_t + s_p + (m_t - m_p) ** 2))


@pytest.fixture
def ratings():
    rng = np.random.default_rng(3)
    truth = rng.random(200)
    return truth, np.clip(0.2 + 0.5 * truth + rng.normal(0, 0.1, 200), 0, 1)


def test_ccc_has_the_values_of_the_definitions():
    assert ccc([0, 1, 2], [0, 1, 1]) == pytest.approx(0.6666666666666666, abs=1e-15)
    assert ccc([1, 2, 3, 4, 5], [2, 3, 4, 5, 6]) == pytest.approx(0.8, abs=1e-15)


def test_metrics_equal_audmetric(ratings):
    truth, prediction = ratings
    assert ccc(*ratings) == pytest.approx(audmetric.concordance_cc(truth, prediction), abs=1e-12)
    assert pcc(*ratings) == pytest.approx(audmetric.pearson_cc(truth, prediction), abs=1e-12)
    assert mae(*ratings) == pytest.approx(audmetric.mean_absolute_error(truth, prediction), abs=1e-12)
    assert rmse(*ratings) == pytest.approx(
        math.sqrt(audmetric.mean_squared_error(truth, prediction)), abs=1e-12
    )


def test_pcc_equals_scipy(ratings):
    assert pcc(*ratings) == pytest.approx(stats.pearsonr(*ratings)[0], abs=1e-12)


def test_errors_by_hand():
    truth, prediction = [0.0, 0.0, 1.0], [3.0, -1.0, 3.0]  # errors 3, −1, 2
    assert mae(truth, prediction) == 2
    assert rmse(truth, prediction) == pytest.approx(math.sqrt(14 / 3), abs=1e-15)
    assert bias(truth, prediction) == pytest.approx(4 / 3, abs=1e-15)


def test_ccc_equals_exact_fractions(ratings):
    assert ccc(*ratings) == pytest.approx(naive_ccc(*ratings), abs=1e-13)


@pytest.mark.parametrize("offset", [1e6, -1e6, 2.0])
def test_ratings_far_from_zero_keep_their_variance(ratings, offset):
    truth, prediction = (x + offset for x in ratings)
    # the oracle sees the same shifted numbers, so only our own rounding is left
    assert ccc(truth, prediction) == pytest.approx(naive_ccc(truth, prediction), abs=1e-12)
    assert pcc(truth, prediction) == pytest.approx(stats.pearsonr(truth, prediction)[0], abs=1e-9)


def test_ccc_is_1_for_the_truth_and_minus_1_for_its_mirror(ratings):
    truth, _ = ratings
    assert ccc(truth, truth) == pytest.approx(1, abs=1e-15)
    assert ccc(truth, 2 * truth.mean() - truth) == pytest.approx(-1, abs=1e-12)
    assert pcc(truth, 1 - truth) == pytest.approx(-1, abs=1e-12)


def test_pcc_never_exceeds_1_by_rounding():
    rng = np.random.default_rng(4)
    correlations = []
    for _ in range(200):
        t = rng.random(5)
        correlations.append(pcc(t, 0.1 + 0.3 * t))
    assert max(correlations) <= 1
    assert min(correlations) > 1 - 1e-12


def test_ccc_never_exceeds_pcc(ratings):
    assert abs(ccc(*ratings)) < abs(pcc(*ratings))


@pytest.mark.parametrize("constant", [0.1, 0.3, 0.5, 1 / 3, 7.1])
def test_constants_have_no_correlation(constant):
    varied = np.linspace(0, 1, 1001)
    same = np.full(1001, constant)
    assert ccc(varied, same) == 0
    assert ccc(same, varied) == 0
    assert math.isnan(ccc(same, same))
    assert math.isnan(ccc(same, same + 0.25))
    assert math.isnan(pcc(varied, same))
    assert math.isnan(pcc(same, varied))


def test_a_large_constant_corpus_is_still_constant():
    same = np.full(100_000, 0.3)
    assert math.isnan(ccc(same, same + 0.1))


@pytest.mark.parametrize("metric", [ccc, pcc])
def test_correlations_need_two_clips(metric):
    assert math.isnan(metric([], []))
    assert math.isnan(metric([0.2], [0.3]))
    assert metric([0.2, 0.4], [0.2, 0.4]) == pytest.approx(1)


@pytest.mark.parametrize("metric", [mae, rmse, bias])
def test_errors_of_no_clips_are_undefined(metric):
    assert math.isnan(metric([], []))
    assert metric([0.25], [0.25]) == 0


@pytest.mark.parametrize("metric", PLAIN.values())
def test_a_missing_rating_makes_the_metric_nan_not_a_number(metric):
    assert math.isnan(metric([0.1, 0.2, np.nan, 0.5], [0.1, 0.3, 0.4, 0.6]))


@pytest.mark.parametrize("statistic", PLAIN, ids=lambda s: s.name)
def test_values_of_many_sums_equal_one_by_one(statistic, ratings):
    truth, prediction = ratings
    unit = np.arange(200) % 4
    sums = statistic.sums(truth, prediction, unit, 6)
    values = statistic.value(sums.reshape(2, 3, -1)).ravel()
    for code in range(4):
        expected = PLAIN[statistic](truth[unit == code], prediction[unit == code])
        assert values[code] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(values[4:]).all()


@pytest.mark.parametrize("statistic", PLAIN, ids=lambda s: s.name)
def test_sums_of_two_calls_add_up_to_the_sums_of_one(statistic, ratings):
    truth, prediction = ratings
    none = np.zeros(100, dtype=int)
    halves = statistic.sums(truth[:100], prediction[:100], none, 1) + statistic.sums(
        truth[100:], prediction[100:], none, 1
    )
    assert float(statistic.value(halves[0])) == pytest.approx(PLAIN[statistic](truth, prediction), abs=1e-12)


@pytest.mark.parametrize("statistic", [MAE, RMSE], ids=lambda s: s.name)
def test_errors_stay_above_zero_when_a_subtraction_rounds_below(statistic):
    rounded = np.array([3.0, -1e-17, -1e-17, -1e-17])
    assert float(statistic.value(rounded)) == 0


@pytest.mark.parametrize("statistic", [CCC, PCC], ids=lambda s: s.name)
def test_one_clip_has_no_correlation_however_a_subtraction_rounds(statistic):
    rounded = np.array([1.0, 0.0, 0.0, 1e-17, 1e-17, 1e-17])
    assert math.isnan(float(statistic.value(rounded)))
