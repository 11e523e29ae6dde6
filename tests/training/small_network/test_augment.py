import numpy as np
import pytest

from sertools.errors import ModelError
from sertools.training.small_network.augment import augmented
from sertools.training.small_network.recipe import Augmentation

RATE_HZ = 16_000
STILL = Augmentation(speed=0, tempo=0, tilt=0, noise_db=None, mask_s=0, crop_s=0)


def loudest_hz(signal):
    """The frequency of the largest bin of the spectrum of a signal at RATE_HZ."""
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    return spectrum.argmax() * RATE_HZ / len(signal)


def test_no_augmentation_is_the_same_signal():
    signal = np.random.default_rng(1).standard_normal(5000).astype(np.float32)
    np.testing.assert_array_equal(augmented(signal, RATE_HZ, STILL, rng=np.random.default_rng(0)), signal)


def test_augmentation_leaves_its_input_alone_and_is_drawn_from_its_generator():
    signal = np.random.default_rng(1).standard_normal(20000).astype(np.float32)
    before = signal.copy()
    first, again, other = (
        augmented(signal, RATE_HZ, Augmentation(), rng=np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(signal, before)
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(5))
def test_speed_changes_the_length_within_its_factor(seed):
    how = STILL.model_copy(update={"speed": 0.25})
    samples = len(augmented(np.ones(10000), RATE_HZ, how, rng=np.random.default_rng(seed)))
    assert 10000 / 1.25 - 1 <= samples <= 10000 * 1.25
    assert samples != 10000


def test_noise_has_the_signal_to_noise_ratio_that_is_asked_for():
    signal = np.sin(np.arange(100_000))
    how = STILL.model_copy(update={"noise_db": (20.0, 20.0)})
    noise = augmented(signal, RATE_HZ, how, rng=np.random.default_rng(0)) - signal
    # 0.1 dB: the spread of the power of 1e5 gaussian samples is 0.02 dB
    assert 10 * np.log10(np.mean(signal**2) / np.mean(noise**2)) == pytest.approx(20, abs=0.1)


def test_a_crop_is_a_piece_of_the_signal():
    signal = np.arange(10000.0)
    piece = augmented(signal, RATE_HZ, STILL.model_copy(update={"crop_s": 0.1}), rng=np.random.default_rng(0))
    np.testing.assert_array_equal(piece, np.arange(piece[0], piece[0] + 1600))


def test_masks_silence_at_most_two_spans():
    masked = augmented(
        np.ones(16000), RATE_HZ, STILL.model_copy(update={"mask_s": 0.2}), rng=np.random.default_rng(0)
    )
    assert 0 < (masked == 0).sum() <= 6400
    assert np.abs(np.diff(masked)).sum() <= 4


def test_tilt_is_a_first_order_difference():
    impulse = np.zeros(10)
    impulse[3] = 1
    tilted = augmented(impulse, RATE_HZ, STILL.model_copy(update={"tilt": 0.5}), rng=np.random.default_rng(0))
    assert tilted[3] == 1
    assert 0 < abs(tilted[4]) <= 0.5
    assert np.count_nonzero(tilted) == 2


@pytest.mark.parametrize("seed", range(5))
def test_tempo_changes_the_length_within_its_factor_and_keeps_the_pitch(seed):
    pytest.importorskip("audiomentations", reason="the tempo is changed by audiomentations, an extra")
    tone = np.sin(2 * np.pi * 440 * np.arange(32_000) / RATE_HZ)
    how = STILL.model_copy(update={"tempo": 0.5})
    changed = augmented(tone, RATE_HZ, how, rng=np.random.default_rng(seed))
    assert 32_000 / 1.5 - 1 <= len(changed) <= 32_000 * 1.5 + 1
    assert abs(len(changed) - 32_000) > 100
    # a bin of the shortest spectrum is 0.75 Hz wide; the stretcher blurs a tone by less than 5 Hz
    assert loudest_hz(changed) == pytest.approx(440, abs=5)


def test_speed_moves_the_pitch_by_as_much_as_the_length():
    tone = np.sin(2 * np.pi * 440 * np.arange(32_000) / RATE_HZ)
    how = STILL.model_copy(update={"speed": 0.5})
    changed = augmented(tone, RATE_HZ, how, rng=np.random.default_rng(0))
    # a bin of the spectrum is less than 1 Hz wide
    assert loudest_hz(changed) == pytest.approx(440 * 32_000 / len(changed), abs=1)
    assert abs(loudest_hz(changed) - 440) > 20


def test_tempo_without_its_package_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    how = STILL.model_copy(update={"tempo": 0.2})
    with pytest.raises(ModelError, match="changes the tempo: tempo_.* needs the package audiomentations"):
        augmented(np.ones(16_000), RATE_HZ, how, rng=np.random.default_rng(0))
