"""Changes of timing and duration: zeros, crops, gaps, lost packets, speed."""

import math
from dataclasses import replace

import numpy as np
import soxr

from sertools.errors import AudioError
from sertools.perturbations.perturbation import (
    SER_TESTS,
    WAGNER,
    Perturbation,
    Signal,
    fitted,
    scaled_samples,
)
from sertools.tables.condition import NOT_LONGER

PACKET_S = 0.02
"""Duration of speech in one packet of voice over IP (RTP profile, RFC 3551)."""


def append_zeros(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording stopped later? Zeros at the end, `level` samples at 16 kHz."""
    return np.pad(signal, (0, scaled_samples(level, rate)))


def prepend_zeros(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording began earlier? Zeros at the start, `level` samples at 16 kHz."""
    return np.pad(signal, (scaled_samples(level, rate), 0))


def crop_beginning(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording began later? The first `level` samples (at 16 kHz) are removed.

    Raises:
        AudioError: the crop is as long as the clip, or longer
    """
    return signal[_crop(signal, rate, level) :]


def crop_end(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the recording stopped earlier? The last `level` samples (at 16 kHz) are removed.

    Raises:
        AudioError: the crop is as long as the clip, or longer
    """
    return signal[: len(signal) - _crop(signal, rate, level)]


def first_seconds(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if only the first `level` seconds were available?

    Raises:
        AudioError: the clip is not longer than that, so that there is nothing to leave out
    """
    samples = max(1, round(level * rate))
    if samples >= len(signal):
        raise AudioError(f"a clip of {len(signal) / rate:.2f} s {NOT_LONGER} {level:g} s")
    return signal[:samples]


def _crop(signal: Signal, rate: int, level: float) -> int:
    samples = scaled_samples(level, rate)
    if samples >= len(signal):
        raise AudioError(f"a crop of {samples} samples leaves nothing of a clip of {len(signal)} samples")
    return samples


def packet_loss(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if `level` percent of the 20 ms packets were lost on the way? They become zeros.

    The number of lost packets is exact (rounded); which packets are lost is drawn.

    Raises:
        AudioError: the clip is so short that no packet would be lost
    """
    packet = max(1, round(PACKET_S * rate))
    packets = -(-len(signal) // packet)
    lost = round(level / 100 * packets)
    if not lost:
        raise AudioError(f"{level:g} % of {packets} packets rounds to zero, so no packet would be lost")
    kept = np.ones(packets, dtype=bool)
    kept[rng.choice(packets, size=lost, replace=False)] = False
    received: Signal = signal * np.repeat(kept, packet)[: len(signal)]
    return received


def silence_gaps(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the line dropped out for `level` ms once in every second?

    The position of each gap within its second is drawn. The rest after the last whole second has no gap; a
    clip shorter than a second has one.

    Raises:
        AudioError: the clip is not longer than the gap
    """
    gap = round(level / 1000 * rate)
    stretch = min(rate, len(signal))
    if gap >= stretch or gap < 1:
        raise AudioError(f"a gap of {gap} samples does not fit into a clip of {len(signal)} samples")
    begins = np.arange(0, len(signal) - stretch + 1, stretch)
    begins = begins + rng.integers(0, stretch - gap + 1, size=len(begins))
    edges = np.zeros(len(signal) + 1, dtype=np.int64)
    np.add.at(edges, begins, 1)
    np.add.at(edges, begins + gap, -1)
    interrupted: Signal = signal * (np.cumsum(edges)[:-1] == 0)
    return interrupted


def speed_up(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the tape ran `level` percent faster? Pitch and tempo rise together."""
    return _resampled(signal, 1 + level / 100)


def slow_down(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the tape ran `level` percent slower? Pitch and tempo fall together."""
    return _resampled(signal, 1 - level / 100)


def _resampled(signal: Signal, factor: float) -> Signal:
    samples = max(1, round(len(signal) / factor))
    changed = soxr.resample(signal.astype(np.float32), factor, 1.0)
    # the resampler may round the last sample the other way
    return fitted(changed, samples)


APPEND_ZEROS = Perturbation(
    name="append_zeros",
    family="time",
    change=append_zeros,
    unit="samples",
    meaning="zeros at the end, counted at 16 kHz",
    levels=(100.0, 500.0, 1000.0),
    ladder=(100.0, 500.0, 1000.0, 4000.0, 16000.0, 48000.0),
    whole=True,
    highest=1e8,
    length="plus level at 16 kHz",
    sets=("small", "ser-tests"),
    source=WAGNER,
)

PREPEND_ZEROS = replace(
    APPEND_ZEROS,
    name="prepend_zeros",
    change=prepend_zeros,
    meaning="zeros at the start, counted at 16 kHz",
    sets=("ser-tests",),
    source=SER_TESTS,
)

CROP_BEGINNING = Perturbation(
    name="crop_beginning",
    family="time",
    change=crop_beginning,
    unit="samples",
    meaning="samples removed at the start, counted at 16 kHz",
    levels=(100.0, 500.0, 1000.0),
    ladder=(100.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0),
    whole=True,
    highest=1e8,
    length="minus level at 16 kHz",
    sets=("small", "ser-tests"),
    source=WAGNER,
)

CROP_END = replace(
    CROP_BEGINNING,
    name="crop_end",
    change=crop_end,
    meaning="samples removed at the end, counted at 16 kHz",
    sets=("ser-tests",),
    source=SER_TESTS,
)

FIRST_SECONDS = Perturbation(
    name="first_seconds",
    family="time",
    change=first_seconds,
    unit="s",
    meaning="seconds that are kept, from the start",
    levels=(5.0, 3.0, 2.0, 1.0, 0.5),
    identity=math.inf,
    highest=1e6,
    length="level seconds",
    source="gating in speech perception (Grosjean 1980)",
)

PACKET_LOSS = Perturbation(
    name="packet_loss",
    family="time",
    change=packet_loss,
    unit="%",
    meaning="share of 20 ms packets that become zeros",
    levels=(2.0, 5.0, 10.0, 20.0, 40.0),
    highest=100.0,
    random=True,
    source="voice over IP without concealment; packets of RFC 3551",
)

SILENCE_GAPS = Perturbation(
    name="silence_gaps",
    family="time",
    change=silence_gaps,
    unit="ms",
    meaning="length of the gap in each second",
    levels=(10.0, 20.0, 50.0, 100.0, 200.0),
    highest=999.0,
    random=True,
    source="drop-outs of radio links",
)

SPEED_UP = Perturbation(
    name="speed_up",
    family="time",
    change=speed_up,
    unit="%",
    meaning="how much faster; pitch and tempo change together",
    levels=(1.0, 2.0, 5.0, 10.0, 20.0),
    highest=300.0,
    length="divided by 1 + level / 100",
    source="speed perturbation by resampling (Ko et al. 2015)",
)

SLOW_DOWN = replace(
    SPEED_UP,
    name="slow_down",
    change=slow_down,
    meaning="how much slower; pitch and tempo change together",
    highest=75.0,
    length="divided by 1 - level / 100",
)
