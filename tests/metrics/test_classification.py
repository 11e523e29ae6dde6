import math

import audmetric
import numpy as np
import pytest
from sklearn import metrics

from sertools.errors import AuditError
from sertools.metrics import classification
from sertools.statistics.statistic import overall

STATISTICS = {
    "uar": (classification.uar_statistic, classification.uar),
    "uap": (classification.uap_statistic, classification.uap),
    "weighted_f1": (classification.weighted_f1_statistic, classification.weighted_f1),
    "macro_f1": (classification.macro_f1_statistic, classification.macro_f1),
    "accuracy": (classification.accuracy_statistic, lambda t, p, classes: classification.accuracy(t, p)),
}


@pytest.fixture
def answers():
    """Five classes; 3 is never true but predicted, 4 true but never predicted."""
    rng = np.random.default_rng(5)
    truth = rng.choice([0, 1, 2, 4], 300, p=[0.5, 0.3, 0.1, 0.1])
    prediction = np.where(rng.random(300) < 0.5, np.minimum(truth, 3), rng.integers(0, 4, 300))
    return truth, prediction


def test_confusion_equals_scikit_learn(answers):
    expected = metrics.confusion_matrix(*answers, labels=range(5))
    np.testing.assert_array_equal(classification.confusion(*answers, 5), expected)


def test_averages_equal_scikit_learn_over_the_classes_in_the_truth(answers):
    present = sorted(set(answers[0].tolist()))
    common = {"labels": present, "zero_division": 0}
    assert present == [0, 1, 2, 4]
    assert classification.accuracy(*answers) == pytest.approx(metrics.accuracy_score(*answers), abs=1e-15)
    assert classification.uar(*answers, 5) == pytest.approx(
        metrics.recall_score(*answers, average="macro", **common), abs=1e-15
    )
    assert np.isnan(classification.uap(*answers, 5)), "the last class is never predicted"
    predicted = np.where(np.arange(300) == 7, 4, answers[1])
    assert classification.uap(answers[0], predicted, 5) == pytest.approx(
        metrics.precision_score(answers[0], predicted, average="macro", **common), abs=1e-15
    )
    assert classification.macro_f1(*answers, 5) == pytest.approx(
        metrics.f1_score(*answers, average="macro", **common), abs=1e-15
    )
    assert classification.weighted_f1(*answers, 5) == pytest.approx(
        metrics.f1_score(*answers, average="weighted", zero_division=0), abs=1e-15
    )


def test_averages_equal_audmetric(answers):
    truth, prediction = answers
    present = [0, 1, 2]
    both = np.isin(truth, present) & np.isin(prediction, present)
    truth, prediction = truth[both], prediction[both]
    assert classification.uar(truth, prediction, 3) == pytest.approx(
        audmetric.unweighted_average_recall(truth, prediction), abs=1e-15
    )
    assert classification.uap(truth, prediction, 3) == pytest.approx(
        audmetric.unweighted_average_precision(truth, prediction), abs=1e-15
    )
    assert classification.macro_f1(truth, prediction, 3) == pytest.approx(
        audmetric.unweighted_average_fscore(truth, prediction), abs=1e-15
    )
    assert classification.accuracy(truth, prediction) == pytest.approx(
        audmetric.accuracy(truth, prediction), abs=1e-15
    )


def test_scores_by_hand():
    # class 0: 2 of 3 right, answered 3 times; class 1: 1 of 2 right, answered 2 times
    truth, prediction = [0, 0, 0, 1, 1], [0, 0, 1, 1, 0]
    assert classification.accuracy(truth, prediction) == 3 / 5
    assert classification.uar(truth, prediction, 2) == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-15)
    assert classification.uap(truth, prediction, 2) == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-15)
    assert classification.macro_f1(truth, prediction, 2) == pytest.approx((4 / 6 + 2 / 4) / 2, abs=1e-15)
    assert classification.weighted_f1(truth, prediction, 2) == pytest.approx(
        (3 * 4 / 6 + 2 * 2 / 4) / 5, abs=1e-15
    )


def test_recall_and_precision_per_class_are_nan_where_undefined(answers):
    recall, precision = classification.recall(*answers, 5), classification.precision(*answers, 5)
    assert np.isnan(recall).tolist() == [False, False, False, True, False]
    assert np.isnan(precision).tolist() == [False, False, False, False, True]
    assert precision[3] == 0
    assert recall[4] == 0
    truth, prediction = answers
    for code in (0, 1, 2):
        right = np.sum((truth == code) & (prediction == code))
        assert recall[code] == right / np.sum(truth == code)
        assert precision[code] == right / np.sum(prediction == code)


def test_a_constant_answer_recalls_one_class_in_c():
    assert classification.uar([0, 1, 2, 3], [2, 2, 2, 2], 4) == 0.25
    assert np.isnan(classification.uap([0, 1, 2, 3], [2, 2, 2, 2], 4)), "0, 1 and 3 have no precision"
    assert np.isnan(classification.uap([0, 1, 1], [0, 0, 0], 2))
    assert classification.uap([0, 1, 1], [0, 2, 1], 3) == 1.0, (
        "a class that is only predicted has no part in it"
    )


def test_the_oracle_scores_1():
    truth = [0, 2, 2, 1]
    for _, plain in STATISTICS.values():
        assert plain(truth, truth, 6) == 1


def test_unused_classes_change_no_score(answers):
    for _, plain in STATISTICS.values():
        assert plain(*answers, 5) == pytest.approx(plain(*answers, 9), abs=0, nan_ok=True)


def test_scores_of_no_clips_are_undefined():
    for _, plain in STATISTICS.values():
        assert math.isnan(plain([], [], 3))


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_equal_the_plain_functions_for_each_unit(name, answers):
    factory, plain = STATISTICS[name]
    truth, prediction = answers
    unit = np.arange(300) % 7
    statistic = factory(5)
    values = statistic.value(statistic.sums(truth, prediction, unit, 8))
    for code in range(7):
        expected = plain(truth[unit == code], prediction[unit == code], 5)
        assert values[code] == pytest.approx(expected, abs=1e-15, nan_ok=True)
    assert math.isnan(values[7])
    assert overall(statistic, truth, prediction) == pytest.approx(
        plain(truth, prediction, 5), abs=1e-15, nan_ok=True
    )


def test_statistics_of_one_class_equal_the_plain_functions(answers):
    recall, precision = classification.recall(*answers, 5), classification.precision(*answers, 5)
    for code in range(5):
        assert overall(classification.recall_statistic(code), *answers) == pytest.approx(
            recall[code], abs=1e-15, nan_ok=True
        )
        assert overall(classification.precision_statistic(code), *answers) == pytest.approx(
            precision[code], abs=1e-15, nan_ok=True
        )


def test_false_positive_rate_by_hand():
    # of the three clips that are not 1, one is taken for 1
    assert overall(classification.false_positive_rate_statistic(1), [0, 0, 2, 1], [0, 1, 2, 1]) == 1 / 3
    assert math.isnan(overall(classification.false_positive_rate_statistic(1), [1, 1], [0, 1]))


@pytest.mark.parametrize("wrong", [-1, 3, 0.5, math.nan])
def test_codes_that_are_no_class_are_refused(wrong):
    with pytest.raises(AuditError, match="prediction has the class code"):
        classification.confusion([0, 1, 2], [0, 1, wrong], 3)
    with pytest.raises(AuditError, match="truth has the class code"):
        classification.uar([0, 1, wrong], [0, 1, 2], 3)


def test_ratings_fall_in_the_bin_above_an_edge():
    codes = classification.rating_bins([-0.1, 0.2499, 0.25, 0.5, 0.75, 1.0])
    assert codes.tolist() == [0, 0, 1, 2, 3, 3]
    assert classification.rating_bins([0.4, 0.6], edges=(0.5,)).tolist() == [0, 1]


def test_a_missing_rating_falls_in_no_bin():
    with pytest.raises(AuditError, match="1 ratings are missing"):
        classification.rating_bins([0.1, math.nan])
