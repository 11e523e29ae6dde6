import numpy as np
import pytest

from sertools.errors import AudioError
from sertools.perturbations.registry import get
from tests.helpers.sounds import speechlike

RATE = 16000


def test_phone_keeps_the_rms():
    signal = speechlike()
    for level in get("low_quality_phone").levels:
        changed = get("low_quality_phone").apply(signal, RATE, level, np.random.default_rng(0))
        assert np.mean(changed.astype(float) ** 2) == pytest.approx(
            np.mean(signal.astype(float) ** 2), rel=1e-5
        )


def test_noise_fills_the_empty_band_and_rises_by_ten_decibel_with_ten():
    signal = speechlike()
    power = []
    for level in (35.0, 25.0, 15.0):
        changed = get("low_quality_phone").apply(signal, RATE, level, np.random.default_rng(0))
        power.append(np.sum(np.abs(np.fft.rfft(changed)[2 * 4500 :]) ** 2) / np.sum(changed**2.0))
    # the noise also counts a little in the RMS that is kept, and the codec leaks a little
    np.testing.assert_allclose(np.diff(10 * np.log10(power)), 10, atol=0.3)


def test_speech_is_confined_to_the_band_of_the_telephone():
    time_s = np.arange(2 * RATE) / RATE
    inside, below = (np.sin(2 * np.pi * f * time_s).astype(np.float32) / 4 for f in (1000, 60))
    changed = get("low_quality_phone").apply(inside + below, RATE, 60.0, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed))))
    assert spectrum[2000] > 100 * spectrum[120]


def test_digital_silence_is_no_telephone_call():
    with pytest.raises(AudioError, match="digital silence"):
        get("low_quality_phone").apply(np.zeros(999, np.float32), RATE, 25.0, np.random.default_rng(0))
