"""Perturbations from audiomentations: pitch without tempo, and tempo without pitch.

The only file that uses audiomentations. It runs each transform with probability 1 at one fixed level, seeded
from the generator, and restores the process-wide random states afterwards.
"""

import importlib
import random
import threading
from dataclasses import replace
from typing import Any

import numpy as np

from sertools.perturbations.perturbation import Perturbation, Signal, fitted

_ONE_AT_A_TIME = threading.Lock()
"""Two threads that save and restore the same process-wide states would mix them up."""


def pitch_up(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the voice were `level` semitones higher, at the same tempo?"""
    return _transformed("PitchShift", {"min_semitones": level, "max_semitones": level}, signal, rate, rng)


def pitch_down(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the voice were `level` semitones lower, at the same tempo?"""
    return _transformed("PitchShift", {"min_semitones": -level, "max_semitones": -level}, signal, rate, rng)


def tempo_up(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if it were spoken `level` percent faster, at the same pitch?"""
    return _stretched(signal, rate, 1 + level / 100, rng)


def tempo_down(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if it were spoken `level` percent slower, at the same pitch?"""
    return _stretched(signal, rate, 1 - level / 100, rng)


def _stretched(signal: Signal, rate: int, factor: float, rng: np.random.Generator) -> Signal:
    samples = max(1, round(len(signal) / factor))
    options = {"min_rate": factor, "max_rate": factor, "leave_length_unchanged": False}
    changed = _transformed("TimeStretch", options, signal, rate, rng)
    # the stretcher may round the last sample the other way
    return fitted(changed, samples)


def _transformed(
    transform: str, options: dict[str, Any], signal: Signal, rate: int, rng: np.random.Generator
) -> Signal:
    package = importlib.import_module("audiomentations")
    with _ONE_AT_A_TIME:
        states = random.getstate(), np.random.get_state()  # noqa: NPY002 - audiomentations draws from these
        seed = int(rng.integers(2**32))
        try:
            random.seed(seed)  # noqa: TID251 - restored below
            np.random.seed(seed)  # noqa: NPY002, TID251 - restored below
            change = getattr(package, transform)(p=1.0, method="signalsmith_stretch", **options)
            changed: Signal = change(samples=signal.astype(np.float32), sample_rate=rate)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002 - see above
    return changed


PITCH_UP = Perturbation(
    name="pitch_up",
    family="adapter",
    change=pitch_up,
    unit="semitones",
    meaning="rise of the pitch at the same tempo",
    levels=(0.25, 0.5, 1.0, 2.0, 4.0),
    highest=24.0,
    package="audiomentations",
    source="Signalsmith Stretch through audiomentations",
)

PITCH_DOWN = replace(
    PITCH_UP,
    name="pitch_down",
    change=pitch_down,
    meaning="fall of the pitch at the same tempo",
)

TEMPO_UP = Perturbation(
    name="tempo_up",
    family="adapter",
    change=tempo_up,
    unit="%",
    meaning="how much faster, at the same pitch",
    levels=(1.0, 2.0, 5.0, 10.0, 20.0),
    highest=300.0,
    length="divided by 1 + level / 100",
    package="audiomentations",
    source="Signalsmith Stretch through audiomentations",
)

TEMPO_DOWN = replace(
    TEMPO_UP,
    name="tempo_down",
    change=tempo_down,
    meaning="how much slower, at the same pitch",
    highest=75.0,
    length="divided by 1 - level / 100",
)
