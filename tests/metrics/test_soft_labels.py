import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.metrics import f1_score, log_loss

from sertools.errors import AuditError
from sertools.metrics import soft_labels
from tests.helpers.crema_d import HERE, crema_d


@pytest.fixture(scope="module")
def soft():
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(5), 100), rng.dirichlet(np.full(5, 0.5), 100)


def by_sklearn(truth, prediction):
    c = truth.shape[1]
    return f1_score(truth > 1 / c, prediction > 1 / c, average="macro", zero_division=0)


def test_soft_macro_f1_is_that_of_scikit_learn(soft):
    assert soft_labels.soft_macro_f1(*soft) == pytest.approx(by_sklearn(*soft), abs=1e-12)


def test_a_class_that_nobody_chooses_counts_as_zero_as_in_scikit_learn():
    truth, prediction = np.array([[0.9, 0.1, 0.0]]), np.array([[0.8, 0.1, 0.1]])
    assert soft_labels.soft_macro_f1(truth, prediction) == by_sklearn(truth, prediction) == 1 / 3


def test_batches_are_the_mean_of_scikit_learn_over_32_clips_each(soft):
    truth, prediction = soft
    parts = [by_sklearn(truth[i : i + 32], prediction[i : i + 32]) for i in range(0, 100, 32)]
    assert soft_labels.soft_macro_f1_in_batches(truth, prediction) == pytest.approx(np.mean(parts), abs=1e-12)


def test_batches_without_a_speaker_are_formed_anew(soft):
    truth, prediction = soft
    unit = np.arange(100) % 7
    found = soft_labels.in_batches_without_each(truth, prediction, unit, 7)
    expected = soft_labels.soft_macro_f1_in_batches(truth[unit != 3], prediction[unit != 3])
    assert found[3] == pytest.approx(expected, abs=1e-12)


def test_an_equal_share_is_not_above_itself_however_it_was_rounded():
    thirds = np.array([[1 / 3, 1 / 3, 1 - 2 / 3]])
    assert not soft_labels.above_equal_share(thirds).any()
    assert not soft_labels.above_equal_share(np.array([[2.0, 4, 6, 0, 0, 0]]) / 12)[0, 0]


def test_distances_of_clips_are_those_of_scipy(soft):
    expected = [jensenshannon(t, p, base=2) for t, p in zip(*soft, strict=True)]
    np.testing.assert_allclose(soft_labels.jensen_shannon_of_clips(*soft), expected, atol=1e-9)


def test_cross_entropy_is_entropy_plus_divergence_and_log_loss_for_one_class(soft):
    truth, prediction = soft[0], 0.9 * soft[1] + 0.02  # no probability is near 0
    expected = entropy(truth, axis=1) + entropy(truth, prediction, axis=1)
    np.testing.assert_allclose(soft_labels.cross_entropy_of_clips(truth, prediction), expected, atol=1e-12)
    hard = np.eye(5)[prediction.argmax(axis=1)]
    losses = soft_labels.cross_entropy_of_clips(hard, truth)
    assert losses.mean() == pytest.approx(log_loss(hard.argmax(axis=1), truth, labels=range(5)), abs=1e-12)


def test_a_probability_of_zero_costs_much_but_not_everything():
    assert soft_labels.cross_entropy_of_clips([[1, 0]], [[0, 1]])[0] == pytest.approx(
        -np.log(1e-7), abs=1e-12
    )


def test_distributions_over_other_classes_are_an_error():
    with pytest.raises(AuditError, match="soft labels have shape"):
        soft_labels.soft_macro_f1([[0.5, 0.5]], [[1.0, 0.0, 0.0]])


def test_nothing_has_no_score():
    nothing = np.zeros((0, 3))
    assert np.isnan(soft_labels.soft_macro_f1(nothing, nothing))
    assert np.isnan(soft_labels.soft_macro_f1_in_batches(nothing, nothing))


@pytest.mark.skipif(not HERE, reason="../shared/data/crema-d_labels is not here")
def test_a_rater_who_says_what_most_say_has_less_in_batches_than_pooled():
    votes = crema_d()
    truth = votes.counts / votes.counts.sum(axis=1, keepdims=True)
    always_neutral = np.tile(np.eye(6)[4], (len(truth), 1))
    pooled = soft_labels.soft_macro_f1(truth, always_neutral)
    assert pooled == pytest.approx(by_sklearn(truth, always_neutral), abs=1e-12)
    order = np.argsort(votes.clips)
    in_batches = soft_labels.soft_macro_f1_in_batches(truth[order], always_neutral[order])
    assert 0.14 < in_batches < pooled < 0.145


def test_the_mean_of_a_value_of_each_clip_is_its_mean():
    value, unit = np.array([0.1, 0.4, 0.7]), np.array([0, 1, 1])
    statistic = soft_labels.mean_statistic("mean", 1.0)
    sums = statistic.sums(value, value, unit, 2)
    assert sums.tolist() == [[1.0, 0.1], [2.0, 1.1]]
    assert statistic.value(sums.sum(axis=0)) == pytest.approx(value.mean(), abs=1e-15)
    assert statistic.bounds == (0.0, 1.0)
    with pytest.raises(TypeError, match="those of f1_sums"):
        soft_labels.SOFT_MACRO_F1.sums(value, value, unit, 2)
