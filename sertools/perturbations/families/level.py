"""Changes of loudness, amplitude range and bit depth."""

import math

import numpy as np

from sertools.errors import AudioError
from sertools.perturbations.perturbation import WAGNER, Perturbation, Signal, audible_rms, decibel


def gain(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording were louder by `level` dB? Samples are multiplied, not clipped."""
    return signal * decibel(level)


def clip(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the loudest `level` percent of the samples were clipped?

    The threshold is the (⌊level / 100 · n⌋ + 1)-th largest magnitude; larger magnitudes are set to it.

    Raises:
        AudioError: digital silence, or a clip so short that no sample would be clipped
    """
    magnitude = np.abs(signal)
    # 0.3 / 100 * 1000 must be 3, despite rounding errors of the product
    clipped = math.floor(round(level / 100 * len(signal), 9))
    if not clipped:
        raise AudioError(
            f"{level:g} % of {len(signal)} samples is less than one, so there is nothing to clip"
        )
    audible_rms(signal, "clip")
    kept = min(clipped, len(signal) - 1)
    threshold = np.partition(magnitude, len(signal) - 1 - kept)[len(signal) - 1 - kept]
    return np.clip(signal, -threshold, threshold)


def dc_offset(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the converter added a constant of `level` percent of full scale?"""
    return signal + level / 100


def polarity(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the microphone were wired the other way round? The sign of every sample changes."""
    return -signal


def bit_depth(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if each sample had only `level` bits? Rounded to multiples of 2^(1 − level), without dither.

    Samples outside the range of the converter, −1 to 1 − 2^(1 − level), are set to its limits.
    """
    steps = 2.0 ** (level - 1)
    quantised: Signal = np.clip(np.round(signal * steps), -steps, steps - 1) / steps
    return quantised


GAIN = Perturbation(
    name="gain",
    family="level",
    change=gain,
    unit="dB",
    meaning="level after minus level before",
    levels=(-2.0, -1.0, 1.0, 2.0),
    ladder=(-1.0, -2.0, -5.0, -10.0, -20.0, -30.0),
    lowest=-200.0,
    highest=200.0,
    sets=("small", "ser-tests"),
    source=WAGNER,
)

CLIP = Perturbation(
    name="clip",
    family="level",
    change=clip,
    unit="%",
    meaning="share of samples that are clipped",
    levels=(0.1, 0.2, 0.3),
    ladder=(0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    highest=100.0,
    sets=("small", "ser-tests"),
    source=WAGNER,
)

DC_OFFSET = Perturbation(
    name="dc_offset",
    family="level",
    change=dc_offset,
    unit="%",
    meaning="constant added, in percent of full scale",
    levels=(0.1, 0.3, 1.0, 3.0, 10.0),
    lowest=-100.0,
    highest=100.0,
    source="fault of converters and sound cards",
)

POLARITY = Perturbation(
    name="polarity",
    family="level",
    change=polarity,
    unit="inversions",
    meaning="1 = sign of every sample inverted",
    levels=(1.0,),
    highest=1.0,
    whole=True,
    source="inaudible for speech; differs between microphones",
)

BIT_DEPTH = Perturbation(
    name="bit_depth",
    family="level",
    change=bit_depth,
    unit="bits",
    meaning="remaining bits per sample",
    levels=(14.0, 12.0, 10.0, 8.0, 6.0, 4.0),
    identity=math.inf,
    lowest=2.0,
    highest=24.0,
    whole=True,
    source="uniform quantisation (Bennett 1948)",
)
