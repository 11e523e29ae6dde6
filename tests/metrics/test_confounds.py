import numpy as np
import pytest

from sertools.errors import AuditError
from sertools.metrics.confounds import equal_bins, guessed_classes, guessed_ratings


def test_guesses_are_those_of_a_table_without_the_fold_counted_by_loops():
    rng = np.random.default_rng(0)
    truth, level, fold = rng.integers(0, 3, 120), rng.integers(0, 5, 120), rng.integers(0, 6, 120)
    ratings = rng.random(120)
    classes, means = guessed_classes(truth, level, fold, 3), guessed_ratings(ratings, level, fold)
    for i in range(120):
        others = fold != fold[i]
        same = others & (level == level[i])
        shares = [(truth[same] == c).sum() / (truth[others] == c).sum() for c in range(3)]
        assert classes[i] == int(np.argmax(shares))
        assert means[i] == pytest.approx(ratings[same].mean(), abs=1e-12)


def test_a_property_that_says_nothing_reaches_chance_and_one_that_says_all_is_right():
    rng = np.random.default_rng(1)
    truth, fold = rng.integers(0, 2, 4000), np.arange(4000) % 20
    by_chance = guessed_classes(truth, rng.integers(0, 3, 4000), fold, 2)
    assert abs((by_chance == truth).mean() - 0.5) < 0.03
    assert (guessed_classes(truth, truth, fold, 2) == truth).all()


def test_a_value_that_no_other_fold_has_suggests_the_most_frequent_class_and_the_mean():
    truth, level, fold = [0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [0, 0, 1, 1, 2]
    assert guessed_classes(truth, level, fold, 2)[4] == 0
    assert guessed_ratings([0.1, 0.2, 0.3, 0.4, 0.9], level, fold)[4] == pytest.approx(0.25, abs=1e-12)


def test_bins_are_equally_full_and_equal_numbers_stay_together():
    assert np.bincount(equal_bins(np.arange(100))).tolist() == [10] * 10
    assert len(set(equal_bins([5.0] * 30))) == 1
    assert equal_bins([np.nan, np.nan]).tolist() == [0, 0]


def test_other_lengths_are_an_error():
    with pytest.raises(AuditError, match="do not belong together"):
        guessed_classes([0, 1], [0], [0, 1], 2)
