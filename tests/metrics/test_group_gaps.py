import itertools

import numpy as np
import pandas as pd
import pytest
from sertools.audits.fairness.sentiment import sentiment_shift

from sertools.metrics.group_gaps import (
    binned,
    class_gaps,
    equalised_odds,
    equalised_odds_by_chance,
    extent_statistic,
    large_enough,
    too_few,
)
from sertools.metrics.groups import Groups
from sertools.metrics.regression import MAE
from sertools.tables.pairs import Pairs


def pairs_of(truth, prediction, unit) -> Pairs:
    truth, prediction, unit = (np.asarray(x) for x in (truth, prediction, unit))
    return Pairs(
        truth=truth,
        prediction=prediction,
        unit=unit,
        units=int(unit.max()) + 1,
        by_speaker=True,
        clips=pd.RangeIndex(len(truth)),
    )


def drawn(seed=0, groups=2, speakers=6, clips=30, classes=3):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(groups * speakers), clips)
    truth = rng.integers(0, classes, len(unit))
    prediction = np.where(rng.random(len(unit)) < 0.6, truth, rng.integers(0, classes, len(unit)))
    named = Groups(names=tuple("abcdef"[:groups]), code=unit % groups)
    return pairs_of(truth, prediction, unit), named


def test_a_bin_holds_its_lower_edge():
    pair = pairs_of([0.0, 0.25, 0.5, 0.75], [0.24, 0.49, 1.3, -1.0], [0, 0, 0, 0])
    assert binned(pair).truth.tolist() == [0, 1, 2, 3]
    assert binned(pair).prediction.tolist() == [0, 1, 3, 0]


@pytest.mark.parametrize(("metric", "expected"), [("recall", [0.25, -0.25]), ("precision", [0.1, -0.15])])
def test_gaps_of_a_class_by_hand(metric, expected):
    # class 1, group a: 2 of 2 found, 2 of 3 answers right; group b: 1 of 2 found, 1 of 2 answers right
    truth, prediction = [1, 1, 0, 0, 1, 1, 0, 0], [1, 1, 1, 0, 1, 0, 1, 0]
    groups = Groups(names=("a", "b"), code=np.repeat([0, 1], 4))
    found = class_gaps(pairs_of(truth, prediction, np.arange(8)), groups, 1, metric)
    of_all = 3 / 4 if metric == "recall" else 3 / 5
    values = (1, 1 / 2) if metric == "recall" else (2 / 3, 1 / 2)
    assert [one.value for one in found] == pytest.approx([v - of_all for v in values], abs=1e-12)
    if metric == "recall":
        assert [one.value for one in found] == pytest.approx(expected, abs=1e-12)
    assert [one.n for one in found] == ([2, 2] if metric == "recall" else [3, 2])


@pytest.mark.parametrize("metric", ["recall", "precision"])
def test_gaps_of_classes_equal_a_naive_count(metric):
    pair, groups = drawn(groups=3)
    for code in range(3):
        for k, one in enumerate(class_gaps(pair, groups, code, metric)):
            given = pair.truth if metric == "recall" else pair.prediction
            rates = []
            for mask in (groups.code == k, np.ones(pair.n, bool)):
                asked = [i for i in range(pair.n) if mask[i] and given[i] == code]
                rates.append(sum(pair.truth[i] == pair.prediction[i] for i in asked) / len(asked))
            assert one.value == pytest.approx(rates[0] - rates[1], abs=1e-12)
            assert one.low < one.value < one.high


def test_a_group_without_the_class_says_so_and_has_no_number():
    pair, groups = drawn()
    truth = np.where((groups.code == 0) & (pair.truth == 2), 1, pair.truth)
    one, other = class_gaps(pairs_of(truth, pair.prediction, pair.unit), groups, 2, "recall")
    assert np.isnan(one.value)
    assert one.reason == "a has no clip for recall"
    assert one.n == other.n > 0


def test_speakers_without_the_class_are_no_units():
    pair, groups = drawn(speakers=6)
    truth = np.where((pair.truth == 2) & (pair.unit >= 8), 0, pair.truth)
    one, other = class_gaps(pairs_of(truth, pair.prediction, pair.unit), groups, 2, "recall")
    assert one.units == other.units == 4
    assert one.reason == "fewer than 5 speakers in a group"


def naive_odds(pair, groups, classes):
    largest = 0.0
    for c in range(classes):
        for positives in (True, False):
            rates = []
            for k in range(len(groups)):
                inside = [
                    i for i in range(pair.n) if groups.code[i] == k and (pair.truth[i] == c) == positives
                ]
                rates.append(np.mean([pair.prediction[i] == c for i in inside]))
            largest = max(largest, *(abs(a - b) for a, b in itertools.combinations(rates, 2)))
    return largest


@pytest.mark.parametrize("count", [2, 3])
def test_equalised_odds_equal_a_naive_count(count):
    pair, groups = drawn(groups=count, seed=count)
    found = equalised_odds(pair, groups, 3, draws=200, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(naive_odds(pair, groups, 3), abs=1e-12)
    assert found.low <= found.high


def test_equalised_odds_leave_out_a_class_of_few_clips():
    pair, groups = drawn(classes=3, seed=4)
    rare = np.flatnonzero(pair.truth == 2)
    truth = pair.truth.copy()
    truth[rare[2:]] = 0
    few = pairs_of(truth, pair.prediction, pair.unit)
    counts = np.bincount(truth, minlength=3)
    assert counts[2] == 2
    rng = np.random.default_rng(0)
    found = equalised_odds(few, groups, 3, fewest=3, draws=50, rng=rng)
    rates = []
    for c in (0, 1):  # by hand: the rates of the two classes that are left
        for inside in (truth == c, truth != c):
            each = [(pair.prediction[inside & (groups.code == g)] == c).mean() for g in range(len(groups))]
            rates.append(max(each) - min(each))
    assert found.value == pytest.approx(max(rates), abs=1e-12)
    none = equalised_odds(few, groups, 3, fewest=10_000, draws=50, rng=rng)
    assert np.isnan(none.value)
    assert none.reason == "no class occurs in all groups and has 10000 clips"


def test_groups_of_few_speakers_are_set_aside_where_two_are_large_enough():
    unit = np.repeat(np.arange(12), 2)
    pair = pairs_of(np.zeros(24), np.zeros(24), unit)
    code = np.repeat([0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, -1], 2)
    groups = Groups(names=("a", "alone", "b"), code=code)
    large = large_enough(pair, groups)
    assert large.names == ("a", "b")
    assert large.code.tolist() == np.repeat([0, 0, 0, 0, 0, -1, 1, 1, 1, 1, 1, -1], 2).tolist()
    one_large = Groups(names=("a", "alone"), code=np.where(code == 2, -1, code))
    assert large_enough(pair, one_large) is one_large


def test_equalised_odds_of_a_perfect_model_are_zero():
    pair, groups = drawn()
    found = equalised_odds(
        pairs_of(pair.truth, pair.truth, pair.unit), groups, 3, draws=50, rng=np.random.default_rng(0)
    )
    assert (found.value, found.low) == (0, 0)
    assert 0 < found.high < 0.2, "no error among few clips does not show that there are none"


@pytest.mark.parametrize("count", [2, 3])
def test_equalised_odds_hold_0_where_chance_explains_them(count):
    """The lower end is above 0 where p ≤ .05, and equal groups are told apart once in twenty times."""
    apart = 0
    for seed in range(40):
        pair, groups = drawn(groups=count, speakers=18, seed=100 + seed)
        rng = np.random.default_rng(seed)
        chance = equalised_odds_by_chance(pair, groups, 3, draws=199, rng=rng)
        found = equalised_odds(pair, groups, 3, rng=rng, by_chance=chance)
        assert (found.low > 0) == (chance.p_value <= 0.05), seed
        assert found.low <= found.value <= found.high
        apart += found.low > 0
    assert apart <= 6  # three standard errors above 2


def test_equalised_odds_of_a_speaker_in_several_groups_have_no_lower_end_above_0():
    pair, _ = drawn(speakers=12)
    groups = Groups(names=("a", "b"), code=np.arange(pair.n) % 2)
    found = equalised_odds(pair, groups, 3, draws=50, rng=np.random.default_rng(0))
    assert found.low == 0 < found.value < found.high
    assert "a speaker belongs to more than one group" in found.reason


def test_equalised_odds_need_a_class_that_the_groups_share():
    pair, groups = drawn(classes=2)
    truth = groups.code  # every group has a class of its own
    found = equalised_odds(
        pairs_of(truth, pair.prediction, pair.unit), groups, 2, draws=50, rng=np.random.default_rng(0)
    )
    assert np.isnan(found.value)
    assert found.reason == "no class occurs in all groups"


def test_the_p_value_of_equalised_odds_is_that_of_all_permutations():
    rng = np.random.default_rng(8)
    unit, truth, prediction = np.repeat(np.arange(8), 5), np.tile([0, 1, 0, 1, 1], 8), rng.integers(0, 2, 40)
    pair = pairs_of(truth, prediction, unit)

    def rate(speakers, t: int) -> float:
        """Share predicted as 1; of two classes, one's wrong detections miss the other."""
        return float((prediction[np.isin(unit, speakers) & (truth == t)] == 1).mean())

    def variance(speakers, t: int) -> float:
        left_out = [rate([s for s in speakers if s != one], t) for one in speakers]
        return (len(speakers) - 1) * float(np.var(left_out))

    def studentised(members) -> float:
        """The larger of both rates' differences in their standard errors, with the least variance."""
        groups = [list(members), [s for s in range(8) if s not in members]]
        found = []
        for t in (0, 1):
            least = 0.01 * variance(range(8), t) * 8 / 4
            parts = [max(variance(group, t), least) for group in groups]
            found.append(abs(rate(groups[0], t) - rate(groups[1], t)) / np.sqrt(sum(parts)))
        return max(found)

    def odds(members) -> float:
        others = [s for s in range(8) if s not in members]
        return max(abs(rate(members, t) - rate(others, t)) for t in (0, 1))

    every = [studentised(members) for members in itertools.combinations(range(8), 4)]
    groups = Groups(names=("a", "b"), code=(unit >= 4).astype(int))
    found = equalised_odds_by_chance(pair, groups, 2, draws=20_000, rng=rng)
    assert len(every) == 70
    assert found.observed == pytest.approx(odds(list(range(4))), abs=1e-12)
    # a standard error of √(p (1 − p) / 20 000) is at most 0.0035
    assert found.p_value == pytest.approx(np.mean([v >= every[0] - 1e-12 for v in every]), abs=0.012)
    assert 0 < found.smallest_verifiable < found.smallest_detectable


def test_equalised_odds_that_chance_does_not_make_have_the_smallest_p_value():
    pair, groups = drawn(groups=2, speakers=12, seed=5)
    wrong = np.where(groups.code == 1, (pair.truth + 1) % 3, pair.truth)  # one group is always misheard
    rng = np.random.default_rng(0)
    found = equalised_odds_by_chance(pairs_of(pair.truth, wrong, pair.unit), groups, 3, draws=199, rng=rng)
    assert (found.observed, found.p_value) == (1.0, 1 / 200)
    alike = equalised_odds_by_chance(
        pairs_of(pair.truth, pair.truth, pair.unit), groups, 3, draws=99, rng=rng
    )
    assert (alike.observed, alike.p_value, alike.smallest_detectable) == (0, 1, 0)


def test_equalised_odds_by_chance_say_why_there_is_no_answer():
    pair, groups = drawn(classes=2)
    rng = np.random.default_rng(0)
    own = equalised_odds_by_chance(
        pairs_of(groups.code, pair.prediction, pair.unit), groups, 2, draws=9, rng=rng
    )
    assert np.isnan(own.observed)
    assert own.reason == "no class occurs in all groups"


def test_a_shift_of_one_language_by_hand():
    # deu: positive words .6, negative .4; eng: both .5. Means of the languages are .5.
    prediction = np.array([0.6, 0.4, 0.5, 0.5] * 6)
    language = Groups(names=("deu", "eng"), code=np.array([0, 0, 1, 1] * 6))
    sentiment = Groups(names=("negative", "positive"), code=np.array([1, 0, 1, 0] * 6))
    found = sentiment_shift(prediction, language, sentiment, np.repeat(np.arange(6), 4), 6)
    assert found["deu", "positive"].value == pytest.approx(0.05, abs=1e-12)
    assert found["eng", "positive"].value == pytest.approx(-0.05, abs=1e-12)
    assert found["deu", "negative"].value == pytest.approx(-0.05, abs=1e-12)
    assert found["deu", "positive"].n == 6


def test_shifts_of_languages_equal_naive_means_and_cancel_over_languages():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "l": rng.integers(0, 3, 400),
            "s": rng.integers(-1, 2, 400),
            "p": rng.random(400),
            "u": np.arange(400) % 9,
        }
    )
    found = sentiment_shift(
        frame["p"].to_numpy(),
        Groups(names=("0", "1", "2"), code=frame["l"].to_numpy()),
        Groups(names=("0", "1"), code=frame["s"].to_numpy()),
        frame["u"].to_numpy(),
        9,
    )
    known = frame[frame["s"] >= 0]
    shift = known.groupby(["l", "s"])["p"].mean() - known.groupby("l")["p"].mean()
    for (language, sentiment), one in found.items():
        expected = shift[int(language), int(sentiment)] - shift.xs(int(sentiment), level="s").mean()
        assert one.value == pytest.approx(expected, abs=1e-12)
    assert sum(found[str(k), "1"].value for k in range(3)) == pytest.approx(0, abs=1e-12)


def test_small_groups_are_named():
    pair, _ = drawn(groups=2, speakers=6)
    groups = Groups(names=("many", "few"), code=(pair.unit >= 8).astype(int))
    assert too_few(pair, groups) == ["few"]


def test_the_extent_as_a_statistic_is_the_largest_minus_the_smallest_group():
    rng = np.random.default_rng(40)
    truth, prediction, group = rng.random(90), rng.random(90), np.arange(90) % 4 - 1
    statistic = extent_statistic(MAE, truth, prediction, group, 3)
    rows = np.arange(90)
    found = statistic.value(statistic.sums(rows, rows, rows % 9, 9).sum(axis=0))
    errors = [np.abs(truth - prediction)[group == code].mean() for code in range(3)]
    assert found == pytest.approx(max(errors) - min(errors), abs=1e-12)
