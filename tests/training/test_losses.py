"""Losses against values worked out by hand, torch, and naive second implementations."""

import numpy as np
import pytest
import torch

from sertools.metrics.regression import ccc
from sertools.training.losses import class_weights, cross_entropy, joint_loss, mse_loss

HARD = np.eye(3)[[0, 0, 0, 0, 1, 1, 2]]


def test_inverse_weights_have_the_sum_one_and_classes_without_clips_weigh_nothing():
    np.testing.assert_allclose(class_weights(HARD, "inverse"), np.array([1, 2, 4]) / 7, atol=1e-12)
    assert class_weights(HARD[:4], "inverse").tolist() == [1, 0, 0]
    assert class_weights(HARD, "none").tolist() == [1, 1, 1]


def test_balanced_weights_follow_equation_1():
    beta = 6 / 7
    raw = np.array([(1 - beta) / (1 - beta**n) for n in (4, 2, 1)])
    np.testing.assert_allclose(class_weights(HARD, "balanced"), 3 * raw / raw.sum(), atol=1e-12)


def test_a_soft_label_counts_for_each_class_that_exceeds_its_even_share():
    soft = np.array([[0.5, 0.4, 0.1], [0.34, 0.33, 0.33], [0, 0, 0]])  # the last has no label
    beta = 1 / 2
    raw = np.array([(1 - beta) / (1 - beta**2), 1.0, 0.0])  # two clips, one clip, none
    np.testing.assert_allclose(class_weights(soft, "balanced"), 3 * raw / raw.sum(), atol=1e-12)


@pytest.mark.parametrize("weighting", ["none", "inverse"])
def test_hard_labels_have_the_loss_of_torch(weighting):
    logits = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = class_weights(HARD, weighting)
    wanted = torch.nn.functional.cross_entropy(
        logits, torch.from_numpy(HARD).argmax(1), weight=torch.from_numpy(weights)
    )
    found = cross_entropy(logits, torch.from_numpy(HARD), weights.tolist(), weighting)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-12)


@pytest.mark.parametrize("weighting", ["balanced", "balanced-clips"])
def test_soft_labels_have_the_loss_of_a_double_loop(weighting):
    rng = np.random.default_rng(0)
    logits, shares = rng.standard_normal((5, 3)), rng.dirichlet(np.ones(3), 5)
    shares[3] = 0  # a clip without a label
    w = [0.5, 1.0, 1.5]
    total = 0.0
    for z, t in zip(logits, shares, strict=True):
        p = np.exp(z) / np.exp(z).sum()
        if weighting == "balanced":
            total += sum(-w[j] * t[j] * np.log(p[j]) for j in range(3))
        else:
            total += sum(w[j] * t[j] for j in range(3)) * sum(-t[j] * np.log(p[j]) for j in range(3))
    found = cross_entropy(torch.from_numpy(logits), torch.from_numpy(shares), w, weighting)
    assert found.item() == pytest.approx(total / 4, abs=1e-12)


def test_the_two_ways_of_weighting_are_equal_for_hard_labels():
    logits = torch.randn(7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    truth, w = torch.from_numpy(HARD), [0.2, 0.3, 2.5]
    first, second = (cross_entropy(logits, truth, w, name) for name in ("balanced", "balanced-clips"))
    assert first.item() == pytest.approx(second.item(), abs=1e-12)


def test_missing_ratings_do_not_count():
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    ratings = torch.tensor([[0.0, float("nan")], [float("nan"), 2.0]])
    assert mse_loss(outputs, ratings).item() == pytest.approx((1 + 4) / 2)
    assert mse_loss(outputs, torch.full((2, 2), float("nan"))).item() == 0


def test_a_joint_loss_is_the_weighted_sum_of_its_parts():
    rng = np.random.default_rng(0)
    outputs = torch.from_numpy(rng.standard_normal((6, 5)))
    ratings, shares = torch.from_numpy(rng.random((6, 2))), torch.from_numpy(np.eye(3)[rng.integers(0, 3, 6)])
    settings = {"weights": [1.0] * 3, "weighting": "none", "class_share": 0.25}
    found = joint_loss(outputs, (ratings, shares), loss="ccc", **settings)
    wanted = 1 - np.mean([ccc(ratings[:, i], outputs[:, i]) for i in range(2)])
    assert found["ccc"].item() == pytest.approx(wanted, abs=1e-6)  # 1e-8 in the divisor of the loss
    total = 0.75 * found["ccc"] + 0.25 * found["cross_entropy"]
    assert found["loss"].item() == pytest.approx(total.item(), abs=1e-12)
    alone = joint_loss(outputs[:, :2], (ratings, shares[:, :0]), loss="mse", **settings)
    assert alone["loss"].item() == pytest.approx(((outputs[:, :2] - ratings) ** 2).mean().item(), abs=1e-12)
