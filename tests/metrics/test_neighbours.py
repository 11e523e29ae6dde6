"""Purity and silhouette, against naive loops and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from sertools.metrics.neighbours import chance_of_purity, nearest, purity, weighted_silhouette


def drawn(n=60, d=5, classes=3, units=6, seed=0):
    rng = np.random.default_rng(seed)
    label, unit = rng.integers(classes, size=n), rng.integers(units, size=n)
    return rng.normal(size=(n, d)) + label[:, None], label, unit


def naive_purity(vectors, label, apart, neighbours):
    shares = []
    for i in range(len(vectors)):
        others = [j for j in range(len(vectors)) if apart[j] != apart[i]]
        nearest = sorted(others, key=lambda j: np.linalg.norm(vectors[i] - vectors[j]))[:neighbours]
        shares.append(np.mean([label[j] == label[i] for j in nearest]) if nearest else np.nan)
    return shares


@pytest.mark.parametrize("neighbours", [1, 5, 58, 70])
@pytest.mark.parametrize("block", [7, 1000])
def test_purity_is_that_of_a_loop_over_clips(neighbours, block, monkeypatch):
    monkeypatch.setattr("sertools.metrics.neighbours.BLOCK", block)
    vectors, label, unit = drawn()
    for apart in (unit, np.arange(60)):
        found = purity(nearest(vectors, apart, neighbours=neighbours), label)
        assert found == pytest.approx(naive_purity(vectors, label, apart, neighbours))


def test_speakers_that_lie_together_look_pure_only_where_their_own_clips_count():
    rng = np.random.default_rng(1)
    unit = np.repeat(np.arange(20), 10)
    label = unit % 2
    vectors = 10 * rng.normal(size=(20, 4))[unit] + 0.1 * rng.normal(size=(200, 4))
    assert purity(nearest(vectors, np.arange(200), neighbours=5), label).mean() == 1
    assert purity(nearest(vectors, unit, neighbours=5), label).mean() < 0.8


def test_one_speaker_alone_has_no_neighbours():
    vectors, label, _ = drawn()
    assert np.isnan(purity(nearest(vectors, np.zeros(60)), label)).all()
    assert np.isnan(chance_of_purity(label, np.zeros(60)))


def test_chance_is_the_mean_purity_of_neighbours_drawn_blindly():
    _, label, unit = drawn(n=200)
    rng = np.random.default_rng(2)
    blind = [purity(nearest(rng.normal(size=(200, 3)), unit), label).mean() for _ in range(40)]
    # the standard error of the mean of forty is about .004
    assert np.mean(blind) == pytest.approx(chance_of_purity(label, unit), abs=0.015)


def test_the_silhouette_with_equal_weights_is_scikit_learns():
    vectors, label, unit = drawn()
    found = weighted_silhouette(vectors, label, unit, 6)(np.ones(6))
    assert float(found) == pytest.approx(silhouette_score(vectors, label), abs=1e-12)


def test_a_speaker_without_weight_is_as_if_it_were_not_there():
    vectors, label, unit = drawn()
    weights = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    there = weights[unit] > 0
    found = weighted_silhouette(vectors, label, unit, 6)(np.stack([weights, np.ones(6)]))
    assert found[0] == pytest.approx(silhouette_score(vectors[there], label[there]), abs=1e-12)
    assert found.shape == (2,)


def test_a_speaker_with_weight_two_is_two_speakers_that_do_not_see_each_other():
    vectors, label, unit = drawn(n=30, units=3)
    weight = np.array([2.0, 1.0, 1.0])
    scores, times = [], []
    for i in range(30):
        seen = [(j, 1.0 if unit[j] == unit[i] else weight[unit[j]]) for j in range(30) if j != i]

        def mean(code, seen=seen, i=i):
            inside = [(np.linalg.norm(vectors[i] - vectors[j]), w) for j, w in seen if label[j] == code]
            return sum(d * w for d, w in inside) / sum(w for _, w in inside)

        a = mean(label[i])
        b = min(mean(code) for code in range(3) if code != label[i])
        scores.append((b - a) / max(a, b))
        times.append(weight[unit[i]])
    found = weighted_silhouette(vectors, label, unit, 3)(weight)
    assert float(found) == pytest.approx(np.average(scores, weights=times), abs=1e-12)


def test_a_clip_alone_with_its_label_counts_as_nothing():
    vectors, label, unit = drawn()
    label[0] = 3
    found = weighted_silhouette(vectors, label, unit, 6)(np.ones(6))
    assert float(found) == pytest.approx(silhouette_score(vectors, label), abs=1e-12)


def test_one_label_has_no_silhouette():
    vectors, _, unit = drawn()
    value = weighted_silhouette(vectors, np.zeros(60, dtype=int), unit, 6)
    assert np.isnan(value(np.ones(6)))
    assert np.isnan(value(np.zeros(6)))


def test_vectors_that_are_all_the_same_have_a_silhouette_of_nothing():
    _, label, unit = drawn()
    assert float(weighted_silhouette(np.zeros((60, 2)), label, unit, 6)(np.ones(6))) == 0
