"""Differences of recall: the value is scikit-learn's, the interval never has width 0, and it covers."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import recall_score

from sertools.metrics.classification import uar_statistic
from sertools.statistics.jackknife import contrast, gap
from sertools.statistics.shares import change_of_recall, changes_of_recall, gap_of_recall


def uar(truth, prediction) -> float:
    return float(recall_score(truth, prediction, average="macro"))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def drawn(rng, speakers: int, clips: int, right: float = 0.6):
    unit = np.repeat(np.arange(speakers), clips)
    truth = rng.choice(4, len(unit), p=[0.5, 0.3, 0.15, 0.05])
    prediction = np.where(rng.random(len(unit)) < right, truth, rng.integers(0, 4, len(unit)))
    return truth, prediction, unit


def test_the_values_are_those_of_scikit_learn(rng):
    truth, before, unit = drawn(rng, 12, 40)
    after = np.where(rng.random(len(unit)) < 0.1, rng.integers(0, 4, len(unit)), before)
    change = change_of_recall(truth, before, after, unit)
    assert change.value == pytest.approx(uar(truth, after) - uar(truth, before), abs=1e-12)
    assert (change.n, change.units) == (480, 12)
    groups = [(truth[part], before[part], unit[part]) for part in (unit < 5, unit >= 5)]
    difference = gap_of_recall(*groups)
    assert difference.value == pytest.approx(uar(*groups[0][:2]) - uar(*groups[1][:2]), abs=1e-12)
    assert (difference.n, difference.units) == (480, 12)


def test_the_bounds_of_no_change_are_those_worked_out_by_hand():
    """One class, 5 speakers × 20 clips: 100 / (1 + 19 · .02) effective clips, no gains and no losses."""
    unit = np.repeat(np.arange(5), 20)
    truth = np.zeros(100, dtype=int)
    effective, z = 100 / (1 + 19 * 0.02), stats.norm.ppf(0.975)
    high = z**2 / effective / (1 + z**2 / effective)
    found = change_of_recall(truth, truth, truth, unit)
    assert (found.value, found.low, found.high) == pytest.approx((0, -high, high), abs=1e-12)
    twice = change_of_recall(truth, truth, truth, unit, repeats=2)
    effective = 50 / (1 + 9 * 0.02)  # 5 speakers × 10 clips, each of them twice
    assert twice.high == pytest.approx(z**2 / effective / (1 + z**2 / effective), abs=1e-12)


def test_the_interval_of_gains_and_losses_is_that_of_two_wilson_intervals():
    """Accuracy (one class): 6 speakers × 50 clips, gains and losses differ between speakers."""
    gains, losses = np.array([1, 4, 0, 6, 2, 2]), np.array([3, 0, 1, 5, 0, 9])
    unit = np.repeat(np.arange(6), 50)
    truth = np.zeros(300, dtype=int)
    before, after = np.zeros(300, dtype=int), np.zeros(300, dtype=int)
    for speaker in range(6):
        rows = np.flatnonzero(unit == speaker)
        before[rows[: gains[speaker]]] = 1
        after[rows[gains[speaker] : gains[speaker] + losses[speaker]]] = 1

    def wilson(hits):
        p = hits.sum() / 300
        left_out = [(hits.sum() - h) / 250 for h in hits]
        variance = 5 * np.var(left_out)
        most, quantile = 300 / (1 + 49 * 0.02), stats.norm.ppf(0.975)
        if p * (1 - p) / variance < most:
            most, quantile = p * (1 - p) / variance, stats.t.ppf(0.975, 5)
        square = quantile**2 / most
        half = math.sqrt(p * (1 - p) * square + square**2 / 4) / (1 + square)
        centre = (p + square / 2) / (1 + square)
        return p, centre - half, centre + half

    (g, low_g, _), (x, _, high_x) = wilson(gains), wilson(losses)
    correlation = -math.sqrt(g * x / ((1 - g) * (1 - x)))
    a, b = g - low_g, high_x - x
    below = math.sqrt(a**2 + b**2 - 2 * correlation * a * b)
    found = change_of_recall(truth, before, after, unit)
    assert found.value == pytest.approx(g - x, abs=1e-12)
    assert found.low == pytest.approx(g - x - below, abs=1e-12)


def test_width_is_never_zero(rng):
    truth, prediction, unit = drawn(rng, 8, 20)
    same = change_of_recall(truth, prediction, prediction, unit)
    assert same.value == 0
    assert same.low < 0 < same.high
    plain = contrast(uar_statistic(4), truth, prediction, prediction, unit)
    assert plain.low == plain.high == 0, "which would pass any limit"
    perfect = [(truth[part], truth[part], unit[part]) for part in (unit < 4, unit >= 4)]
    assert np.isnan(gap_of_recall(*perfect).low), "four speakers have no interval"
    perfect = [(t, t, u) for t, u in ((truth, unit), (truth, unit + 8))]
    assert gap(uar_statistic(4), *perfect).high == 0
    assert -0.2 < gap_of_recall(*perfect).low < 0 < gap_of_recall(*perfect).high < 0.2


@pytest.mark.parametrize(("gain", "loss"), [(0.0, 0.01), (0.01, 0.03), (0.2, 0.25)])
@pytest.mark.parametrize("speakers", [6, 24])
def test_changes_are_covered(speakers, gain, loss):
    """Plain jackknife covers 81 to 89 % of losses of 1 %. Speakers differ with a correlation of .02."""
    rng, covered = np.random.default_rng(7), 0
    unit = np.repeat(np.arange(speakers), 40)
    for _ in range(300):
        truth = rng.integers(0, 4, len(unit))
        right = rng.random(len(unit)) < 0.6
        rates = [rng.beta(p * 49, (1 - p) * 49, speakers) if p else np.zeros(speakers) for p in (gain, loss)]
        chance = rng.random(len(unit))
        gained = ~right & (chance < rates[0][unit] / 0.4)
        lost = right & (chance < rates[1][unit] / 0.6)
        before = np.where(right, truth, (truth + 1) % 4)
        after = np.where(gained, truth, np.where(lost, (truth + 2) % 4, before))
        found = change_of_recall(truth, before, after, unit)
        covered += found.low <= gain - loss <= found.high
    assert covered / 300 >= 0.93


@pytest.mark.parametrize("speakers", [5, 24])
def test_gaps_are_covered(speakers):
    rng, covered = np.random.default_rng(8), 0
    for _ in range(300):
        groups = []
        for right in (0.75, 0.6):
            of_speaker = rng.beta(right * 49, (1 - right) * 49, speakers)
            unit = np.repeat(np.arange(speakers), 40)
            truth = rng.integers(0, 4, len(unit))
            hit = rng.random(len(unit)) < of_speaker[unit]
            groups.append((truth, np.where(hit, truth, (truth + 1) % 4), unit))
        found = gap_of_recall(*groups)
        covered += found.low <= 0.15 <= found.high
    assert covered / 300 >= 0.92


def test_what_is_missing_is_said():
    nothing = np.array([], dtype=int)
    assert change_of_recall(nothing, nothing, nothing, nothing).reason == "no clips"
    few = np.arange(4)
    found = change_of_recall(few, few, few, few)
    assert (found.value, found.reason) == (0, "fewer than 5 speakers")
    group = (few, few, few)
    assert gap_of_recall(group, group).reason == "fewer than 5 speakers in a group"
    assert gap_of_recall(group, (nothing, nothing, nothing)).reason == "uar is undefined in a group"


@pytest.mark.parametrize("repeats", [2, 5])
def test_draws_with_equal_outcomes_add_nothing_and_take_nothing(repeats):
    rng = np.random.default_rng(0)
    truth, unit = rng.integers(0, 3, 240), np.arange(240) % 8
    before = np.where(rng.random(240) < 0.8, truth, (truth + 1) % 3)
    after = np.where(rng.random(240) < 0.01, (before + 1) % 3, before)
    once = change_of_recall(truth, before, after, unit)
    several = (np.tile(each, repeats) for each in (truth, before, after, unit))
    again = change_of_recall(*several, repeats=repeats)
    assert (again.value, again.low, again.high) == pytest.approx((once.value, once.low, once.high), abs=1e-12)


def test_all_pairs_of_models_at_once_are_the_pairs_one_by_one():
    rng = np.random.default_rng(0)
    truth, unit = rng.integers(0, 4, 200), rng.integers(0, 9, 200)
    guesses = np.where(rng.random((10, 200)) < rng.random((10, 1)), truth, rng.integers(0, 4, (10, 200)))
    guesses[3], guesses[4], guesses[5] = guesses[2], truth, (truth + 1) % 4  # the same, all right, all wrong
    found = changes_of_recall(truth, guesses == truth, unit)
    for k, (i, j) in enumerate(zip(*np.triu_indices(10, 1), strict=True)):
        alone = change_of_recall(truth, guesses[j], guesses[i], unit)
        half = alone.value - alone.low if alone.value > 0 else alone.high - alone.value
        assert found.value[k] == pytest.approx(alone.value, abs=1e-12)
        assert found.towards_zero[k] == pytest.approx(half, abs=1e-9)
