"""A bad telephone line: band limits, codec and noise together."""

import math

import numpy as np

from sertools.errors import AudioError
from sertools.perturbations.families.codec import round_trip
from sertools.perturbations.families.filter import TELEPHONE_BAND_HZ, TELEPHONE_RATE, butterworth, resampled
from sertools.perturbations.families.noise import pink
from sertools.perturbations.perturbation import (
    SER_TESTS,
    Perturbation,
    Signal,
    audible_rms,
    decibel,
    match_rms,
)

NOISE_ABOVE_HZ = 3000.0


def low_quality_phone(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through a bad mobile connection, with pink noise `level` dB below the speech?

    The clip is scaled to full scale, resampled to 8 kHz, band-passed at 300–3400 Hz (Butterworth, order 4),
    coded with GSM 06.10, and brought back to its rate and RMS. Then pink noise with peaks at −level dB,
    high-passed at 3 kHz (order 2), fills the band that the telephone leaves empty, and the clip's RMS is
    restored. ser-tests uses AMR-NB instead of GSM, after a mild expansion of the dynamic range.

    Raises:
        AudioError: digital silence, or a rate of 6 kHz or less
        AudioError: nothing of the signal is left
    """
    audible_rms(signal, "the level of a telephone call")
    if rate <= 2 * NOISE_ABOVE_HZ:
        raise AudioError(f"noise above 3000 Hz is impossible at {rate} samples per second")
    narrow = resampled(_full_scale(signal), rate, TELEPHONE_RATE)
    narrow = _full_scale(butterworth(narrow, TELEPHONE_RATE, TELEPHONE_BAND_HZ, "bandpass", order=4))
    coded = round_trip(narrow, TELEPHONE_RATE, "WAV", "GSM610")
    speech = match_rms(resampled(coded, TELEPHONE_RATE, rate, len(signal)), signal)
    noise = _full_scale(pink(len(signal), rng)) * decibel(-level) * float(np.abs(speech).max())
    return match_rms(speech + butterworth(noise, rate, NOISE_ABOVE_HZ, "highpass", order=2), signal)


def _full_scale(signal: Signal) -> Signal:
    peak = float(np.abs(signal).max())
    return signal.astype(np.float64) / peak if peak else signal.astype(np.float64)


LOW_QUALITY_PHONE = Perturbation(
    name="low_quality_phone",
    family="phone",
    change=low_quality_phone,
    unit="dB",
    meaning="peak of the speech / peak of the pink noise before its high-pass",
    levels=(35.0, 30.0, 25.0, 20.0, 15.0),
    identity=math.inf,
    lowest=-60.0,
    random=True,
    sets=("ser-tests",),
    source=SER_TESTS,
)
