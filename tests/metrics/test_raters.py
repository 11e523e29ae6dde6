"""Raters: worked by hand, a naive second implementation vote by vote, and the published votes of CREMA-D."""

from itertools import combinations

import numpy as np
import pytest

from sertools.metrics import raters
from sertools.metrics.classification import uar_statistic
from sertools.metrics.soft_labels import above_equal_share, f1_sums, soft_macro_f1
from sertools.statistics.jackknife import estimate_from_sums
from sertools.tables.votes import majority
from tests.helpers.crema_d import HERE, crema_d

needs_crema_d = pytest.mark.skipif(not HERE, reason="../shared/data/crema-d_labels is not here")


@pytest.fixture(scope="module")
def votes():
    return crema_d()


def drawn(n=40, c=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.multinomial(rng.integers(1, 8), rng.dirichlet(np.ones(c)), size=n).astype(float)


def one_by_one(counts):
    """Every single vote and the class that most of the others chose, by loops."""
    pairs = []
    for row in counts.astype(int):
        said = [code for code, n in enumerate(row) for _ in range(n)]
        for i, own in enumerate(said):
            others = said[:i] + said[i + 1 :]
            most = max((others.count(code) for code in set(others)), default=0)
            best = [code for code in set(others) if others.count(code) == most]
            if len(best) == 1:
                pairs.append((own, best[0]))
    return pairs


def test_a_rater_is_held_against_the_majority_of_the_others_vote_by_vote():
    counts = drawn()
    faced = raters.against_others(counts)
    once = np.repeat(np.arange(len(faced.clip)), faced.weight.astype(int))
    assert sorted(zip(faced.answer[once], faced.truth[once], strict=True)) == sorted(one_by_one(counts))


def test_weighted_sums_are_those_of_every_vote_by_itself():
    counts, unit = drawn(), np.arange(40) % 5
    faced = raters.against_others(counts)
    once = np.repeat(np.arange(len(faced.clip)), faced.weight.astype(int))
    statistic = uar_statistic(4)
    apart = statistic.sums(faced.truth[once], faced.answer[once], unit[faced.clip[once]], 5)
    np.testing.assert_array_equal(faced.sums(faced.answer, unit, 5, 4), apart)


def alpha_of_pairs(values, difference):
    """Krippendorff's α from all pairs, one by one; `values` holds the answers to each clip."""
    pairable = [row for row in values if len(row) > 1]
    every = [value for row in pairable for value in row]
    observed = sum(
        2 * difference(a, b) / (len(row) - 1) for row in pairable for a, b in combinations(row, 2)
    ) / len(every)
    n = len(every)
    expected = sum(2 * difference(a, b) for a, b in combinations(every, 2)) / (n * (n - 1))
    return 1 - observed / expected


def test_nominal_alpha_is_that_of_all_pairs():
    counts = drawn(seed=1)
    values = [[code for code, n in enumerate(row) for _ in range(int(n))] for row in counts]
    expected = alpha_of_pairs(values, lambda a, b: float(a != b))
    assert raters.krippendorff_alpha(counts) == pytest.approx(expected, abs=1e-12)


def test_interval_alpha_is_that_of_all_pairs_and_has_no_scale():
    rng = np.random.default_rng(2)
    ratings = rng.normal(0.5, 0.2, (30, 1)) + rng.normal(0, 0.1, (30, 5))
    ratings[rng.random(ratings.shape) < 0.3] = np.nan
    values = [[x for x in row if x == x] for row in ratings]
    expected = alpha_of_pairs(values, lambda a, b: (a - b) ** 2)
    assert raters.krippendorff_alpha_interval(ratings) == pytest.approx(expected, abs=1e-12)
    assert raters.krippendorff_alpha_interval(7 * ratings - 2) == pytest.approx(expected, abs=1e-9)


def test_alpha_of_the_example_of_krippendorff():
    # Computing Krippendorff's Alpha-Reliability (2011), nominal data, several observers, missing data
    data = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ]
    )
    counts = np.stack([(data == code).sum(axis=0) for code in range(1, 6)], axis=1)
    assert raters.krippendorff_alpha(counts) == pytest.approx(0.743, abs=5e-4)
    ratings = np.where(data == 0, np.nan, data).T
    assert raters.krippendorff_alpha_interval(ratings) == pytest.approx(0.849, abs=5e-4)


def test_alpha_without_any_difference_is_undefined():
    assert np.isnan(raters.krippendorff_alpha([[2, 0], [3, 0]]))
    assert np.isnan(raters.krippendorff_alpha_interval([[0.3, 0.3], [0.3, 0.3]]))


def test_the_deviation_of_raters_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(3)
    ratings = rng.random((20, 4))
    expected = np.sqrt(ratings.var(axis=1, ddof=1).mean())
    assert raters.rater_deviation(ratings) == pytest.approx(expected, abs=1e-12)


def test_no_other_answers_reach_a_higher_uar_against_the_raters():
    counts = np.array([[3.0, 1, 0], [1, 1, 1], [0, 2, 2], [4, 0, 1]])

    def uar_of(answers):
        best = raters.against_a_rater(counts, np.asarray(answers))
        return float(uar_statistic(3).value(best.sums(best.answer, np.zeros(4, int), 1, 3)[0]))

    every = [uar_of(answers) for answers in np.ndindex(3, 3, 3, 3)]
    assert uar_of(raters.best_answer(counts)) == pytest.approx(max(every), abs=1e-12)


def test_halves_are_all_votes_and_depend_on_the_clip_alone():
    counts = drawn(seed=4)
    names = [f"clip {i}" for i in range(len(counts))]
    first, second = raters.random_halves(counts, names, draws=6)
    np.testing.assert_array_equal(first + second, np.broadcast_to(counts, first.shape))
    np.testing.assert_array_equal(first.sum(axis=2), np.broadcast_to(counts.sum(axis=1) // 2, (6, 40)))
    again, _ = raters.random_halves(counts[::-1], names[::-1], draws=6)
    np.testing.assert_array_equal(again[:, ::-1], first)


def test_half_means_join_to_the_mean_of_all():
    ratings = np.array([[0.1, 0.2, 0.6, np.nan], [0.5, np.nan, np.nan, np.nan]])
    first, second = raters.half_means(ratings, ["a", "b"], draws=3)
    np.testing.assert_allclose((first[:, 0] + 2 * second[:, 0]) / 3, 0.3, atol=1e-12)
    assert np.isnan(first[:, 1]).all()


def test_a_rater_alone_has_no_others():
    found = raters.mean_of_others(np.array([[0.5, np.nan], [0.2, 0.4]]))
    np.testing.assert_allclose(found, [[np.nan, np.nan], [0.4, 0.2]], atol=1e-12)


@needs_crema_d
def test_the_intended_emotion_is_recognised_by_four_in_ten_votes_of_crema_d(votes):
    faced = raters.against_label(votes.counts, votes.intended)
    share = faced.weight[faced.answer == faced.truth].sum() / faced.weight.sum()
    assert share == pytest.approx(0.40003, abs=5e-6)


@needs_crema_d
def test_alpha_of_crema_d(votes):
    assert raters.krippendorff_alpha(votes.counts) == pytest.approx(0.2811, abs=5e-5)


@needs_crema_d
def test_one_rater_of_crema_d_against_the_majority_of_the_others(votes):
    faced = raters.against_others(votes.counts)
    sums = faced.sums(faced.answer, votes.speaker, 91, 6)
    found = estimate_from_sums(uar_statistic(6), sums, len(votes.counts))
    assert found.value == pytest.approx(0.5298, abs=5e-5)
    assert found.low < 0.52 < 0.54 < found.high


@needs_crema_d
def test_one_rater_and_half_of_the_raters_of_crema_d_on_soft_labels(votes):
    rows, answer = np.nonzero(votes.counts > 0)
    others = votes.counts[rows]
    others[np.arange(len(rows)), answer] -= 1
    weight = votes.counts[rows, answer] / votes.counts[rows].sum(axis=1)
    truth = above_equal_share(others / others.sum(axis=1, keepdims=True))
    sums = f1_sums(truth, np.eye(6, dtype=bool)[answer], weight, np.zeros(len(rows), int), 1)[0]
    assert np.mean(sums[:6] / sums[6:]) == pytest.approx(0.486, abs=5e-4)
    first, second = raters.random_halves(votes.counts, votes.clips)
    halves = [
        soft_macro_f1(b / b.sum(axis=1, keepdims=True), a / a.sum(axis=1, keepdims=True))
        for a, b in zip(first, second, strict=True)
    ]
    assert np.mean(halves) == pytest.approx(0.644, abs=0.002)
    assert np.std(halves) < 0.0025


@needs_crema_d
def test_with_ties_broken_at_random_one_rater_of_crema_d_reaches_half(votes):
    rng = np.random.default_rng(5)
    rows, answer = np.nonzero(votes.counts > 0)
    others = votes.counts[rows]
    others[np.arange(len(rows)), answer] -= 1
    weight, reached = votes.counts[rows, answer], []
    for _ in range(5):
        broken = majority(others + rng.random(others.shape) * 0.5)
        counts = np.bincount(broken * 6 + answer, weights=weight, minlength=36).reshape(6, 6)
        reached.append((np.diag(counts) / counts.sum(axis=1)).mean())
    assert np.mean(reached) == pytest.approx(0.505, abs=0.002)


def test_votes_are_held_against_a_label_that_is_not_made_of_them():
    faced = raters.against_label(np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]), np.array([1, 1, -1]))
    rows = zip(faced.clip, faced.answer, faced.truth, faced.weight, strict=True)
    assert [tuple(map(float, row)) for row in rows] == [(0, 0, 1, 2), (0, 1, 1, 1), (1, 1, 1, 3)]


def test_a_single_vote_has_no_halves_and_stays_in_the_second():
    counts = np.array([[1.0, 0.0], [2.0, 2.0]])
    first, second = raters.random_halves(counts, ["one", "four"], draws=5)
    assert first[:, 0].tolist() == [[0.0, 0.0]] * 5
    assert second[:, 0].tolist() == [[1.0, 0.0]] * 5
    assert (first[:, 1].sum(axis=1) == 2).all()


def test_the_mean_of_draws_is_the_mean_of_their_values():
    uar = uar_statistic(2)
    drawn = [
        uar.sums(np.array([0, 1, 1]), np.array(said), np.zeros(3, dtype=int), 1)
        for said in ([0, 1, 0], [1, 1, 1])
    ]
    mean = raters.mean_of_draws(uar, 2)
    assert mean.value(np.concatenate(drawn, axis=-1))[0] == pytest.approx((0.75 + 0.5) / 2, abs=1e-15)
    assert (mean.name, mean.scale, mean.bounds) == (uar.name, uar.scale, uar.bounds)
    with pytest.raises(TypeError, match="of the votes of raters"):
        raters.ALPHA.sums(np.zeros(1), np.zeros(1), np.zeros(1, dtype=int), 1)
