"""The method head: frames of any model by the engine, mean of top layers, sentiment from valence."""

import numpy as np
import pandas as pd
import pytest

from sertools.corpora.load import load_corpus
from sertools.errors import CorpusError, ModelError
from sertools.models.load import load_model
from sertools.training.recipe import recipe_of
from sertools.training.train import train_recipe
from tests.helpers.tones import recipe_table, write_tones


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """Tones with valence: low for anger, high for neutral, and one clip in the middle."""
    manifest = write_tones(tmp_path_factory.mktemp("tones"))
    table = pd.read_csv(manifest)
    table["valence"] = np.where(table["emotion"] == "anger", 0.2, 0.7)
    table.loc[0, "valence"] = 0.5
    table.to_csv(manifest, index=False)
    return manifest


def table_of(tones, **changes):
    plain = recipe_table(tones, method="head", epochs=20, batch=4, learning_rate=0.03, hidden=8)
    return {key: value for key, value in {**plain, **changes}.items() if key != "freeze"}


def test_the_mean_of_the_top_layers_is_read_frame_by_frame(tones, tmp_path):
    said = []
    recipe = recipe_of(table_of(tones, target="sentiment", options={"layers": 2}))
    spec = train_recipe(recipe, tmp_path / "model", warn=said.append)
    left_out = "1 clip whose valence is unknown or in the middle of its scale is left out"
    assert any(left_out in sentence for sentence in said), said
    model, corpus = load_model(spec), load_corpus(str(tones))
    assert model.labels == ("negative", "positive")
    dev = corpus.clips[corpus.clips["speaker"] == "c"]
    signals = [corpus.signal(clip, 16000) for clip in dev.index]
    scores = model.predict(signals).scores
    assert (scores.argmax(axis=1) == (dev["valence"] > 0.5)).all()
    weights = {key: value.numpy() for key, value in model.weights.items()}
    for signal, score in zip(signals, scores, strict=True):
        states = model.upstream.predict_frames([signal])[1][0].states
        hidden = np.zeros(8)
        for t in range(len(states[-1])):
            frame = (states[-1][t] + states[-2][t]) / 2
            hidden += np.maximum(weights["projector.weight"] @ frame + weights["projector.bias"], 0)
        logits = weights["classifier.weight"] @ (hidden / len(states[-1])) + weights["classifier.bias"]
        np.testing.assert_allclose(score, np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


def test_more_layers_than_there_are_is_an_error(tones, tmp_path):
    with pytest.raises(ModelError, match="the mean of 5 layers cannot be read: the model has 3 layers"):
        train_recipe(recipe_of(table_of(tones, options={"layers": 5})), tmp_path / "model")


def test_sentiment_needs_valence(tones, tmp_path):
    table = pd.read_csv(tones).drop(columns="valence")
    table["file"] = [str(tones.parent / name) for name in table["file"]]
    table.to_csv(tmp_path / "plain.csv", index=False)
    with pytest.raises(CorpusError, match="no clip has a rating of valence"):
        train_recipe(recipe_of(table_of(tmp_path / "plain.csv", target="sentiment")), tmp_path / "model")
