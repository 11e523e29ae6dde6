import numpy as np
import pytest
from sertools.audits.tts_transcripts.sentences import predicted_from_sentence
from sertools.audits.tts_transcripts.spread import SPREAD_RATIO

from sertools.metrics.regression import ccc
from sertools.statistics.jackknife import estimate
from sertools.statistics.statistic import overall


def told_by_hand(truth, sentence, unit):
    """The definition, clip by clip."""
    told = []
    for i in range(len(truth)):
        others = [truth[j] for j in range(len(truth)) if sentence[j] == sentence[i] and unit[j] != unit[i]]
        told.append(np.mean(others) if others else np.nan)
    return np.array(told)


def test_the_mean_of_the_same_sentence_by_others_is_the_definition():
    rng = np.random.default_rng(0)
    truth, sentence, unit = rng.random(200), rng.integers(0, 80, 200), rng.integers(0, 12, 200)
    expected = told_by_hand(truth, sentence, unit)
    assert np.isnan(expected).any()
    assert np.allclose(predicted_from_sentence(truth, sentence, unit), expected, atol=1e-12, equal_nan=True)


def test_a_class_is_the_most_frequent_one_of_others():
    truth, sentence, unit = [2, 2, 0, 1, 1], ["a"] * 4 + ["b"], [0, 1, 2, 2, 0]
    # the first clip hears 2, 0, 1 from others, and of equals takes the lowest
    assert predicted_from_sentence(truth, sentence, unit, 3)[:4].tolist() == [0, 0, 2, 2]
    assert np.isnan(predicted_from_sentence(truth, sentence, unit, 3)[4])


def test_sentences_that_decide_the_rating_tell_it_and_random_ones_do_not():
    rng = np.random.default_rng(1)
    sentence, unit = np.tile(np.arange(10), 40), np.repeat(np.arange(40), 10)
    assert ccc(sentence / 10, predicted_from_sentence(sentence / 10, sentence, unit)) == pytest.approx(
        1, abs=1e-12
    )
    noise = rng.random(400)
    assert abs(ccc(noise, predicted_from_sentence(noise, sentence, unit))) < 0.05


def test_nothing_is_told_of_nothing():
    assert predicted_from_sentence([], [], []).shape == (0,)


def test_the_spread_ratio_is_that_of_standard_deviations():
    rng = np.random.default_rng(2)
    a, b = rng.random(50), rng.random(50) * 0.3 + 0.4
    assert overall(SPREAD_RATIO, a, b) == pytest.approx(b.std() / a.std(), abs=1e-12)
    found = estimate(SPREAD_RATIO, a, b, np.arange(50) % 10, 10)
    assert found.low < found.value < found.high


def test_a_constant_has_no_spread_and_none_can_be_compared_with_it():
    a = np.random.default_rng(3).random(50)
    assert overall(SPREAD_RATIO, a, np.full(50, 0.7)) == 0
    assert np.isnan(overall(SPREAD_RATIO, np.full(50, 0.7), a))
