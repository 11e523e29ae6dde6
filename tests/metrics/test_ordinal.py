import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from sertools.metrics.ordinal import levels_of, rounded, weighted_kappa


def test_weighted_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    steps, predicted = rng.integers(0, 7, 200), rng.random(200)
    given = np.rint(rounded(predicted, 7) * 6).astype(int)
    expected = cohen_kappa_score(steps, given, weights="quadratic", labels=range(7))
    assert weighted_kappa(steps / 6, predicted, 7) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "levels"),
    [
        ([0, 1 / 6, 0.5, 1], 7),
        ([0, 0.25, 0.5], 5),
        ([0.5], 3),
        ([1 / 3, 2 / 3], 4),
        ([0.1, 0.9], 11),
        ([0.1, 0.15], 0),
        ([], 0),
    ],
)
def test_the_steps_of_a_scale_are_the_fewest_that_hold_all_ratings(truth, levels):
    assert levels_of(truth) == levels


def test_predictions_beyond_the_scale_are_its_ends():
    assert rounded([-0.4, 0.12, 0.13, 1.4], 5).tolist() == [0, 0, 0.25, 1]


def test_the_oracle_agrees_and_a_constant_does_not():
    truth = np.array([0, 0.5, 1, 0.5])
    assert weighted_kappa(truth, truth, 3) == 1
    assert weighted_kappa(truth, np.full(4, 0.5), 3) == 0
