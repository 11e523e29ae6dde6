"""A windowed model against windows that are cut and pooled by hand."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import sertools
from sertools.audio.files import write_audio
from sertools.cli.app import app
from sertools.errors import ModelError
from sertools.models.derived.windowed import WINDOWS_AT_ONCE, Window, windowed
from sertools.models.load import LoadOptions, load_model
from sertools.models.model import Outputs, is_framed, random_twin
from tests.helpers.checkpoints import speech, write_checkpoint

RATE = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def network(folder):
    return load_model(str(folder))


def by_hand(network, signal, length, hop):
    """Scores of the windows (w, c), their layers (w, l, d), and their lengths (w,), in samples."""
    pieces, start = [], 0
    while True:
        pieces.append(signal[start : start + length])
        if start + length >= len(signal):
            break
        start += hop
    outputs = [network.predict([piece], layers=True) for piece in pieces]
    scores, layers = (np.concatenate([getattr(o, name) for o in outputs]) for name in ("scores", "layers"))
    return scores, layers, np.array([len(piece) for piece in pieces])


@pytest.mark.parametrize("samples", [2 * RATE, 2 * RATE + 4000, 7 * RATE + 123, 40 * RATE])
def test_the_mean_is_weighted_by_the_length_of_the_windows(network, samples):
    (signal,) = speech([samples])
    model = windowed(network, Window(length_s=2, hop_s=1))
    scores, layers, lengths = by_hand(network, signal, 2 * RATE, RATE)
    found = model.predict([signal], layers=True)
    np.testing.assert_allclose(found.scores[0], np.average(scores, axis=0, weights=lengths), atol=1e-6)
    np.testing.assert_allclose(found.layers[0], np.average(layers, axis=0, weights=lengths), atol=1e-5)
    np.testing.assert_allclose(found.scores.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("pooling", ["median", "max"])
def test_median_and_maximum_of_probabilities_sum_to_one(network, pooling):
    (signal,) = speech([5 * RATE])
    scores, _, _ = by_hand(network, signal, RATE, RATE)
    expected = getattr(np, pooling)(scores, axis=0)
    found = windowed(network, Window(length_s=1, hop_s=1, pooling=pooling)).predict([signal]).scores[0]
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-6)


def test_clips_that_are_not_longer_than_a_window_are_predicted_whole(network):
    signals = speech([RATE, 2 * RATE, 500])
    model = windowed(network, Window(length_s=2, hop_s=1))
    alone = np.concatenate([network.predict([signal]).scores for signal in signals])
    assert np.array_equal(model.predict(signals).scores, alone)


def test_windows_cover_the_clip_and_no_end_is_too_short_for_the_model(network):
    model = windowed(network, Window(length_s=2, hop_s=2))
    assert list(model.windows(5 * RATE)) == [(0, 2 * RATE), (2 * RATE, 4 * RATE), (4 * RATE, 5 * RATE)]
    assert list(model.windows(4 * RATE + network.shortest - 1))[-1] == (2 * RATE, 4 * RATE)
    assert list(model.windows(4 * RATE + network.shortest))[-1] == (4 * RATE, 4 * RATE + network.shortest)
    assert list(model.windows(100)) == [(0, 100)]


def test_no_forward_pass_is_longer_than_a_window_or_has_many_of_them(network):
    seen = []

    class Watched:
        name, labels, task, sampling_rate = "w", ("arousal",), "regression", RATE
        shortest, fingerprint, facts = 400, "f", {}

        def predict(self, signals, *, layers=False):
            seen.append([len(signal) for signal in signals])
            return Outputs(scores=np.array([[len(signal)] for signal in signals], dtype=float))

    model = windowed(Watched(), Window(length_s=1, hop_s=0.5))
    model.predict([np.zeros(100 * RATE, dtype=np.float32)])
    assert max(map(len, seen)) == WINDOWS_AT_ONCE
    assert max(length for batch in seen for length in batch) == RATE
    assert sum(map(len, seen)) == 199


def test_what_decides_the_numbers_is_in_fingerprint_and_facts(network):
    models = [
        network,
        windowed(network, Window(length_s=2, hop_s=1)),
        windowed(network, Window(length_s=2, hop_s=2)),
        windowed(network, Window(length_s=2, hop_s=1, pooling="max")),
    ]
    assert len({model.fingerprint for model in models}) == 4
    assert models[1].facts["window"] == "mean of windows of 2 s every 1 s"


def test_number_formats_and_random_twins_are_windowed_too(folder):
    model = load_model(str(folder), LoadOptions(precision="auto", window=Window(length_s=2, hop_s=1)))
    assert model.with_precision("fp32").window == model.window
    twin = random_twin(model, 0)
    assert twin.window == model.window
    assert twin.predict(speech([5 * RATE]), layers=True).layers.shape == (1, 3, 32)
    assert not (is_framed(model) and model.has_frames)


def test_a_model_of_limited_length_hears_long_clips_in_windows(tmp_path):
    network = load_model(str(write_checkpoint(tmp_path, "whisper")))
    assert network.longest == 30 * RATE
    model = windowed(network, Window(length_s=30, hop_s=15))
    assert getattr(model, "longest", None) is None
    assert model.predict(speech([31 * RATE])).scores.shape == (1, 4)
    with pytest.raises(ModelError, match="takes at most 30 s"):
        windowed(network, Window(length_s=31, hop_s=15))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"length_s": 0, "hop_s": 1}, "--window 0 is not a positive number"),
        ({"length_s": 1, "hop_s": -1}, "--hop -1 is not a positive number"),
        ({"length_s": float("nan"), "hop_s": 1}, "--window nan is not a positive number"),
        ({"length_s": float("inf"), "hop_s": 1}, "--window inf is not a positive number"),
        ({"length_s": 1, "hop_s": 2}, "parts of clips would be left out"),
        ({"length_s": 1, "hop_s": 1, "pooling": "mode"}, "is not one of mean, median, max"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(ModelError, match=said):
        Window(**settings)


def test_what_hears_nothing_or_needs_more_is_refused(network):
    with pytest.raises(ModelError, match="does not take audio"):
        load_model("toy:oracle", LoadOptions(window=Window(length_s=2, hop_s=1)))
    with pytest.raises(ModelError, match="takes at least"):
        windowed(network, Window(length_s=0.01, hop_s=0.01))


def test_the_command_line_cuts_long_clips(tmp_path, folder):
    write_audio(tmp_path / "a.wav", np.concatenate(speech([3 * RATE] * 4)), RATE)
    (tmp_path / "clips.csv").write_text("file\na.wav\n")
    words = [
        "predict",
        "--model",
        folder,
        "--data",
        tmp_path / "clips.csv",
        "--cache",
        tmp_path / "s",
        "--quiet",
    ]
    words += ["--precision", "fp32", "--csv", tmp_path / "p.csv"]
    planned = ["plan", "correctness", *words[1:7], "--precision", "fp32", "--window", "4", "--hop", "3"]
    plan = CliRunner().invoke(app, list(map(str, planned)))
    assert "each the mean of windows of 4 s every 3 s" in plan.output
    done = CliRunner().invoke(app, [str(word) for word in [*words, "--window", "4"]])
    assert done.exit_code == 0, done.output
    model = load_model(str(folder), LoadOptions(window=Window(length_s=4, hop_s=2), precision="fp32"))
    expected = sertools.predict(
        model, tmp_path / "clips.csv", settings=sertools.Settings(cache=tmp_path / "other")
    )
    found = pd.read_csv(tmp_path / "p.csv", index_col="clip")[list(model.labels)]
    np.testing.assert_allclose(found, expected[list(model.labels)], atol=1e-6)
    refused = CliRunner().invoke(app, [str(word) for word in [*words, "--hop", "2"]])
    assert refused.exit_code == 2
    assert "only apply with --window" in refused.output
