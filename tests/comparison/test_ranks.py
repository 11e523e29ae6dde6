"""Ranks from paired differences: what is shown, and what may be."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from sertools.comparison.ranks import ranks
from sertools.results.verdicts.regression_check import Change, jackknifed, mean_change


def pairs_of(values: dict[str, float], p_values: dict[tuple[str, str], float]) -> dict:
    return {
        (a, b): Change(value=values[a] - values[b], p_value=p_values.get((a, b), 1.0))
        for a, b in combinations(values, 2)
    }


def naive(differences: dict, better: str) -> dict[str, tuple[int, int]]:
    """Holm by hand, then counting."""
    names = list(dict.fromkeys(name for pair in differences for name in pair))
    shown, open_ = [], True
    ordered = sorted(differences.items(), key=lambda item: item[1].p_value)
    for i, (pair, change) in enumerate(ordered):
        open_ = open_ and change.p_value * (len(ordered) - i) < 0.05
        if open_:
            first_wins = (change.value > 0) == (better == "higher")
            shown.append(pair if first_wins else pair[::-1])
    return {
        name: (
            1 + sum(loser == name for _, loser in shown),
            len(names) - sum(winner == name for winner, _ in shown),
        )
        for name in names
    }


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize("seed", range(20))
def test_ranks_agree_with_counting(better, seed):
    rng = np.random.default_rng(seed)
    values = {name: float(rng.normal()) for name in "abcdef"}
    p_values = {pair: float(rng.choice([1e-6, 1e-3, 0.004, 0.03, 0.5])) for pair in combinations("abcdef", 2)}
    differences = pairs_of(values, p_values)
    found = {name: (each.best, each.worst) for name, each in ranks(differences, better).items()}
    assert found == naive(differences, better)


def test_a_model_with_a_wide_interval_does_not_rank_first_for_it():
    """Three models whose intervals overlap pairwise are told apart by their differences."""
    values = {"a": 0.6, "b": 0.5, "c": 0.4}
    shown = dict.fromkeys(combinations("abc", 2), 1e-4)
    assert {name: str(each) for name, each in ranks(pairs_of(values, shown)).items()} == {
        "a": "1",
        "b": "2",
        "c": "3",
    }
    assert {str(each) for each in ranks(pairs_of(values, {})).values()} == {"1–3"}


def test_without_the_difference_of_one_pair_nobody_has_a_rank():
    differences = pairs_of({"a": 0.6, "b": 0.5, "c": 0.4}, {})
    differences["a", "c"] = Change(reason="different clips")
    assert ranks(differences) == {}
    assert ranks({}) == {}


def test_the_p_value_is_that_of_a_t_test_of_the_pseudo_values():
    rng = np.random.default_rng(0)
    values = rng.normal(0.3, 0.2, 9)  # a mean over speakers, for which the jackknife is the t-test
    without = {str(i): float(np.delete(values, i).mean()) for i in range(9)}
    found = jackknifed(Change(value=float(values.mean())), without)
    assert found.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-9)


def test_equal_models_have_a_p_value_of_1():
    same = jackknifed(Change(value=0.0), dict.fromkeys("abcde", 0.0))
    assert (same.low, same.high, same.p_value) == (0.0, 0.0, 1.0)


def test_the_mean_of_differences_is_that_of_the_speakers():
    one = jackknifed(Change(value=0.2), {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.2, "e": 0.2})
    other = jackknifed(Change(value=0.4), {"a": 0.5, "b": 0.4, "c": 0.3, "d": 0.4, "e": 0.4})
    mean = mean_change([one, other])
    assert mean.value == pytest.approx(0.3, abs=1e-12)
    assert mean.low == pytest.approx(0.3, abs=1e-12), "the speakers cancel"
    elsewhere = jackknifed(Change(value=0.4), dict.fromkeys("vwxyz", 0.4))
    assert mean_change([one, elsewhere]).reason == "the differences are not of the same speakers"
    assert mean_change([one, Change(reason="no")]).value is None
