"""Heads trained by gradient descent find what is there, in the layer where it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sertools.errors import AuditError
from sertools.metrics.classification import accuracy
from sertools.metrics.regression import ccc
from sertools.probing import heads
from sertools.probing.heads import HEAD_SHAPES, train_head

KINDS = list(HEAD_SHAPES)


def noise(n=400, layers=1, d=12, seed=0):
    return np.random.default_rng(seed).normal(2, 3, (n, layers, d)).astype(np.float32)


def rng():
    return np.random.default_rng(5)


def quick(kind):
    return replace(HEAD_SHAPES[kind], learning_rate=1e-2)


def validating(n=400):
    return np.arange(n) % 4 == 0


@pytest.mark.parametrize("kind", KINDS)
def test_classes_that_a_plane_divides_are_learnt(kind):
    layers = noise()
    truth = (layers[:, 0, :3].argmax(axis=1)).astype(np.int64)
    head = train_head(layers, truth, ~validating(), validating(), shape=quick(kind), classes=3, rng=rng())
    fresh = noise(seed=1)
    assert accuracy(fresh[:, 0, :3].argmax(axis=1), head.predict(fresh).argmax(axis=1)) > 0.85


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_learnt_in_their_own_unit(kind):
    layers = noise()
    head = train_head(
        layers,
        150 + 20 * layers[:, 0, 0],
        ~validating(),
        validating(),
        shape=quick(kind),
        rng=rng(),
    )
    fresh = noise(seed=1)
    assert ccc(150 + 20 * fresh[:, 0, 0], head.predict(fresh)[:, 0]) > 0.9


def test_only_a_head_with_hidden_layers_learns_what_no_plane_divides():
    layers = noise(n=1200, d=2)
    truth = ((layers[:, 0] > 2).sum(axis=1) == 1).astype(np.int64)
    fresh = noise(n=1200, d=2, seed=1)
    wanted = ((fresh[:, 0] > 2).sum(axis=1) == 1).astype(np.int64)
    for kind, low, high in (("logistic", 0.3, 0.7), ("mlp", 0.85, 1), ("superb", 0.85, 1)):
        head = train_head(
            layers,
            truth,
            ~validating(1200),
            validating(1200),
            shape=quick(kind),
            classes=2,
            rng=rng(),
        )
        assert low < accuracy(wanted, head.predict(fresh).argmax(axis=1)) <= high, kind


def test_the_layer_that_knows_gets_the_weight():
    layers = noise(layers=5)
    truth = layers[:, 3, :3].argmax(axis=1)
    head = train_head(
        layers, truth, ~validating(), validating(), shape=quick("logistic"), classes=3, rng=rng()
    )
    assert head.layer_weights.argmax() == 3
    assert head.layer_weights[3] > 0.5
    assert head.layer_weights.sum() == pytest.approx(1)


def test_predictions_are_those_of_torch_layers_with_the_same_parameters():
    layers = noise(layers=3)
    head = train_head(
        layers,
        np.arange(400) % 4,
        ~validating(),
        validating(),
        shape=HEAD_SHAPES["mlp"],
        classes=4,
        rng=rng(),
    )
    modules = []
    for weight, bias in head.dense:
        linear = torch.nn.Linear(*weight.shape[::-1]).double()
        linear.weight.data, linear.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
        modules += [linear, torch.nn.ReLU()]
    mixed = np.tensordot((layers - head.mean) / head.scale, head.layer_weights, axes=([1], [0]))
    theirs = torch.nn.Sequential(*modules[:-1])(torch.from_numpy(mixed)).detach().numpy()
    assert head.predict(layers) == pytest.approx(theirs, abs=1e-9)
    assert [weight.shape for weight, _ in head.dense] == [(128, 12), (16, 128), (4, 16)]


def test_the_same_seed_gives_the_same_head_and_another_another():
    layers, truth = noise(), np.arange(400) % 3
    one, again = (
        train_head(layers, truth, ~validating(), validating(), shape=HEAD_SHAPES["mlp"], classes=3, rng=rng())
        for _ in range(2)
    )
    assert np.array_equal(one.predict(layers), again.predict(layers))
    other = train_head(
        layers,
        truth,
        ~validating(),
        validating(),
        shape=HEAD_SHAPES["mlp"],
        classes=3,
        rng=np.random.default_rng(6),
    )
    assert not np.array_equal(one.predict(layers), other.predict(layers))


def test_training_ends_when_the_validation_loss_no_longer_falls():
    head = train_head(
        noise(),
        rng().integers(2, size=400),
        ~validating(),
        validating(),
        shape=HEAD_SHAPES["mlp"],
        classes=2,
        rng=rng(),
    )
    assert head.epochs < HEAD_SHAPES["mlp"].epochs
    # noise cannot be told apart, so the loss of those who know nothing is the best there is
    assert head.loss == pytest.approx(np.log(2), abs=0.05)


def test_constant_features_give_finite_answers():
    layers = np.full((100, 2, 3), 0.1, dtype=np.float32)
    head = train_head(
        layers,
        np.arange(100) % 2,
        ~validating(100),
        validating(100),
        shape=HEAD_SHAPES["mlp"],
        classes=2,
        rng=rng(),
    )
    assert np.isfinite(head.predict(layers)).all()
    constant = train_head(
        layers, np.full(100, 4.0), ~validating(100), validating(100), shape=HEAD_SHAPES["logistic"], rng=rng()
    )
    assert constant.predict(layers)[:, 0] == pytest.approx(4, abs=0.5)


def test_a_lone_last_clip_joins_the_batch_before_it():
    assert [len(part) for part in heads._batches(np.arange(129), 64)] == [64, 65]
    assert [len(part) for part in heads._batches(np.arange(130), 64)] == [64, 64, 2]
    assert [len(part) for part in heads._batches(np.arange(1), 64)] == [1]


@pytest.mark.parametrize("validation", [np.ones(4, dtype=bool), np.zeros(4, dtype=bool)])
def test_training_needs_clips_on_both_sides(validation):
    with pytest.raises(AuditError, match="a head needs at least one"):
        train_head(
            noise(4),
            np.arange(4) % 2,
            ~validation,
            validation,
            shape=HEAD_SHAPES["mlp"],
            classes=2,
            rng=rng(),
        )
