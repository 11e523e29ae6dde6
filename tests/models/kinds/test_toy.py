"""Toy models have answers that are known before they are asked."""

import numpy as np
import pandas as pd
import pytest

from sertools.errors import ModelError
from sertools.labels import DIMENSIONS
from sertools.models.kinds.toy import EMOTIONS
from sertools.models.load import load_model
from sertools.models.model import hears, is_by_clip
from sertools.selftest import toy_corpus


@pytest.fixture(scope="module")
def clips():
    return toy_corpus.clips(speakers=10, per_speaker=50)


def test_the_oracle_answers_the_truth(clips):
    scores = load_model("toy:oracle").scores(clips)
    for dimension in DIMENSIONS:
        assert scores[dimension].tolist() == clips[dimension].tolist()
    assert scores[list(EMOTIONS)].idxmax(axis=1).tolist() == clips["emotion"].tolist()
    assert (scores[list(EMOTIONS)].sum(axis=1) == 1).all()


def test_the_oracle_says_nothing_where_nobody_rated(clips):
    scores = load_model("toy:oracle").scores(clips.drop(columns=["arousal", "emotion"]))
    assert scores["arousal"].isna().all()
    assert scores[list(EMOTIONS)].isna().all().all()
    strange = clips.assign(emotion="ennui")
    assert load_model("toy:oracle").scores(strange)[list(EMOTIONS)].isna().all().all()


def test_the_constant_is_one_answer_for_all(clips):
    scores = load_model("toy:constant").scores(clips)
    assert (scores.nunique() == 1).all()
    assert (scores[list(DIMENSIONS)] == 0.5).all().all()
    assert set(scores[list(EMOTIONS)].idxmax(axis=1)) == {"neutral"}


def test_the_random_model_is_a_clipped_gaussian_and_uniform_classes(clips):
    scores = load_model("toy:random").scores(clips)
    n = len(scores) * 3
    values = scores[list(DIMENSIONS)].to_numpy()
    # four standard errors of the mean and of the standard deviation
    assert abs(values.mean() - 0.5) < 4 * (1 / 6) / np.sqrt(n)
    assert abs(values.std() - 1 / 6) < 4 * (1 / 6) / np.sqrt(2 * n)
    assert values.min() >= 0
    assert values.max() <= 1
    assert np.allclose(scores[list(EMOTIONS)].sum(axis=1), 1, atol=1e-12)
    share = scores[list(EMOTIONS)].idxmax(axis=1).value_counts(normalize=True)
    assert (abs(share - 1 / 9) < 4 * np.sqrt(1 / 9 * 8 / 9 / len(scores))).all()


def test_random_answers_belong_to_the_clip_and_not_to_its_place(clips):
    model = load_model("toy:random")
    scores = model.scores(clips)
    shuffled = clips.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(model.scores(shuffled).loc[clips.index], scores, check_exact=True)


def test_loudness_is_the_level_in_decibels():
    model = load_model("toy:loudness")
    assert hears(model)
    levels = [-10, -19.5, -29, -48, -60]
    signals = [np.full(100, 10 ** (level / 20), np.float32) for level in levels]
    scores = model.predict(signals).scores
    assert scores.shape == (5, 3)
    # float32 samples
    assert scores[:, 0] == pytest.approx([1, 0.75, 0.5, 0, 0], abs=1e-6)
    assert (scores == scores[:, :1]).all()
    assert model.predict([np.zeros(10, np.float32)]).scores.tolist() == [[0.0, 0.0, 0.0]]


def test_layers_of_loudness_are_its_score():
    outputs = load_model("toy:loudness").predict([np.full(10, 0.1, np.float32)], layers=True)
    assert outputs.layers.shape == (1, 1, 1)
    assert outputs.layers[0, 0, 0] == outputs.scores[0, 0]


def test_toys_differ_in_name_and_fingerprint():
    models = [load_model(f"toy:{kind}") for kind in ("oracle", "constant", "random", "loudness")]
    assert len({model.fingerprint for model in models}) == 4
    assert [model.name for model in models][:2] == ["toy-oracle", "toy-constant"]
    assert all(is_by_clip(model) for model in models[:3])
    assert not is_by_clip(models[3])


def test_an_unknown_toy_is_offered_the_nearest():
    with pytest.raises(ModelError, match="no toy model 'randm'.*did you mean 'random'"):
        load_model("toy:randm")
