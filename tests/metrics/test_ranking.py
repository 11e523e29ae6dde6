import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sertools.errors import AuditError
from sertools.metrics.ranking import AUC, auc, auc_without_each


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 300)
    scores = np.round(rng.random((300, 4)), 1)  # with ties
    scores[np.arange(300), truth] += 0.2
    return truth, scores


def by_sklearn(truth, scores):
    return np.mean([roc_auc_score(truth == c, scores[:, c]) for c in np.unique(truth)])


def test_auc_is_that_of_scikit_learn_one_against_the_rest(scored):
    assert auc(*scored) == pytest.approx(by_sklearn(*scored), abs=1e-12)


def test_auc_without_each_speaker_is_computed_anew(scored):
    truth, scores = scored
    unit = np.random.default_rng(1).integers(0, 9, 300)
    _, without = auc_without_each(truth, scores, unit, 9)
    expected = [by_sklearn(truth[unit != u], scores[unit != u]) for u in range(9)]
    np.testing.assert_allclose(without, expected, atol=1e-12)


def test_perfect_reversed_and_constant_scores():
    truth = np.array([0, 1, 0, 1])
    scores = np.eye(2)[truth]
    assert auc(truth, scores) == 1
    assert auc(truth, -scores) == 0
    assert auc(truth, np.ones((4, 2))) == 0.5


def test_a_single_class_has_no_auc():
    assert np.isnan(auc([0, 0], [[0.1, 0.9], [0.2, 0.8]]))


def test_scores_of_other_clips_are_an_error():
    with pytest.raises(AuditError, match="scores are"):
        auc([0, 1], [[0.1, 0.9]])


def test_it_has_no_sums_that_add_up_over_speakers():
    with pytest.raises(TypeError, match="no additive sums; see auc_without_each"):
        AUC.sums(np.zeros(1), np.zeros(1), np.zeros(1, dtype=int), 1)
