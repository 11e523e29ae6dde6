"""How a clip was recorded is read off the samples, checked on signals made for it."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from scipy.signal import lfilter

from sertools.audio.files import read_audio
from sertools.audio.recording import (
    Recording,
    bandwidth_hz,
    clipped_share,
    recording,
    residual_skewness,
    silent_share,
)
from sertools.errors import AudioError

NOISE = np.random.default_rng(0).normal(0, 0.1, 16000)


def described(path: Path, samples: np.ndarray, rate: int = 16000) -> Recording:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return recording(path, read_audio(path, rate), rate)


def test_plain_noise_has_nothing_unusual(tmp_path: Path) -> None:
    found = described(tmp_path / "a.wav", NOISE)
    assert (found.rate, found.channels, found.opposed) == (16000, 1, False)
    assert (found.clipped, found.silence) == (0, 0)
    assert found.bandwidth_hz == 8000
    assert abs(found.offset) < 0.05


def test_speech_that_was_stored_at_8_khz_keeps_its_bandwidth() -> None:
    upsampled = soxr.resample(soxr.resample(NOISE, 16000, 8000, "VHQ"), 8000, 16000, "VHQ")
    assert 3600 < bandwidth_hz(upsampled, 16000) < 4200


def test_bandwidth_of_a_short_clip_is_unknown() -> None:
    assert np.isnan(bandwidth_hz(NOISE[:100], 16000))
    assert np.isnan(bandwidth_hz(np.zeros(2000), 16000))


def test_clipping_is_the_share_of_samples_in_flat_peaks() -> None:
    wave = np.sin(2 * np.pi * 100 * np.arange(16000) / 16000)
    assert clipped_share(wave) < 0.001
    limited = np.clip(wave, -0.5, 0.5)
    # a sine is above half of its amplitude for two thirds of the time
    assert clipped_share(limited) == pytest.approx(2 / 3, abs=0.01)


def test_offset_and_level_are_those_of_the_samples(tmp_path: Path) -> None:
    found = described(tmp_path / "a.wav", NOISE * 5 + 0.25)
    assert found.offset == pytest.approx(0.25 / 0.5, abs=0.02)
    assert found.peak > 1


def test_silence_is_the_share_of_frames_far_below_the_loudest() -> None:
    assert silent_share(np.concatenate([NOISE, np.zeros(48000)]), 16000) == 0.75
    assert silent_share(np.zeros(16000), 16000) == 1.0


def test_channels_of_opposite_polarity_are_found(tmp_path: Path) -> None:
    other = np.random.default_rng(1).normal(0, 0.1, 16000)
    assert described(tmp_path / "a.wav", np.stack([NOISE, -NOISE], axis=1)).opposed
    assert not described(tmp_path / "b.wav", np.stack([NOISE, other], axis=1)).opposed
    found = described(tmp_path / "c.wav", np.stack([NOISE, NOISE], axis=1))
    assert (found.channels, found.opposed) == (2, False)


def test_sign_of_the_residual_is_the_polarity_of_the_voice() -> None:
    # a train of pulses at 100 Hz through the resonance of a vocal tract
    pulses = np.zeros(16000)
    pulses[::160] = 1.0
    voice = lfilter([1.0], [1.0, -1.6, 0.81], pulses)
    assert residual_skewness(voice, 16000) > 1
    assert residual_skewness(-voice, 16000) == pytest.approx(-residual_skewness(voice, 16000), abs=1e-9)
    assert np.isnan(residual_skewness(np.zeros(16000), 16000))


def test_channel_is_chosen_or_the_clip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([NOISE, -NOISE], axis=1), 16000, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(path, 16000, channel=2), -NOISE.astype(np.float32))
    assert not read_audio(path, 16000).any()
    with pytest.raises(AudioError, match=r"^a\.wav has 2 channels, and no channel 3$"):
        read_audio(path, 16000, channel=3)
