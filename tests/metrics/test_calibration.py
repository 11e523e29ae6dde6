import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from sertools.errors import AuditError
from sertools.metrics.calibration import (
    BRIER,
    OVERCONFIDENCE,
    RESIDUAL_SLOPE,
    SPREAD,
    brier_losses,
    confidence_bins,
    ece,
    ece_beyond_chance,
    ece_by_chance,
    ece_statistic,
    probabilities_problem,
)
from sertools.metrics.unchanged import spread
from sertools.statistics.jackknife import estimate
from sertools.statistics.statistic import overall


def rng(seed=0):
    return np.random.default_rng(seed)


def calibrated(n, seed=0):
    """Answers that are right as often as their confidence says."""
    draw = rng(seed)
    confidence = draw.uniform(0.2, 1, n)
    return draw.random(n) < confidence, confidence


def test_ece_by_hand_with_two_bins():
    # below .5: 2 clips, accuracy 1/2, confidence .3; from .5: 3 clips, accuracy 2/3, confidence .8
    correct, confidence = [1, 0, 1, 1, 0], [0.2, 0.4, 0.7, 0.8, 0.9]
    assert ece(correct, confidence, 2) == pytest.approx(2 / 5 * 0.2 + 3 / 5 * (0.8 - 2 / 3), abs=1e-12)


def test_ece_is_that_of_a_loop_over_bins():
    correct, confidence = calibrated(500)
    total = 0.0
    for b in range(15):
        here = ((confidence > b / 15) | (b == 0)) & (confidence <= (b + 1) / 15)
        if here.any():
            total += here.sum() / 500 * abs(correct[here].mean() - confidence[here].mean())
    assert ece(correct, confidence) == pytest.approx(total, abs=1e-12)


def test_the_ece_beyond_chance_by_hand():
    # two bins of six clips: confidence .5 with 2 right, .9 with 5 right; six speakers with a clip in each
    correct = np.array([1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0])
    confidence, unit = np.repeat([0.5, 0.9], 6), np.tile(np.arange(6), 2)
    found = ece_beyond_chance(correct, confidence, unit, 2)
    gaps = [0.5 - 2 / 6, 0.9 - 5 / 6]
    # variance of a mean of six, divisor 5; the second is above that of calibrated clips, .09/6, the first too
    of_mean = [2 / 6 * 4 / 6 / 5, 5 / 6 * 1 / 6 / 5]
    assert of_mean[0] > 0.25 / 6
    assert of_mean[1] > 0.09 / 6
    square = np.mean([gap**2 - variance for gap, variance in zip(gaps, of_mean, strict=True)])
    assert found.value == pytest.approx(np.sqrt(max(square, 0)), abs=1e-12)
    far = ece_beyond_chance(np.zeros(12), confidence, unit, 2)
    square = (0.25 - 0.25 / 6 + 0.81 - 0.09 / 6) / 2
    assert far.value == pytest.approx(np.sqrt(square), abs=1e-12)


def test_a_calibrated_model_has_no_ece_beyond_chance():
    above = []
    for seed in range(200):
        correct, confidence = calibrated(240, seed)
        found = ece_beyond_chance(correct, confidence, np.arange(240) % 12)
        assert ece(correct, confidence) > 0.02
        assert found.low <= found.value < found.high
        above.append(found.low > 0)
    # three standard errors of 200 corpora are .046
    assert np.mean(above) < 0.096


def test_a_model_that_is_too_sure_by_a_constant_has_that_ece():
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.4, 1, 40_000)
    correct = rng.random(40_000) < confidence - 0.2
    found = ece_beyond_chance(correct, confidence, np.arange(40_000) % 40)
    assert found.value == pytest.approx(0.2, abs=0.01)  # four standard errors of 40 000 clips
    assert found.low < 0.2 < found.high


def test_an_oracle_that_is_sure_and_a_coin_that_says_so_are_calibrated():
    assert ece([1, 1, 1], [1.0, 1.0, 1.0]) == 0
    assert ece([1, 0], [0.5, 0.5]) == 0


def test_one_who_is_sure_and_wrong_is_as_far_off_as_can_be():
    assert ece([0, 0], [1.0, 1.0]) == 1
    assert overall(OVERCONFIDENCE, np.zeros(2), np.ones(2)) == 1
    assert overall(OVERCONFIDENCE, np.ones(2), np.zeros(2)) == -1


@pytest.mark.parametrize("n", [200, 2000, 20000])
def test_a_calibrated_model_has_the_ece_that_chance_gives(n):
    drawn = [(ece(*pair), ece_by_chance(pair[1])) for pair in (calibrated(n, seed) for seed in range(40))]
    found, expected = np.mean(drawn, axis=0)
    # the normal approximation in bins of 13 clips and more, and the error of 40 draws
    assert found == pytest.approx(expected, rel=0.07)
    assert expected < 1.1 * np.sqrt(15 * 2 / np.pi * 0.25 / n)


def test_the_ece_of_a_fair_coin_is_that_of_all_outcomes_of_ten_throws():
    # all 1024 outcomes of ten throws
    exact = np.mean([abs(i.bit_count() - 5) / 10 for i in range(1024)])
    assert ece_by_chance([0.5] * 10) == pytest.approx(exact, rel=0.03)  # the normal stands for the binomial


def test_chance_alone_moves_nothing_where_the_model_is_sure():
    assert ece_by_chance([1.0, 0.0, 1.0]) == 0


def test_nothing_is_not_calibrated():
    assert np.isnan(ece([], []))
    assert np.isnan(ece_by_chance([]))


def test_a_confidence_on_an_edge_belongs_below():
    assert confidence_bins([0.0, 0.5, 0.75, 1.0], 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_a_confidence_that_is_no_probability_is_refused(wrong):
    with pytest.raises(AuditError, match="a confidence is"):
        confidence_bins([0.5, wrong])


def test_two_classes_have_twice_the_binary_brier_score_of_scikit_learn():
    p = rng(1).random(200)
    truth = (rng(2).random(200) < p).astype(int)
    losses = brier_losses(truth, np.stack([1 - p, p], axis=1))
    assert losses.mean() == pytest.approx(2 * brier_score_loss(truth, p), abs=1e-12)
    assert overall(BRIER, truth, losses) == pytest.approx(losses.mean(), abs=1e-12)


def test_brier_of_several_classes_by_hand():
    losses = brier_losses([0, 2], [[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]])
    np.testing.assert_allclose(losses, [0.25 + 0.09 + 0.04, 2.0], atol=1e-12)


def test_overconfidence_is_the_bias_of_confidence():
    correct, confidence = calibrated(300, 3)
    found = overall(OVERCONFIDENCE, correct.astype(float), confidence)
    assert found == pytest.approx(confidence.mean() - correct.mean(), abs=1e-12)


def test_the_residual_slope_is_that_of_least_squares():
    truth, prediction = rng(4).random((2, 100))
    slope = np.polyfit(prediction, truth - prediction, 1)[0]
    assert overall(RESIDUAL_SLOPE, truth, prediction) == pytest.approx(slope, abs=1e-9)


def test_predictions_at_half_the_width_leave_a_slope_of_one_and_half_the_spread():
    truth = rng(5).random(50)
    shy = 0.4 + 0.5 * (truth - 0.5)
    assert overall(RESIDUAL_SLOPE, truth, shy) == pytest.approx(1, abs=1e-9)
    assert overall(SPREAD, truth, shy) == pytest.approx(0.5, abs=1e-9)
    assert overall(RESIDUAL_SLOPE, truth, truth) == pytest.approx(0, abs=1e-12)


def test_the_spread_is_that_of_the_robustness_metrics():
    truth, prediction = rng(6).random((2, 80))
    assert overall(SPREAD, truth, prediction) == pytest.approx(spread(truth, prediction), abs=1e-9)


def test_constants_have_no_slope_and_no_width():
    truth, constant = rng(7).random(1000), np.full(1000, 0.1)
    assert np.isnan(overall(RESIDUAL_SLOPE, truth, constant))
    assert overall(SPREAD, truth, constant) == 0
    assert np.isnan(overall(SPREAD, constant, truth))
    assert np.isnan(overall(RESIDUAL_SLOPE, np.array([]), np.array([])))


@pytest.mark.parametrize("statistic", [ece_statistic(), OVERCONFIDENCE, BRIER, RESIDUAL_SLOPE, SPREAD])
def test_sums_of_speakers_add_up_to_those_of_all(statistic):
    truth, prediction = rng(8).integers(0, 2, 60).astype(float), rng(9).random(60)
    unit = rng(10).integers(0, 7, 60)
    by_speaker = statistic.sums(truth, prediction, unit, 7).sum(axis=0)
    np.testing.assert_allclose(by_speaker, statistic.sums(truth, prediction, np.zeros(60, int), 1)[0])


@pytest.mark.parametrize("statistic", [OVERCONFIDENCE, RESIDUAL_SLOPE, SPREAD])
def test_intervals_by_speaker_cover_the_true_value(statistic):
    # speakers of 20 clips who differ in level; the true values: bias .1, slope −.2 …, by a large sample
    def corpus(speakers, seed):
        draw = rng(seed)
        unit = np.repeat(np.arange(speakers), 20)
        truth = draw.normal(0.5, 0.15, len(unit))
        prediction = 0.1 + truth + draw.normal(0, 0.05, speakers)[unit] + draw.normal(0, 0.08, len(unit))
        return truth, prediction, unit

    true = overall(statistic, *corpus(20_000, 0)[:2])
    found = [estimate(statistic, *corpus(20, seed), 20) for seed in range(1, 201)]
    covered = np.mean([f.low <= true <= f.high for f in found])
    # 200 corpora at .95 have a standard error of .015
    assert covered > 0.95 - 3 * 0.015


def test_scores_are_probabilities_or_it_is_said_why_not():
    assert probabilities_problem(rng(11).dirichlet(np.ones(4), 50).astype(np.float32)) == ""
    assert probabilities_problem(np.empty((0, 4))) == ""
    assert probabilities_problem([[0.9, 0.9]]) == "the scores of a clip sum to 1.8"
    assert probabilities_problem([[-2.0, 3.0]]) == "scores reach from -2 to 3"


def test_without_clips_there_is_nothing_beyond_chance():
    found = ece_beyond_chance(np.array([], dtype=bool), np.array([]), np.array([], dtype=int))
    assert (found.n, found.reason) == (0, "no clips")
    assert np.isnan([found.value, found.low, found.high]).all()
