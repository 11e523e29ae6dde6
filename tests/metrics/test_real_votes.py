"""The metrics at real size: 7442 clips of 91 actors, whose emotion a crowd named from the voice alone."""

import audmetric
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sertools.metrics.classification import macro_f1_statistic, uar_statistic
from sertools.statistics.bootstrap import GroupedClips
from sertools.statistics.jackknife import estimate, gap
from sertools.statistics.permutation import permutation
from tests.helpers.places import ROOT

VOTES = ROOT.parent / "shared/data/crema-d_labels/crema-d_labels.csv"
EMOTIONS = ["anger", "disgust", "fear", "happiness", "neutral", "sadness"]

pytestmark = pytest.mark.skipif(not VOTES.is_file(), reason="../shared/data/crema-d_labels is not here")


@pytest.fixture(scope="module")
def votes():
    table = pd.read_csv(VOTES)
    named = table[table["voice_vote"].isin(EMOTIONS)]
    assert len(named) > 6000
    truth, answer = (named[c].map(EMOTIONS.index).to_numpy() for c in ("emotion", "voice_vote"))
    speaker = pd.factorize(named["speaker"])[0]
    return truth, answer, speaker, (named["sex"] == "female").to_numpy()


def jackknife(metric, truth, answer, speaker):
    """Value and leave-one-speaker-out values by audmetric, clip by clip again for every speaker."""
    left_out = [metric(truth[speaker != s], answer[speaker != s]) for s in np.unique(speaker)]
    return metric(truth, answer), np.array(left_out)


@pytest.mark.parametrize(
    ("statistic", "metric"),
    [
        (uar_statistic(6), audmetric.unweighted_average_recall),
        (macro_f1_statistic(6), audmetric.unweighted_average_fscore),
    ],
)
def test_the_interval_of_the_crowd_is_that_of_audmetric_left_out_by_hand(votes, statistic, metric):
    truth, answer, speaker, _ = votes
    value, left_out = jackknife(metric, truth, answer, speaker)
    half = stats.t.ppf(0.975, 90) * np.sqrt(90 * left_out.var())
    found = estimate(statistic, truth, answer, speaker, 91)
    assert found.units == 91
    assert (found.value, found.low, found.high) == pytest.approx(
        (value, value - half, value + half), abs=1e-12
    )


def test_the_sex_gap_of_the_crowd_is_that_of_audmetric_left_out_by_hand(votes):
    truth, answer, speaker, female = votes
    groups = [(truth[m], answer[m], speaker[m]) for m in (female, ~female)]
    (a, left_a), (b, left_b) = (jackknife(audmetric.unweighted_average_recall, *g) for g in groups)
    parts = np.array([(len(x) - 1) * x.var() for x in (left_a, left_b)])
    freedom = parts.sum() ** 2 / (parts**2 / [len(left_a) - 1, len(left_b) - 1]).sum()
    half = stats.t.ppf(0.975, freedom) * np.sqrt(parts.sum())
    found = gap(uar_statistic(6), *groups)
    assert (found.value, found.low, found.high) == pytest.approx(
        (a - b, a - b - half, a - b + half), abs=1e-12
    )


def test_the_smallest_detectable_gap_belongs_to_the_actors_and_not_to_their_groups(votes):
    truth, answer, speaker, female = votes
    rng = np.random.default_rng(70)
    by_sex = permutation(
        uar_statistic(6), GroupedClips(truth, answer, speaker, 91, female.astype(int), 2), rng=rng
    )
    at_random = rng.integers(0, 2, 91)[speaker]
    by_chance = permutation(uar_statistic(6), GroupedClips(truth, answer, speaker, 91, at_random, 2), rng=rng)
    assert by_sex.reason == by_chance.reason == ""
    # 91 actors in near halves both times; 2000 draws know a 95th percentile to about 3 %
    assert by_sex.smallest_detectable == pytest.approx(by_chance.smallest_detectable, rel=0.15)
