"""Do 95 % intervals hold the true value 95 times in 100? Simulated corpora whose truth is known.

Speakers differ in the level and the slope of their predictions, and in their number of clips. The bands allow
for a standard error of 0.7 % in 1000 corpora, as many as are drawn before a release (`-m acceptance`), for
every number of speakers. Each run of the tests draws 300 of some, whose standard error of 1.3 % still tells
apart an interval that forgets speakers. The seeds are fixed. docs/statistics.md has what was measured.
"""

import itertools

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

RUNS, FEW = 1000, 300
"""Corpora that are drawn before a release, and in each run of the tests."""


def cases(often, rarely=()):
    """Cases with the number of corpora: `often` few in each run; before a release all, and `rarely` too."""
    return [
        *((case, FEW) for case in often),
        *(pytest.param(case, RUNS, marks=pytest.mark.acceptance) for case in (*often, *rarely)),
    ]


def lowest(runs):
    """The lower end of the band."""
    return 0.93 if runs == RUNS else 0.915


def coverage(true, draw, runs):
    """Share of corpora whose interval holds the true value."""
    found = [draw(np.random.default_rng([7, run])) for run in range(runs)]
    assert all(one.reason == "" for one in found)
    return np.mean([one.low <= true <= one.high for one in found])


@pytest.mark.parametrize(("speakers", "runs"), cases([(5, 5), (12, 24)], [(8, 8), (45, 45)]))
def test_intervals_of_a_gap_of_ccc_cover(speakers, runs):
    a, b = speakers

    def draw(rng):
        first, second = ratings(rng, a), ratings(rng, b, slope=0.4)
        return gap(CCC, first, (*second[:2], second[2] + a))

    assert lowest(runs) <= coverage(true_ccc(SLOPE) - true_ccc(0.4), draw, runs) <= 0.98


@pytest.mark.parametrize(("speakers", "runs"), cases([12], [6, 45]))
def test_intervals_of_a_change_of_bias_cover(speakers, runs):
    def draw(rng):
        truth, prediction, after, unit = changed(rng, speakers)
        return contrast(BIAS, truth, prediction, after, unit)

    assert lowest(runs) <= coverage(0.02, draw, runs) <= 0.98


@pytest.mark.parametrize(("speakers", "runs"), cases([5], [12, 45]))
def test_intervals_of_the_largest_gap_of_three_groups_cover(speakers, runs):
    def draw(rng):
        parts = [ratings(rng, speakers, slope=slope) for slope in (SLOPE, 0.5, 0.4)]
        truth, prediction = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
        unit = np.concatenate([part[2] + speakers * i for i, part in enumerate(parts)])
        group = np.repeat(np.arange(3), [len(part[0]) for part in parts])
        return max_minus_min(CCC, GroupedClips(truth, prediction, unit, 3 * speakers, group, 3))

    assert coverage(true_ccc(SLOPE) - true_ccc(0.4), draw, runs // 2) >= lowest(runs)


OFTEN = [(5, 0.9, (10, 60)), (12, 0.9, (200, 600)), (60, 0.97, (10, 60))]
"""Speakers, true share, and fewest and most clips of a speaker."""

RARELY = [
    case
    for case in itertools.product([5, 12, 24, 60], [0.9, 0.97, 0.995], [(10, 60), (200, 600)])
    if case not in OFTEN
]


@pytest.mark.parametrize(("case", "runs"), cases(OFTEN, RARELY))
def test_intervals_of_an_unchanged_ratio_cover(case, runs):
    speakers, true, clips = case

    def draw(rng):
        unit = clips_of(rng, speakers, *clips)
        # beta distributed speakers with an intra-speaker correlation of .02
        own = rng.beta(true * 49, (1 - true) * 49, speakers)
        return proportion(rng.random(len(unit)) < own[unit], unit, speakers)

    # some true shares lie close to the ends of the band
    assert lowest(runs) <= coverage(true, draw, 2 * runs) <= (0.985 if clips == (10, 60) else 0.99)


@pytest.mark.parametrize(("speakers", "runs"), cases([5, 45], [12]))
def test_intervals_of_a_ranking_cover(speakers, runs):
    def draw(rng):
        return rank_correlation(*speaker_means(rng, speakers), speakers)

    assert lowest(runs) <= coverage(RHO, draw, runs) <= 0.995


@pytest.mark.parametrize(("speakers", "runs"), cases([24]))
def test_intervals_that_forget_speakers_do_not_cover(speakers, runs):
    def by_clips(rng):
        truth, prediction, unit = ratings(rng, speakers)
        return estimate(CCC, truth, prediction, np.arange(len(unit)), len(unit))

    def by_rows(rng):
        truth, prediction, unit = ratings(rng, speakers)
        sums = CCC.sums(truth, prediction, np.arange(len(unit)), len(unit))
        return bootstrap(CCC.value, sums, n=len(unit), draws=200, rng=rng)

    def by_speakers(rng):
        return estimate(CCC, *ratings(rng, speakers), speakers)

    true = true_ccc(SLOPE)
    assert lowest(runs) <= coverage(true, by_speakers, runs) <= 0.99
    assert coverage(true, by_clips, runs // 3) < 0.85
    assert coverage(true, by_rows, runs // 3) < 0.85
