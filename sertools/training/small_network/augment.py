"""Random augmentation of training clips, drawn anew for each epoch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sertools.errors import ModelError
from sertools.perturbations import registry
from sertools.training.small_network.recipe import Augmentation


def augmented(
    signal: NDArray[np.floating[Any]], rate: int, how: Augmentation, *, rng: np.random.Generator
) -> NDArray[np.floating[Any]]:
    """An augmented copy of the signal, shape (samples',): speed, tempo, crop, tilt, noise, silenced spans.

    Raises:
        ModelError: the recipe changes the tempo, and the package for that is not installed
    """
    signal = signal.astype(np.float64)
    if how.speed:
        factor = (1 + how.speed) ** rng.uniform(-1, 1)
        at = np.arange(0, len(signal) - 1, factor)
        signal = np.interp(at, np.arange(len(signal)), signal)
    if how.tempo:
        signal = _retimed(signal, rate, (1 + how.tempo) ** rng.uniform(-1, 1), rng)
    longest = int(how.crop_s * rate)
    if 0 < longest < len(signal):
        start = rng.integers(len(signal) - longest + 1)
        signal = signal[start : start + longest]
    if how.tilt:
        signal = signal - rng.uniform(-how.tilt, how.tilt) * np.concatenate([[0.0], signal[:-1]])
    if how.noise_db is not None:
        snr_db = rng.uniform(*how.noise_db)
        level = np.sqrt(np.mean(signal**2)) * 10 ** (-snr_db / 20)
        signal = signal + level * rng.standard_normal(len(signal))
    if how.mask_s:
        for _ in range(2):
            width = int(rng.uniform(0, how.mask_s) * rate)
            start = rng.integers(max(1, len(signal) - width))
            signal[start : start + width] = 0
    return signal


def _retimed(
    signal: NDArray[np.floating[Any]], rate: int, factor: float, rng: np.random.Generator
) -> NDArray[np.floating[Any]]:
    """The signal played `factor` times as fast at the same pitch."""
    name = "tempo_up" if factor > 1 else "tempo_down"
    change = registry.get(name)
    if change.unavailable:
        raise ModelError(f"the recipe changes the tempo: {change.unavailable}", hint="or set tempo = 0")
    return change.apply(signal, rate, 100 * abs(factor - 1), rng).astype(np.float64)
