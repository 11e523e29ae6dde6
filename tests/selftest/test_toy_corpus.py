"""Toy models have known answers, and layers that know what they are said to know."""

import numpy as np
import pytest

from sertools.models.kinds.toy import EMOTIONS
from sertools.selftest import toy_corpus


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips()


def test_the_oracle_knows_everything_in_its_last_layer_and_nothing_in_its_first(clips):
    layers = toy_corpus.answers("oracle", clips).layers
    assert (layers.n_layers, layers.dimensions) == (4, 16)

    def right(i):
        named = np.array(EMOTIONS)[layers.layer(i)[:, : len(EMOTIONS)].argmax(axis=1)]
        return np.mean(named == clips["emotion"])

    assert right(3) > 0.99
    assert right(0) < 0.2
    assert np.corrcoef(layers.layer(3)[:, 9], clips["arousal"])[0, 1] > 0.7
    assert abs(np.corrcoef(layers.layer(0)[:, 9], clips["arousal"])[0, 1]) < 0.1


@pytest.mark.parametrize("kind", ["constant", "random"])
def test_layers_of_a_trivial_model_know_nothing(kind, clips):
    layers = toy_corpus.answers(kind, clips).layers
    for i in range(layers.n_layers):
        means = layers.layer(i)
        gaps = [means[clips["emotion"] == e].mean(axis=0) for e in clips["emotion"].unique()]
        # the mean of about 120 numbers of standard deviation .2 lies within .018 in two of three cases
        assert np.abs(gaps).max() < 5 * 0.2 / np.sqrt(100)


def test_a_clip_has_the_same_layers_wherever_it_stands(clips):
    order = np.random.default_rng(0).permutation(len(clips))
    there = toy_corpus.layers("oracle", clips).layer(2)
    assert np.array_equal(toy_corpus.layers("oracle", clips.iloc[order]).layer(2), there[order])


def test_clips_without_labels_have_layers_too(clips):
    assert np.isfinite(toy_corpus.layers("oracle", clips[["file"]]).layer(3)).all()
