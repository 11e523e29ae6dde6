"""Do 95 % intervals hold the true value 95 times in 100? Simulated corpora whose truth is known.

Speakers differ in the level and the slope of their predictions, and in their number of clips. The bands allow
for a standard error of 0.7 % in 1000 corpora; the seeds are fixed. docs/statistics.md has what was measured.
"""

import numpy as np
import pytest

from sertools.metrics.regression import BIAS, CCC
from sertools.metrics.speakers import rank_correlation
from sertools.statistics.bootstrap import GroupedClips, bootstrap
from sertools.statistics.group_range import max_minus_min
from sertools.statistics.jackknife import contrast, estimate, gap
from sertools.statistics.proportions import proportion
from tests.helpers.simulated_ratings import (
    RHO,
    SLOPE,
    changed,
    clips_of,
    ratings,
    speaker_means,
    true_ccc,
)

pytestmark = pytest.mark.slow

RUNS = 1000


def coverage(true, draw, runs=RUNS):
    """Share of corpora whose interval holds the true value."""
    found = [draw(np.random.default_rng([7, run])) for run in range(runs)]
    assert all(one.reason == "" for one in found)
    return np.mean([one.low <= true <= one.high for one in found])


@pytest.mark.parametrize(("a", "b"), [(5, 5), (8, 8), (12, 24), (45, 45)])
def test_intervals_of_a_gap_of_ccc_cover(a, b):
    def draw(rng):
        first, second = ratings(rng, a), ratings(rng, b, slope=0.4)
        return gap(CCC, first, (*second[:2], second[2] + a))

    assert 0.93 <= coverage(true_ccc(SLOPE) - true_ccc(0.4), draw) <= 0.98


@pytest.mark.parametrize("speakers", [6, 12, 45])
def test_intervals_of_a_change_of_bias_cover(speakers):
    def draw(rng):
        truth, prediction, after, unit = changed(rng, speakers)
        return contrast(BIAS, truth, prediction, after, unit)

    assert 0.93 <= coverage(0.02, draw) <= 0.98


@pytest.mark.parametrize("speakers", [5, 12, 45])
def test_intervals_of_the_largest_gap_of_three_groups_cover(speakers):
    def draw(rng):
        parts = [ratings(rng, speakers, slope=slope) for slope in (SLOPE, 0.5, 0.4)]
        truth, prediction = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        unit = np.concatenate([part[2] + speakers * i for i, part in enumerate(parts)])
        group = np.repeat(np.arange(3), [len(part[0]) for part in parts])
        return max_minus_min(CCC, GroupedClips(truth, prediction, unit, 3 * speakers, group, 3))

    assert coverage(true_ccc(SLOPE) - true_ccc(0.4), draw, runs=500) >= 0.93


@pytest.mark.parametrize(("clips", "widest"), [((10, 60), 0.985), ((200, 600), 0.99)])
@pytest.mark.parametrize("true", [0.9, 0.97, 0.995])
@pytest.mark.parametrize("speakers", [5, 12, 24, 60])
def test_intervals_of_an_unchanged_ratio_cover(true, speakers, clips, widest):
    def draw(rng):
        unit = clips_of(rng, speakers, *clips)
        # beta distributed speakers with an intra-speaker correlation of .02
        own = rng.beta(true * 49, (1 - true) * 49, speakers)
        return proportion(rng.random(len(unit)) < own[unit], unit, speakers)

    # some true shares lie close to the ends of the band
    assert 0.93 <= coverage(true, draw, runs=2 * RUNS) <= widest


@pytest.mark.parametrize("speakers", [5, 12, 45])
def test_intervals_of_a_ranking_cover(speakers):
    assert (
        0.93 <= coverage(RHO, lambda rng: rank_correlation(*speaker_means(rng, speakers), speakers)) <= 0.995
    )


def test_intervals_that_forget_speakers_do_not_cover():
    def by_clips(rng):
        truth, prediction, unit = ratings(rng, 24)
        return estimate(CCC, truth, prediction, np.arange(len(unit)), len(unit))

    def by_rows(rng):
        truth, prediction, unit = ratings(rng, 24)
        sums = CCC.sums(truth, prediction, np.arange(len(unit)), len(unit))
        return bootstrap(CCC.value, sums, n=len(unit), draws=200, rng=rng)

    def by_speakers(rng):
        return estimate(CCC, *ratings(rng, 24), 24)

    true = true_ccc(SLOPE)
    assert 0.93 <= coverage(true, by_speakers) <= 0.99
    assert coverage(true, by_clips, runs=300) < 0.85
    assert coverage(true, by_rows, runs=300) < 0.85
