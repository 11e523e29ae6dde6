"""Attacks: the best change of a linear model in closed form, bounds of every change, and true gradients."""

import numpy as np
import pytest
import torch

from sertools.errors import AudioError, ModelError
from sertools.models.derived.attacked import attacked_model
from sertools.models.derived.attacks import METHODS, attacked, has_gradient
from sertools.models.kinds.toy import LoudnessModel
from sertools.models.load import load_model
from tests.helpers.checkpoints import write_checkpoint

N = 400
SNR = 30.0


class Linear:
    """Logits are products of the samples with fixed weights."""

    name, sampling_rate, shortest, device, fingerprint, facts = "linear", 16000, 1, "cpu", "0", {}

    def __init__(self, weights, labels, task):
        self.weights = torch.tensor(weights, dtype=torch.float32)
        self.labels, self.task = labels, task

    def logits(self, signal):
        return self.weights @ signal

    def predict(self, signals, *, layers=False):
        raise AssertionError("attacks read logits alone")


@pytest.fixture
def signal():
    return np.random.default_rng(0).normal(0, 0.1, N).astype(np.float32)


def weights(rows):
    return np.random.default_rng(1).normal(size=(rows, N))


def change(model, signal, method, snr_db=SNR):
    return attacked(model, signal, method, snr_db, np.random.default_rng(2)).astype(float) - signal


def size_of(signal):
    return np.sqrt(np.mean(signal.astype(float) ** 2)) * 10 ** (-SNR / 20)


def test_the_change_of_a_linear_model_is_the_best_one(signal):
    w = weights(2)
    model = Linear(w, ("anger", "neutral"), "single_label")
    own = int((w @ signal).argmax())
    towards = w[1 - own] - w[own]
    for method in ("fgsm", "pgd"):
        np.testing.assert_allclose(
            change(model, signal, method), size_of(signal) * np.sign(towards), atol=1e-7
        )  # samples are float32
    best = size_of(signal) * np.sqrt(N) * np.linalg.norm(towards)
    assert change(model, signal, "pgd_l2") @ towards > 0.97 * best


@pytest.mark.parametrize("bias", [0.5, -0.5])
def test_ratings_are_moved_towards_the_farther_end(signal, bias):
    w = weights(1)
    w = w + (0.5 + bias - w @ signal) * signal / (signal @ signal)  # the clean answer is .5 + bias
    moved = w[0] @ change(Linear(w, ("arousal",), "regression"), signal, "fgsm")
    assert np.sign(moved) == -np.sign(bias)
    assert abs(moved) == pytest.approx(size_of(signal) * np.abs(w).sum(), rel=1e-5)  # float32


@pytest.mark.parametrize("method", METHODS)
def test_no_change_is_larger_than_stated(signal, method):
    w = weights(3)
    model = Linear(w, ("arousal", "anger", "neutral"), "joint")
    found = change(model, signal, method)
    ratio = 10 * np.log10((signal.astype(float) ** 2).sum() / (found**2).sum())
    assert ratio >= SNR - 1e-3  # float32
    if method != "pgd_l2":
        assert np.abs(found).max() <= size_of(signal) * (1 + 1e-4)
    if method == "random_signs":
        np.testing.assert_allclose(np.abs(found), size_of(signal), rtol=1e-3)  # float32
    with pytest.raises(AudioError, match="digital silence"):
        attacked(model, np.zeros(N, np.float32), method, SNR, np.random.default_rng(0))


def test_a_draw_decides_the_change(signal):
    model = Linear(weights(2), ("anger", "neutral"), "multi_label")
    first, again = (attacked(model, signal, "random_signs", SNR, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return load_model(str(write_checkpoint(tmp_path_factory.mktemp("checkpoint"))))


def test_the_gradient_of_a_checkpoint_is_that_of_its_predictions(checkpoint):
    rng = np.random.default_rng(3)
    signal = rng.normal(0, 0.1, 4000).astype(np.float32)
    given = torch.from_numpy(signal).requires_grad_(True)
    logits = checkpoint.logits(given)
    np.testing.assert_allclose(
        logits.softmax(0).detach().numpy(), checkpoint.predict([signal]).scores[0], atol=1e-5
    )
    (slope,) = torch.autograd.grad(logits[0], given)
    along = slope.numpy() / np.linalg.norm(slope.numpy())
    step = 0.02
    ends = [float(checkpoint.logits(torch.from_numpy(signal + s * along))[0].detach()) for s in (step, -step)]
    # a central difference in float32
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(np.linalg.norm(slope)), rel=0.02)


def test_pgd_changes_what_random_signs_do_not(checkpoint):
    signal = np.random.default_rng(4).normal(0, 0.1, 4000).astype(np.float32)
    own = checkpoint.predict([signal]).scores[0]
    moved = {
        method: own[own.argmax()]
        - checkpoint.predict([attacked(checkpoint, signal, method, 20, np.random.default_rng(0))]).scores[0][
            own.argmax()
        ]
        for method in METHODS
    }
    assert moved["pgd"] >= moved["fgsm"] > 3 * abs(moved["random_signs"])
    assert moved["pgd_l2"] > 3 * abs(moved["random_signs"])


def test_models_without_a_gradient_need_another_one(checkpoint, tmp_path):
    assert has_gradient(checkpoint)
    assert not has_gradient(LoudnessModel())
    whisper = load_model(str(write_checkpoint(tmp_path, "whisper", window_s=2)))
    assert not has_gradient(whisper), "its spectrogram is made outside of the network"
    with pytest.raises(ModelError, match="toy-loudness has no gradient"):
        attacked_model(LoudnessModel(), None)
    made = attacked_model(LoudnessModel(), checkpoint)
    assert made.attacker is not checkpoint
    assert made.fingerprint != attacked_model(checkpoint, None).fingerprint
    checkpoint_8k = LoudnessModel(sampling_rate=8000)
    with pytest.raises(ModelError, match="takes 16000 Hz, but toy-loudness 8000 Hz"):
        attacked_model(checkpoint_8k, checkpoint)
