"""Signals that resemble speech, for tests of perturbations."""

import functools

import numpy as np

RATE = 16000


def speechlike(samples: int = 2 * RATE, seed: int = 0) -> np.ndarray:
    """Harmonics of 150 Hz under a syllable rhythm, with a little breath; peak 0.5."""
    return _speechlike(samples, seed).copy()


@functools.cache
def _speechlike(samples: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time_s = np.arange(samples) / RATE
    voice = sum(np.sin(2 * np.pi * 150 * k * time_s + k * k) / k for k in range(1, 30))
    sound = voice * (1.1 + np.sin(2 * np.pi * 4 * time_s)) + 0.05 * rng.standard_normal(samples)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def band_of_speech(samples: int = 2 * RATE, low_hz: float = 200, high_hz: float = 3000) -> np.ndarray:
    """Noise in a band of frequencies under a rhythm of 3.3 Hz; peak 0.2."""
    spectrum = np.fft.rfft(np.random.default_rng(8).standard_normal(samples))
    frequency_hz = np.fft.rfftfreq(samples, 1 / RATE)
    sound = np.fft.irfft(np.where((frequency_hz > low_hz) & (frequency_hz < high_hz), spectrum, 0), samples)
    # a rhythm, so that the alignment has one answer
    sound *= 1.1 + np.sin(2 * np.pi * 3.3 * np.arange(samples) / RATE)
    return (0.2 * sound / np.abs(sound).max()).astype(np.float32)
