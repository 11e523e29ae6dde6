"""Added sounds: a tone, white and pink noise, other voices, recordings."""

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft

from sertools.errors import AudioError
from sertools.perturbations.perturbation import (
    SER_TESTS,
    WAGNER,
    Perturbation,
    Signal,
    audible_rms,
    decibel,
    rms,
)

TONE_HZ = (5000, 7000)
BABBLE_VOICES = (4, 7)


def additive_tone(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if a device emitted a tone? A sine of 5000 to 7000 Hz at a *peak* SNR of `level` dB.

    x[i] + max|x| · 10^(−level/20) · sin(2π f i / rate), f an integer drawn uniformly, phase 0.

    Raises:
        AudioError: digital silence, or half the rate is not above 7000 Hz
    """
    audible_rms(signal, "SNR")
    return signal + _tone(signal, rate, float(np.abs(signal).max()) * decibel(-level), rng)


def additive_tone_rms(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if a device emitted a tone? A sine of 5000 to 7000 Hz at an *RMS* SNR of `level` dB.

    The same as `additive_tone`, but with amplitude √2 · rms(x) · 10^(−level/20).

    Raises:
        AudioError: digital silence, or half the rate is not above 7000 Hz
    """
    return signal + _tone(signal, rate, math.sqrt(2) * audible_rms(signal, "SNR") * decibel(-level), rng)


def _tone(signal: Signal, rate: int, amplitude: float, rng: np.random.Generator) -> Signal:
    if rate <= 2 * TONE_HZ[1]:
        raise AudioError(f"a tone of up to {TONE_HZ[1]} Hz is impossible at {rate} samples per second")
    frequency_hz = int(rng.integers(TONE_HZ[0], TONE_HZ[1] + 1))
    tone: Signal = amplitude * np.sin(2 * np.pi * frequency_hz / rate * np.arange(len(signal)))
    return tone


def white_noise(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording hissed? Gaussian noise at an RMS SNR of `level` dB.

    The SNR is exact for the noise drawn, also in a short clip.

    Raises:
        AudioError: digital silence
    """
    return mixed(signal, rng.standard_normal(len(signal)), level)


def pink_noise(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the room rumbled? Gaussian noise with power ∝ 1 / f at an RMS SNR of `level` dB.

    Raises:
        AudioError: digital silence
    """
    return mixed(signal, pink(len(signal), rng), level)


def pink(samples: int, rng: np.random.Generator) -> Signal:
    """Gaussian noise whose power falls by 3.01 dB per octave; no DC component; shape (samples,).

    The noise is a section of a longer period, so its end does not match its start.
    """
    size = scipy.fft.next_fast_len(2 * samples + 2, real=True)
    spectrum = scipy.fft.rfft(rng.standard_normal(size))
    shape = np.zeros(len(spectrum))
    shape[1:] = np.arange(1, len(spectrum)) ** -0.5
    noise: Signal = scipy.fft.irfft(spectrum * shape, size)[:samples]
    return noise


def babble(
    signal: Signal, rate: int, level: float, rng: np.random.Generator, *, recordings: Sequence[Signal]
) -> Signal:
    """What if others talked in the background? 4 to 7 other clips at an RMS SNR of `level` dB together.

    The number of voices, their clips (without repetition) and each voice's start within its clip are drawn.
    Voices are equally loud; a voice shorter than the clip repeats.

    Args:
        signal: shape (samples,)
        rate: samples per second, of signal and recordings
        level: RMS SNR in dB
        rng: draws the voices
        recordings: the other clips, at least 4; must not include the clip itself

    Raises:
        AudioError: digital silence, in the clip or in every voice
        AudioError: there are fewer than 4 other clips
    """
    if len(recordings) < BABBLE_VOICES[0]:
        raise AudioError(f"babble needs {BABBLE_VOICES[0]} other clips, there are {len(recordings)}")
    most = min(BABBLE_VOICES[1], len(recordings))
    voices = int(rng.integers(BABBLE_VOICES[0], most + 1))
    noise = np.zeros(len(signal))
    for i in rng.choice(len(recordings), size=voices, replace=False):
        voice = stretch(recordings[int(i)], len(signal), rng)
        noise += voice / (rms(voice) or 1.0)
    return mixed(signal, noise, level)


def recorded_noise(
    signal: Signal, rate: int, level: float, rng: np.random.Generator, *, recordings: Sequence[Signal]
) -> Signal:
    """What if there was everyday noise: coughs, music, traffic? Recordings at an RMS SNR of `level` dB.

    The recording and the start within it are drawn. A recording shorter than the clip repeats.

    Args:
        signal: shape (samples,)
        rate: samples per second, of signal and recordings
        level: RMS SNR in dB, over the whole clip
        rng: draws the recording
        recordings: at least one

    Raises:
        AudioError: digital silence, in the clip or in the section of the recording
    """
    recording = recordings[int(rng.integers(len(recordings)))]
    return mixed(signal, stretch(recording, len(signal), rng), level)


def stretch(recording: Signal, samples: int, rng: np.random.Generator) -> Signal:
    """A section of `samples` from a random position; a shorter recording repeats from a random position.

    Raises:
        AudioError: the recording is empty
    """
    if not len(recording):
        raise AudioError("a recording of noise has no samples")
    spare = len(recording) - samples
    begin = int(rng.integers(0, spare + 1 if spare >= 0 else len(recording)))
    if spare >= 0:
        return recording[begin : begin + samples]
    return np.take(recording, np.arange(begin, begin + samples), mode="wrap")


def mixed(signal: Signal, noise: Signal, snr_db: float) -> Signal:
    """The sum of signal and noise, the noise scaled so that 20 log10(rms(signal) / rms(noise)) = snr_db.

    Args:
        signal: shape (samples,)
        noise: shape (samples,)
        snr_db: RMS signal-to-noise ratio

    Raises:
        AudioError: either is digital silence

    >>> mixed(np.array([1.0, -1.0]), np.array([5.0, 5.0]), 20.0)
    array([ 1.1, -0.9])
    """
    factor = audible_rms(signal, "SNR") / audible_rms(noise, "SNR") * decibel(-snr_db)
    return signal.astype(np.float64) + factor * noise


ADDITIVE_TONE = Perturbation(
    name="additive_tone",
    family="noise",
    change=additive_tone,
    unit="dB",
    meaning="peak SNR: max|x| / amplitude of the tone",
    levels=(50.0, 45.0, 40.0),
    ladder=(50.0, 45.0, 40.0, 30.0, 20.0, 10.0),
    identity=math.inf,
    lowest=-100.0,
    random=True,
    sets=("small", "ser-tests"),
    source=WAGNER,
)

ADDITIVE_TONE_RMS = Perturbation(
    name="additive_tone_rms",
    family="noise",
    change=additive_tone_rms,
    unit="dB",
    meaning="RMS SNR",
    levels=(50.0, 45.0, 40.0),
    ladder=(50.0, 45.0, 40.0, 30.0, 20.0, 10.0),
    identity=math.inf,
    lowest=-100.0,
    random=True,
    source="audEERING auglib, Tone(snr_db=...)",
)

WHITE_NOISE = Perturbation(
    name="white_noise",
    family="noise",
    change=white_noise,
    unit="dB",
    meaning="RMS SNR",
    levels=(45.0, 40.0, 35.0),
    ladder=(45.0, 40.0, 35.0, 30.0, 20.0, 10.0, 5.0, 0.0),
    identity=math.inf,
    lowest=-100.0,
    random=True,
    sets=("small", "ser-tests"),
    source=WAGNER,
)

PINK_NOISE = Perturbation(
    name="pink_noise",
    family="noise",
    change=pink_noise,
    unit="dB",
    meaning="RMS SNR",
    levels=(30.0, 20.0, 15.0, 10.0, 5.0, 0.0),
    identity=math.inf,
    lowest=-100.0,
    random=True,
    source="power proportional to 1 / f (Voss & Clarke 1975)",
)

BABBLE = Perturbation(
    name="babble",
    family="noise",
    change=babble,
    unit="dB",
    meaning="RMS SNR, all voices together",
    levels=(30.0, 20.0, 15.0, 10.0, 5.0, 0.0),
    identity=math.inf,
    lowest=-100.0,
    random=True,
    sets=("ser-tests",),
    needs="other clips",
    source=SER_TESTS,
)

RECORDED_NOISE = Perturbation(
    name="recorded_noise",
    family="noise",
    change=recorded_noise,
    unit="dB",
    meaning="RMS SNR",
    levels=(30.0, 20.0, 15.0, 10.0, 5.0, 0.0),
    identity=math.inf,
    lowest=-100.0,
    random=True,
    sets=("ser-tests",),
    needs="recordings of noise",
    source=SER_TESTS,
)
