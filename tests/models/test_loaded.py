"""Ratings that a model predicts in another scale are mapped to [0, 1], for every kind of model."""

import math

import numpy as np
import pandas as pd
import pytest

from sertools.errors import ModelError
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import DIMENSIONS, speech, write_audeering_checkpoint, write_checkpoint

CLIPS = pd.DataFrame({"file": ["a.wav", "b.wav"]}, index=pd.Index(["c1", "c2"], name="clip"))
ALL = LoadOptions(model_scale={"*": (1.0, 7.0)})


def function(folder):
    answer = {"arousal": 7.0, "valence": 4.0, "anger": 0.5}
    (folder / "mine.py").write_text(f"def f(signals, rate):\n    return [{answer} for s in signals]\n")
    return f"py:{folder / 'mine.py'}:f"


def test_ratings_of_a_checkpoint_are_mapped_and_stored_apart(tmp_path):
    folder, _, _ = write_audeering_checkpoint(tmp_path)
    signals = speech([8000, 5000])
    plain, scaled = load_model(str(folder)), load_model(str(folder), ALL)
    expected = (plain.predict(signals).scores - 1) / 6
    np.testing.assert_allclose(scaled.predict(signals).scores, expected, atol=1e-7)
    np.testing.assert_allclose(scaled.predict(signals, layers=True).scores, expected, atol=1e-5)
    assert scaled.fingerprint != plain.fingerprint
    assert scaled.with_precision("fp32").fingerprint != plain.with_precision("fp32").fingerprint
    np.testing.assert_allclose(scaled.with_precision("fp32").predict(signals).scores, expected, atol=1e-7)
    assert scaled.facts["scale"] == {name: [1.0, 7.0] for name in DIMENSIONS}
    assert scaled.random_twin(0).predict(signals, layers=True).scores.shape == (2, 0)


def test_one_dimension_may_have_a_scale_of_its_own_and_classes_have_none(tmp_path):
    scale = {"*": (1.0, 7.0), "Pleasure": (0.0, 8.0)}
    model = load_model(function(tmp_path), LoadOptions(model_scale=scale))
    np.testing.assert_allclose(model.predict(speech([4000])).scores, [[1.0, 0.5, 0.5]])
    assert model.facts["scale"] == {"arousal": [1.0, 7.0], "valence": [0.0, 8.0]}


def test_tables_of_predictions_are_mapped_and_gaps_stay_gaps(tmp_path):
    (tmp_path / "p.csv").write_text("clip,arousal,anger\nc1,5.5,0.25\nc2,,0.5\n")
    scores = load_model(f"predictions:{tmp_path / 'p.csv'}", ALL).scores(CLIPS)
    assert scores.loc["c1"].tolist() == [0.75, 0.25]
    assert math.isnan(scores.loc["c2", "arousal"])
    assert scores.loc["c2", "anger"] == 0.5


def test_a_scale_without_a_rating_to_map_is_refused(tmp_path):
    with pytest.raises(ModelError, match="--model-scale is about ratings, but .* predicts angry, happy"):
        load_model(str(write_checkpoint(tmp_path / "a")), ALL)
    folder, _, _ = write_audeering_checkpoint(tmp_path / "b")
    with pytest.raises(
        ModelError, match="--model-scale is about tension, but .* predicts arousal, dominance"
    ):
        load_model(str(folder), LoadOptions(model_scale={"tension": (1.0, 7.0)}))
    with pytest.raises(ModelError, match="--model-scale is not supported by toy: models"):
        load_model("toy:oracle", ALL)
