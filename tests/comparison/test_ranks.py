"""Ranks from paired differences: what is shown, and what may be."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from sertools.comparison.pairs import Pairs, all_pairs
from sertools.comparison.ranks import Differences, ranks_of
from sertools.comparison.ranks import ranks as ranks_from
from sertools.comparison.runs import Measure, run_of
from sertools.results.keys import FindingKey
from sertools.results.verdicts.regression_check import Change, jackknifed, mean_change
from tests.helpers.comparisons import ccc, kept, result


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


def ranks(differences: dict, better: str = "higher") -> dict:
    """Ranks from differences that are given pair by pair."""
    names = list(dict.fromkeys(name for pair in differences for name in pair))
    one, other = (np.array([names.index(pair[k]) for pair in differences]) for k in (0, 1))
    value = np.array([change.value for change in differences.values()])
    p = np.array([change.p_value for change in differences.values()])
    pairs = Pairs(one, other, value, np.full(len(p), np.nan), np.zeros(len(p), dtype=int), p)
    return ranks_from(pairs, names, better)


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


def run(name, values, *, n=50, findings=("arousal",)):
    """A model whose CCC without each speaker is given."""
    mean = float(np.mean(list(values.values())))
    found = [ccc(mean, target=target).model_copy(update={"n": n}) for target in findings]
    left = [
        kept(list(values.values()), names=list(values)).model_copy(update={"target": t}) for t in findings
    ]
    return run_of(name, [result(found, left_out=left, model=name)])


def drawn(seed: int, models: int, speakers: int = 12) -> list:
    """Models of which the last two are the same, and the first two differ by the same for all speakers."""
    rng = np.random.default_rng(seed)
    base = rng.normal(0.5, 0.1, speakers)
    rows = [base + rng.normal(rng.normal(0, 0.03), 0.02, speakers) for _ in range(models)]
    rows[1], rows[-1] = rows[0] + 0.125, rows[-2].copy()
    names = [f"s{i:02d}" for i in range(speakers)]
    return [run(f"m{i}", dict(zip(names, row.tolist(), strict=True))) for i, row in enumerate(rows)]


ARODOM = [Measure("correctness", FindingKey("ccc", t)) for t in ("arousal", "dominance")]


@pytest.mark.parametrize("seed", range(3))
def test_all_pairs_at_once_are_the_pairs_one_by_one(seed):
    runs, measure = drawn(seed, 30), ARODOM[0]
    differences = Differences()

    def never(one, other):
        raise AssertionError("all models answered the same clips")

    pairs = all_pairs(runs, [measure], never)
    alone = [differences.of(a, b, measure) for a, b in combinations(runs, 2)]
    np.testing.assert_allclose(pairs.value, [each.value for each in alone], atol=1e-15)
    p = 2 * stats.t.sf(pairs.t, pairs.freedom)
    np.testing.assert_allclose(p, [each.p_value for each in alone], rtol=1e-6, atol=1e-300)
    by_hand = {(a.name, b.name): change for (a, b), change in zip(combinations(runs, 2), alone, strict=True)}
    found = ranks_of(runs, [measure], "higher", differences)
    assert {name: (each.best, each.worst) for name, each in found.items()} == naive(by_hand, "higher")


def test_shares_of_clips_are_as_uncertain_as_one_by_one():
    runs, measure = drawn(3, 20), ARODOM[0]
    for k, each in enumerate(runs):
        (left,) = each.results["correctness"].left_out
        each.results["correctness"].left_out[0] = left.model_copy(update={"effective_clips": 40.0 + k})
    differences = Differences()
    alone = [differences.of(a, b, measure) for a, b in combinations(runs, 2)]
    pairs = all_pairs(runs, [measure], lambda a, b: Change())
    p = 2 * stats.t.sf(pairs.t, pairs.freedom)
    np.testing.assert_allclose(p, [each.p_value for each in alone], rtol=1e-6, atol=1e-300)
    assert p.max() < 1 or (p < 1).sum() > 150


def test_a_model_with_other_clips_is_compared_pair_by_pair():
    names = [f"s{i}" for i in range(9)]
    rng = np.random.default_rng(0)
    runs = [run(m, dict(zip(names, rng.normal(0.1 * i, 0.001, 9).tolist(), strict=True)), n=50 + (m == "c"))
            for i, m in enumerate("abc")]  # fmt: skip
    asked = []

    def change_of(one, other):
        asked.append((one.name, other.name))
        return Change(value=-0.1, p_value=1e-6)

    pairs = all_pairs(runs, [ARODOM[0]], change_of)
    assert asked == [("a", "c"), ("b", "c")]
    found = ranks_from(pairs, ["a", "b", "c"])
    assert {name: str(each) for name, each in found.items()} == {"a": "3", "b": "2", "c": "1"}


def test_several_measures_are_averaged():
    names = [f"s{i}" for i in range(8)]
    rng = np.random.default_rng(1)
    runs = [run(m, dict(zip(names, rng.normal(0.5, 0.1, 8).tolist(), strict=True)),
                findings=("arousal", "dominance")) for m in "ab"]  # fmt: skip
    one = all_pairs(runs, ARODOM[:1], lambda a, b: Change())
    both = all_pairs(runs, ARODOM, lambda a, b: Change())
    np.testing.assert_allclose(one.t, both.t)


def test_a_thousand_models_are_ranked_in_a_second_or_two():
    runs = drawn(0, 1000)
    found = ranks_of(runs, [ARODOM[0]], "higher", Differences())
    assert len(found) == 1000
    assert found["m998"] == found["m999"]
    assert all(1 <= each.best <= each.worst <= 1000 for each in found.values())


def test_without_the_difference_of_one_pair_nobody_has_a_rank():
    names = [f"s{i}" for i in range(6)]
    a, b = (run(m, dict.fromkeys(names, 0.5)) for m in "ab")
    lacking = run("c", dict.fromkeys(names[:3], 0.5))  # too few speakers
    assert ranks_of([a, b, lacking], [ARODOM[0]], "higher", Differences()) == {}
    assert ranks_of([a], [ARODOM[0]], "higher", Differences()) == {}


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
