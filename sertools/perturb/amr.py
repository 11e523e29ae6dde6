"""The codec of mobile calls, which libsndfile lacks: AMR-NB through PyAV, an extra."""

import functools
import importlib
import math
from typing import Any

import numpy as np

from sertools.errors import AudioError
from sertools.perturb.codec import measured_delay
from sertools.perturb.filter import TELEPHONE_RATE, resampled
from sertools.perturb.perturbation import Perturbation, Signal

BIT_RATES = {12.2: 12200, 10.2: 10200, 7.95: 7950, 7.4: 7400, 6.7: 6700, 5.9: 5900, 5.15: 5150, 4.75: 4750}
FRAME = 160
"""Samples that AMR-NB codes at once: 20 ms at 8 kHz."""


def amr_nb(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if it came through a mobile call at `level` kbit/s? AMR-NB at 8 kHz; its delay is removed.

    Raises:
        AudioError: AMR-NB has no such bit rate
    """
    if level not in BIT_RATES:
        known = ", ".join(f"{each:g}" for each in BIT_RATES)
        raise AudioError(f"AMR-NB has no {level:g} kbit/s", hint=f"it has {known}")
    loud = max(1.0, float(np.abs(signal).max()))
    narrow = resampled(signal / loud, rate, TELEPHONE_RATE)
    delay = _delay(BIT_RATES[level])
    heard = round_trip(np.pad(narrow, (0, delay)), BIT_RATES[level])[delay:]
    return resampled(heard, TELEPHONE_RATE, rate, len(signal)) * loud


def round_trip(signal: Signal, bits_per_s: int) -> Signal:
    """The signal after AMR-NB, with its delay, as many samples as before; 8 kHz, full scale ±1."""
    return decoded(encoded(signal, bits_per_s), len(signal))


def encoded(signal: Signal, bits_per_s: int) -> list[Any]:
    """The packets of AMR-NB for a signal at 8 kHz, one per 20 ms; the last is filled with zeros."""
    av = importlib.import_module("av")
    encoder = av.CodecContext.create("libopencore_amrnb", "w")
    encoder.sample_rate, encoder.layout, encoder.format = TELEPHONE_RATE, "mono", "s16"
    encoder.bit_rate = bits_per_s
    whole = np.pad(signal, (0, -len(signal) % FRAME))
    samples = np.clip(np.round(whole * 32768), -32768, 32767).astype(np.int16)
    packets: list[Any] = []
    for begin in range(0, len(samples), FRAME):
        frame = av.AudioFrame.from_ndarray(samples[None, begin : begin + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts = TELEPHONE_RATE, begin
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return packets


def decoded(packets: list[Any], samples: int) -> Signal:
    """The sound of AMR-NB packets, cut or filled with zeros to `samples`, float32 in [-1, 1]."""
    av = importlib.import_module("av")
    decoder = av.CodecContext.create("libopencore_amrnb", "r")
    decoder.sample_rate, decoder.layout = TELEPHONE_RATE, "mono"
    frames = [frame.to_ndarray() for packet in packets for frame in decoder.decode(packet)]
    sound = np.concatenate(frames, axis=1)[0]
    scale = 32768 if np.issubdtype(sound.dtype, np.integer) else 1
    return np.pad(sound.astype(np.float32) / scale, (0, max(0, samples - len(sound))))[:samples]


@functools.lru_cache(maxsize=8)
def _delay(bits_per_s: int) -> int:
    return measured_delay(lambda probe: round_trip(probe, bits_per_s), TELEPHONE_RATE)


AMR_NB = Perturbation(
    name="amr_nb",
    family="amr",
    change=amr_nb,
    unit="kbit/s",
    meaning="bit rate of the mode",
    levels=tuple(BIT_RATES),
    identity=math.inf,
    lowest=4.75,
    highest=12.2,
    package="av",
    source="3GPP TS 26.071, OpenCORE through PyAV",
)
