"""Changes of the spectrum: high-pass, low-pass, telephone band, tilt."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.fft
import soxr

from sertools.errors import AudioError
from sertools.perturbations.perturbation import SER_TESTS, WAGNER, Perturbation, Signal, fitted, match_rms

TELEPHONE_BAND_HZ = (300.0, 3400.0)
TELEPHONE_RATE = 8000

TILT_HZ = (50.0, 1000.0)
"""Below the first the tilt is flat, so that rumble is not amplified; at the second the gain is 0 dB."""


def highpass(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if low frequencies were missing? Butterworth of order 1, causal, −3 dB at `level` Hz.

    Raises:
        AudioError: the cut-off is not below half the rate
    """
    return butterworth(signal, rate, level, "highpass")


def lowpass(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if high frequencies were missing? Butterworth of order 1, causal, −3 dB at `level` Hz.

    Raises:
        AudioError: the cut-off is not below half the rate
    """
    return butterworth(signal, rate, level, "lowpass")


def butterworth(
    signal: Signal, rate: int, cutoff_hz: float | tuple[float, float], kind: str, order: int = 1
) -> Signal:
    """The signal after a causal Butterworth filter with zero initial state.

    Args:
        signal: shape (samples,)
        rate: samples per second
        cutoff_hz: frequency at −3 dB; the lower and the upper one for a band-pass
        kind: `highpass`, `lowpass` or `bandpass`
        order: 6 dB per octave each, at each edge

    Raises:
        AudioError: a cut-off is not below half the rate
    """
    from scipy.signal import butter, sosfilt  # slow to import

    if not 0 < np.min(cutoff_hz) <= np.max(cutoff_hz) < rate / 2:
        raise AudioError(f"a {kind} at {np.max(cutoff_hz):g} Hz is impossible at {rate} samples per second")
    sections = butter(order, cutoff_hz, btype=kind, fs=rate, output="sos")
    filtered: Signal = sosfilt(sections, signal.astype(np.float64))
    return filtered


def telephone_band(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through an analogue telephone? 300–3400 Hz at 8 kHz.

    Resampled to 8 kHz and back, with a causal Butterworth band-pass of order `level` at each edge
    (6 · level dB per octave, −3 dB at the edges).

    Raises:
        AudioError: the rate is below 8 kHz
    """
    if rate < TELEPHONE_RATE:
        raise AudioError(f"the telephone band needs 8000 samples per second, not {rate}")
    narrow = resampled(signal.astype(np.float64), rate, TELEPHONE_RATE)
    narrow = butterworth(narrow, TELEPHONE_RATE, TELEPHONE_BAND_HZ, "bandpass", int(level))
    return resampled(narrow, TELEPHONE_RATE, rate, len(signal))


def resampled(signal: Signal, rate: int, new_rate: int, samples: int | None = None) -> Signal:
    """The signal at another rate, cut or padded with zeros to `samples` if given.

    Args:
        signal: shape (samples,)
        rate: samples per second before
        new_rate: samples per second after
        samples: number of samples to return; by default from the duration, at least one
    """
    if samples is None:
        samples = max(1, math.ceil(len(signal) * new_rate / rate))
    changed = signal if rate == new_rate else soxr.resample(signal, rate, new_rate)
    return fitted(changed, samples)


def at_rate(signal: Signal, rate: int, inner: int, change: Callable[[Signal], Signal]) -> Signal:
    """The signal changed at another rate, and brought back to its rate and number of samples.

    A signal beyond full scale is attenuated before the change and amplified after it.

    Args:
        signal: shape (samples,)
        rate: samples per second
        inner: samples per second of what `change` takes and returns
        change: the change, of a signal within full scale
    """
    loud = max(1.0, float(np.abs(signal).max()))
    return resampled(change(resampled(signal / loud, rate, inner)), inner, rate, len(signal)) * loud


def spectral_tilt_up(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording were brighter? High frequencies rise by `level` dB per octave, same RMS."""
    return _tilted(signal, rate, level)


def spectral_tilt_down(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording were duller? High frequencies fall by `level` dB per octave, same RMS."""
    return _tilted(signal, rate, -level)


def _tilted(signal: Signal, rate: int, db_per_octave: float) -> Signal:
    # zeros after the clip absorb the filter's ringing at both ends, so that nothing wraps around
    size = scipy.fft.next_fast_len(len(signal) + rate // 5, real=True)
    frequency_hz = np.maximum(scipy.fft.rfftfreq(size, 1 / rate), TILT_HZ[0])
    response = 10 ** (db_per_octave * np.log2(frequency_hz / TILT_HZ[1]) / 20)
    spectrum = scipy.fft.rfft(signal.astype(np.float64), size) * response
    return match_rms(scipy.fft.irfft(spectrum, size)[: len(signal)], signal)


HIGHPASS = Perturbation(
    name="highpass",
    family="filter",
    change=highpass,
    unit="Hz",
    meaning="cut-off, −3 dB, 6 dB per octave",
    levels=(50.0, 100.0, 150.0),
    ladder=(50.0, 100.0, 150.0, 300.0, 600.0, 1200.0),
    sets=("small", "ser-tests"),
    source=WAGNER,
)

LOWPASS = Perturbation(
    name="lowpass",
    family="filter",
    change=lowpass,
    unit="Hz",
    meaning="cut-off, −3 dB, 6 dB per octave",
    levels=(7500.0, 7000.0, 6500.0),
    ladder=(7500.0, 7000.0, 6500.0, 4000.0, 2000.0, 1000.0),
    identity=math.inf,
    sets=("small", "ser-tests"),
    source=WAGNER,
)

TELEPHONE_BAND = Perturbation(
    name="telephone_band",
    family="filter",
    change=telephone_band,
    unit="order",
    meaning="steepness of the edges, 6 dB per octave each",
    levels=(1.0, 2.0, 4.0, 8.0),
    highest=16.0,
    whole=True,
    source="300-3400 Hz, ITU-T G.712",
)

SPECTRAL_TILT_UP = Perturbation(
    name="spectral_tilt_up",
    family="filter",
    change=spectral_tilt_up,
    unit="dB/octave",
    meaning="rise of the spectrum above 50 Hz",
    levels=(0.5, 1.0, 2.0, 3.0, 6.0),
    highest=24.0,
    sets=("ser-tests",),
    source=SER_TESTS,
)

SPECTRAL_TILT_DOWN = replace(
    SPECTRAL_TILT_UP,
    name="spectral_tilt_down",
    change=spectral_tilt_down,
    meaning="fall of the spectrum above 50 Hz",
)
