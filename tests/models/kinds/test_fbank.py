"""Filter banks equal those of Kaldi: a second computation from its description, and torchaudio's."""

import numpy as np
import pytest

from sertools.errors import ModelError
from sertools.models.kinds import fbank
from sertools.models.load import LoadOptions, load_model
from tests.helpers.checkpoints import speech


def naive(signal: np.ndarray) -> np.ndarray:
    """Log-mel energies frame by frame, bin by bin, from Kaldi's description of its filter banks."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    mel = 1127 * np.log(1 + np.arange(257) * 16000 / 512 / 700)
    low, high = 1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700)
    rows = []
    for start in range(0, len(signal) - 399, 160):
        frame = signal[start : start + 400].astype(float)
        frame = frame - frame.mean()
        frame = frame - 0.97 * np.concatenate([frame[:1], frame[:-1]])
        power = np.abs(np.fft.rfft(frame * window, 512)) ** 2
        row = []
        for band in range(80):
            left, centre, right = (low + (high - low) * (band + i) / 81 for i in range(3))
            weight = np.minimum((mel - left) / (centre - left), (right - mel) / (right - centre))
            row.append(np.log(max(power[:256] @ np.maximum(weight[:256], 0), 1.1920929e-7)))
        rows.append(row)
    return np.array(rows)


def regression(values: np.ndarray) -> np.ndarray:
    """The slope of a line through five frames, fitted frame by frame."""
    padded = np.concatenate([values[:1], values[:1], values, values[-1:], values[-1:]])
    slopes = [np.polyfit([-2, -1, 0, 1, 2], padded[t : t + 5], 1)[0] for t in range(len(values))]
    return np.array(slopes)


def test_the_frames_equal_a_second_computation():
    signal = speech([6000])[0]
    bands = naive(signal)
    expected = np.concatenate([bands, regression(bands), regression(regression(bands))], axis=1)
    found = load_model("fbank:no-cmvn").frames(signal)
    assert found.shape == (1 + (6000 - 400) // 160, 240)
    np.testing.assert_allclose(found, expected, atol=2e-4)  # float32 of values up to 20
    scaled = (expected - expected.mean(axis=0)) / expected.std(axis=0, ddof=1)
    np.testing.assert_allclose(load_model("fbank").frames(signal), scaled, atol=1e-3)


def test_frames_equal_those_of_torchaudio():
    kaldi = pytest.importorskip("torchaudio.compliance.kaldi", reason="torchaudio is not installed")
    import torch

    signal = speech([8000])[0]
    expected = kaldi.fbank(torch.from_numpy(signal)[None], num_mel_bins=80, sample_frequency=16000).numpy()
    np.testing.assert_allclose(load_model("fbank:no-cmvn").frames(signal)[:, :80], expected, atol=1e-3)


def test_it_is_an_encoder_with_one_layer_and_frames():
    model = load_model("fbank:no-cmvn")
    assert (model.labels, model.task, model.facts["parameters"]) == ((), "encoder", 0)
    signals = speech([8000, fbank.WINDOW + fbank.HOP])
    outputs, frames = model.predict_frames(signals)
    assert outputs.scores.shape == (2, 0)
    assert outputs.layers.shape == (2, 1, 240)
    np.testing.assert_allclose(outputs.layers[0, 0], frames[0].states[0].mean(axis=0), atol=1e-5)
    assert frames[0].grids == [(0.0125, 0.01, 48)]
    np.testing.assert_array_equal(model.predict(signals[::-1], layers=True).layers[::-1], outputs.layers)


def test_normalised_means_are_exactly_zero_and_the_note_says_so():
    model = load_model("fbank")
    assert not model.predict(speech([8000, 9000]), layers=True).layers.any()
    assert "find nothing" in model.facts["notes"][0]


@pytest.mark.parametrize(
    ("spec", "said"), [("fbank:cmvn", "no filter banks 'cmvn'"), ("fbank:", "nothing after fbank:")]
)
def test_other_names_are_refused(spec, said):
    with pytest.raises(ModelError, match=said):
        load_model(spec)


def test_options_of_other_kinds_are_refused():
    with pytest.raises(ModelError, match="--labels is not supported by fbank: models"):
        load_model("fbank", LoadOptions(labels=("anger",)))
