"""The 90 % interval that comes with the 95 % interval is the one that each function gives at 90 %."""

import numpy as np
import pytest

from sertools.metrics.classification import uar_statistic
from sertools.metrics.regression import BIAS, CCC, MAE
from sertools.metrics.speakers import rank_correlation
from sertools.metrics.unchanged import mean_share
from sertools.results.result import Finding, Limit, Verdict
from sertools.results.verdicts.gate import judge
from sertools.statistics.beyond_chance import distance_beyond_chance, spread_beyond_chance
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.crossed import Crossed
from sertools.statistics.crossed import contrast as crossed_contrast
from sertools.statistics.group_range import max_minus_min
from sertools.statistics.jackknife import contrast, estimate, gap, group_minus_all
from sertools.statistics.proportions import proportion
from sertools.statistics.shares import change_of_recall, gap_of_recall

SPEAKERS, CLIPS = 10, 24
UNIT = np.repeat(np.arange(SPEAKERS), CLIPS)
RNG = np.random.default_rng(0)
TRUTH = RNG.random(len(UNIT))
PREDICTION = 0.6 * TRUTH + 0.2 * RNG.random(len(UNIT)) + 0.05 * RNG.standard_normal(SPEAKERS)[UNIT]
CHANGED = PREDICTION + 0.03 * RNG.standard_normal(len(UNIT))
CLASSES = RNG.integers(0, 3, len(UNIT))
ANSWERS = np.where(RNG.random(len(UNIT)) < 0.7, CLASSES, RNG.integers(0, 3, len(UNIT)))
OTHERS = np.where(RNG.random(len(UNIT)) < 0.1, RNG.integers(0, 3, len(UNIT)), ANSWERS)
GROUP = UNIT % 2
PARTS = [(TRUTH[g == GROUP], PREDICTION[g == GROUP], UNIT[g == GROUP]) for g in (0, 1)]
EMOTIONS = [(CLASSES[g == GROUP], ANSWERS[g == GROUP], UNIT[g == GROUP]) for g in (0, 1)]
WORDS = Crossed.of(PREDICTION, UNIT * 0 + np.arange(len(UNIT)) % CLIPS, UNIT, np.zeros(len(UNIT)))

INTERVALS = {
    "ccc": lambda **how: estimate(CCC, TRUTH, PREDICTION, UNIT, SPEAKERS, **how),
    "mae": lambda **how: estimate(MAE, TRUTH, PREDICTION, UNIT, SPEAKERS, **how),
    "gap": lambda **how: gap(CCC, *PARTS, **how),
    "contrast": lambda **how: contrast(CCC, TRUTH, PREDICTION, CHANGED, UNIT, **how),
    "group minus all": lambda **how: group_minus_all(CCC, TRUTH, PREDICTION, UNIT, GROUP, 2, **how)[0],
    "share": lambda **how: proportion(CLASSES == ANSWERS, UNIT, SPEAKERS, **how),
    "change of recall": lambda **how: change_of_recall(CLASSES, ANSWERS, OTHERS, UNIT, **how),
    "gap of recall": lambda **how: gap_of_recall(*EMOTIONS, **how),
    "mean share": lambda **how: mean_share((CLASSES == ANSWERS)[:, None] * 1.0, UNIT, SPEAKERS, **how),
    "ranking": lambda **how: rank_correlation(np.arange(9), [2, 0, 1, 4, 3, 6, 5, 8, 7], 90, **how),
    "words": lambda **how: crossed_contrast(WORDS, WORDS.item % 2, [1.0, -1.0], **how),
    "largest minus smallest": lambda **how: max_minus_min(
        uar_statistic(3),
        GroupedClips(CLASSES, ANSWERS + (GROUP == 1) * (ANSWERS == 0), UNIT, SPEAKERS, GROUP, 2),
        **how,
    ),
    "spread": lambda **how: spread_beyond_chance([0.2, 0.5, 0.9, 0.4, 0.7], [0.1] * 5, 50, **how),
    "distance": lambda **how: distance_beyond_chance([0.2, -0.5, 0.3, 0.4, -0.7], [0.1] * 5, 50, **how),
}


@pytest.mark.parametrize("name", INTERVALS)
def test_the_inner_interval_is_that_at_90_percent(name):
    found, inner = INTERVALS[name](), INTERVALS[name](level=0.9)
    assert found.inner == (inner.low, inner.high)
    assert inner.inner is None
    assert found.low < inner.low <= found.value
    assert found.high > inner.high >= found.value


def test_a_shifted_estimate_shifts_all_its_bounds():
    found = INTERVALS["ccc"]()
    less = found.minus(0.25)
    assert [less.value, less.low, less.high, *less.inner] == pytest.approx(
        [each - 0.25 for each in (found.value, found.low, found.high, *found.inner)], abs=1e-15
    )


@pytest.mark.parametrize("bias", [0.05, -0.05])
def test_a_model_on_the_limit_passes_in_at_most_one_of_twenty_corpora(bias):
    """TOST: the limit is ± .05, and the bias is exactly that; passing is the error of the first kind."""
    rng, passed = np.random.default_rng(3), 0
    limit = Limit(name="bias", above=-0.05, below=0.05)
    unit = np.repeat(np.arange(12), 20)
    for _ in range(400):
        error = bias + 0.03 * rng.standard_normal(12)[unit] + 0.1 * rng.standard_normal(len(unit))
        value = estimate(BIAS, np.zeros(len(unit)), error, unit, 12)
        low_90, high_90 = value.inner
        found = Finding(
            name="bias", value=value.value, low=value.low, high=value.high, low_90=low_90, high_90=high_90,
            n=value.n, speakers=12,
        )  # fmt: skip
        passed += judge(found, limit).verdict is Verdict.PASS
    assert passed / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)
