"""Functions of the user that return layers, with or without scores."""

import numpy as np
import pytest

from sertools.errors import ModelError
from sertools.models.load import load_model

ENCODER = """
import numpy as np
def vectors(signals, rate):
    return np.stack([[[s.mean(), s.std()], [s.min(), s.max()], [len(s), 1.0]] for s in signals])
vectors.task = "encoder"
def both(signals, rate):
    return [{"arousal": float(s.std())} for s in signals]
both.layers = lambda signals, rate: np.stack([[s.std(), s.max()] for s in signals])
def wide(signals, rate):
    return np.ones((len(signals), 1, 1, 2))
wide.task = "encoder"
def batchwise(signals, rate):
    return np.arange(len(signals) * 2.0).reshape(-1, 2)
batchwise.task = "encoder"
def broken(signals, rate):
    return np.full((len(signals), 2), np.nan)
broken.task = "encoder"
"""


@pytest.fixture
def encoders(tmp_path):
    path = tmp_path / "encoders.py"
    path.write_text(ENCODER)
    return path


def test_an_encoder_returns_layers_and_no_scores(encoders):
    model = load_model(f"py:{encoders}:vectors")
    signals = [np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in (100, 300)]
    outputs = model.predict(signals, layers=True)
    assert (model.labels, model.task, outputs.scores.shape) == ((), "encoder", (2, 0))
    assert outputs.layers.shape == (2, 3, 2)
    assert outputs.layers[:, 2, 0].tolist() == [100, 300]
    np.testing.assert_allclose(outputs.layers[0, 1], [-0.5, 0.5])


def test_a_function_with_scores_may_have_layers_too(encoders):
    model, signals = load_model(f"py:{encoders}:both"), [np.ones(50, dtype=np.float32) * 0.5]
    outputs = model.predict(signals, layers=True)
    assert (model.labels, outputs.layers.shape) == (("arousal",), (1, 1, 2))
    np.testing.assert_allclose(outputs.layers[0, 0], [0, 0.5])
    assert model.predict(signals).layers is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wide", r"returns layers of shape \(\d, 1, 1, 2\)"),
        ("batchwise", "returns other layers when it is called again"),
        ("broken", "layers that are not finite"),
    ],
)
def test_layers_that_cannot_be_used_are_refused(encoders, name, said):
    with pytest.raises(ModelError, match=said):
        load_model(f"py:{encoders}:{name}")
