import numpy as np
import pytest

from sertools.errors import AudioError
from sertools.perturbations.registry import get

RATE = 16000
RNG = np.random.default_rng(0)


def gaussian(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@pytest.mark.parametrize("level_db", [-20.0, -2.0, -1.0, 1.0, 2.0, 40.0])
def test_gain_is_a_factor_and_never_clips(level_db):
    signal = gaussian(1000)
    louder = get("gain").apply(signal, RATE, level_db, RNG)
    # float32 holds seven digits
    np.testing.assert_allclose(louder, signal.astype(float) * 10 ** (level_db / 20), rtol=2e-7)
    assert level_db < 40 or np.abs(louder).max() > 1


def test_clip_worked_by_hand():
    signal = np.array([0.1, -0.9, 0.5, 0.8, -0.2, 0.3, 0.0, 0.6, -0.7, 0.4], np.float32)
    # 30 % of 10 samples is 3: the 4th largest magnitude, 0.6, is the threshold
    clipped = get("clip").apply(signal, RATE, 30.0, RNG)
    wanted = np.array([0.1, -0.6, 0.5, 0.6, -0.2, 0.3, 0.0, 0.6, -0.6, 0.4], np.float32)
    np.testing.assert_array_equal(clipped, wanted)


@pytest.mark.parametrize("level", [0.1, 0.2, 0.3, 1.0, 10.0])
@pytest.mark.parametrize("samples", [1000, 3000, 16000, 33333])
def test_clip_clips_exactly_this_share(level, samples):
    signal = gaussian(samples)
    clipped = get("clip").apply(signal, RATE, level, RNG)
    k = int(level * samples * 10) // 1000
    assert np.sum(clipped != signal) == k
    assert np.abs(clipped).max() == np.sort(np.abs(signal))[::-1][k]


def test_clip_of_everything_leaves_the_smallest_magnitude():
    signal = np.array([0.5, -0.25, 1.0, -0.75], np.float32)
    np.testing.assert_array_equal(get("clip").apply(signal, RATE, 100.0, RNG), [0.25, -0.25, 0.25, -0.25])


@pytest.mark.parametrize(
    ("signal", "reason"), [(gaussian(999), "is less than one"), (np.zeros(9999, "f"), "silence")]
)
def test_where_nothing_would_be_clipped_the_clip_is_refused(signal, reason):
    with pytest.raises(AudioError, match=reason):
        get("clip").apply(signal, RATE, 0.1, RNG)


def test_dc_offset_moves_the_mean_by_percent_of_full_scale():
    signal = gaussian(1000)
    moved = get("dc_offset").apply(signal, RATE, 3.0, RNG)
    # half a unit in the last place of float32 numbers below 1
    np.testing.assert_allclose(moved - signal.astype(float), 0.03, atol=3e-8)


def test_polarity_twice_is_the_signal():
    signal = gaussian(1000)
    polarity = get("polarity")
    turned = polarity.apply(signal, RATE, 1.0, RNG)
    np.testing.assert_array_equal(turned, -signal)
    np.testing.assert_array_equal(polarity.apply(turned, RATE, 1.0, RNG), signal)


def test_bit_depth_worked_by_hand():
    signal = np.array([0.1, 0.13, -0.4, 0.99, -1.0, -3.0], np.float32)
    # 3 bits are steps of a quarter, from -1 to 0.75
    np.testing.assert_array_equal(
        get("bit_depth").apply(signal, RATE, 3.0, RNG), [0.0, 0.25, -0.5, 0.75, -1.0, -1.0]
    )


@pytest.mark.parametrize("bits", [4, 6, 8, 10, 12, 14])
def test_bit_depth_has_the_noise_of_uniform_quantisation(bits):
    signal = np.random.default_rng(1).uniform(-0.9, 0.9, 100000).astype(np.float32)
    error = get("bit_depth").apply(signal, RATE, float(bits), RNG) - signal.astype(float)
    step = 2.0 ** (1 - bits)
    measured_db = 10 * np.log10(np.mean(error**2) / (step**2 / 12))
    # step² / 12 (Bennett 1948); the mean of 100000 squares of a uniform variable is good to 0.02 dB
    assert abs(measured_db) < 0.1
