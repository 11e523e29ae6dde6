"""The codecs of mobile calls, AMR-NB and AMR-WB, through the optional PyAV; libsndfile lacks them."""

import functools
import importlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sertools.errors import AudioError
from sertools.perturbations.families.codec import measured_delay
from sertools.perturbations.families.filter import TELEPHONE_RATE, at_rate
from sertools.perturbations.perturbation import Perturbation, Signal, fitted


@dataclass(frozen=True, kw_only=True)
class Amr:
    """One of the two codecs.

    Attributes:
        name: common name
        encoder, decoder: names in FFmpeg
        rate: samples per second
        frame: samples per frame, 20 ms
        bit_rates: kbit/s of its modes → bit/s
    """

    name: str
    encoder: str
    decoder: str
    rate: int
    frame: int
    bit_rates: dict[float, int]


NARROW = Amr(
    name="AMR-NB",
    encoder="libopencore_amrnb",
    decoder="libopencore_amrnb",
    rate=TELEPHONE_RATE,
    frame=160,
    bit_rates={12.2: 12200, 10.2: 10200, 7.95: 7950, 7.4: 7400, 6.7: 6700, 5.9: 5900, 5.15: 5150, 4.75: 4750},
)
WIDE = Amr(
    name="AMR-WB",
    encoder="libvo_amrwbenc",
    decoder="libopencore_amrwb",
    rate=16000,
    frame=320,
    bit_rates={
        23.85: 23850, 23.05: 23050, 19.85: 19850, 18.25: 18250, 15.85: 15850, 14.25: 14250, 12.65: 12650,
        8.85: 8850, 6.6: 6600,
    },
)  # fmt: skip


def lacking(codec: Amr) -> str:
    """Why the installed PyAV cannot encode with a codec; empty if it can."""
    av = importlib.import_module("av")
    try:
        av.codec.Codec(codec.encoder, "w")
    except ValueError:
        return f"this build of PyAV has no {codec.name} encoder ({codec.encoder})"
    return ""


def _called(codec: Amr, signal: Signal, rate: int, level: float) -> Signal:
    """What if the clip came through a call at `level` kbit/s? The codec's delay is removed.

    Raises:
        AudioError: the codec has no such bit rate
    """
    if level not in codec.bit_rates:
        known = ", ".join(f"{each:g}" for each in codec.bit_rates)
        raise AudioError(f"{codec.name} has no {level:g} kbit/s", hint=f"available: {known}")
    bits_per_s = codec.bit_rates[level]
    delay = _delay(codec.name, bits_per_s)
    return at_rate(
        signal,
        rate,
        codec.rate,
        lambda sound: round_trip(codec, np.pad(sound, (0, delay)), bits_per_s)[delay:],
    )


def amr_nb(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through a mobile call? AMR-NB at `level` kbit/s, 8 kHz; its delay is removed."""
    return _called(NARROW, signal, rate, level)


def amr_wb(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through an HD voice call? AMR-WB at `level` kbit/s, 16 kHz, delay removed."""
    return _called(WIDE, signal, rate, level)


def round_trip(codec: Amr, signal: Signal, bits_per_s: int) -> Signal:
    """The signal after a codec, with its delay; same length, at the codec's rate, full scale ±1."""
    return decoded(codec, encoded(codec, signal, bits_per_s), len(signal))


def encoded(codec: Amr, signal: Signal, bits_per_s: int) -> list[Any]:
    """The packets of a codec for a signal at its rate, one per 20 ms; the last is padded with zeros."""
    av = importlib.import_module("av")
    encoder = av.CodecContext.create(codec.encoder, "w")
    encoder.sample_rate, encoder.layout, encoder.format = codec.rate, "mono", "s16"
    encoder.bit_rate = bits_per_s
    whole = np.pad(signal, (0, -len(signal) % codec.frame))
    samples = np.clip(np.round(whole * 32768), -32768, 32767).astype(np.int16)
    packets: list[Any] = []
    for begin in range(0, len(samples), codec.frame):
        frame = av.AudioFrame.from_ndarray(
            samples[None, begin : begin + codec.frame], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = codec.rate, begin
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return packets


def decoded(codec: Amr, packets: list[Any], samples: int) -> Signal:
    """The signal of a codec's packets, cut or padded with zeros to `samples`, float32 in [-1, 1]."""
    av = importlib.import_module("av")
    decoder = av.CodecContext.create(codec.decoder, "r")
    decoder.sample_rate, decoder.layout = codec.rate, "mono"
    frames = [frame.to_ndarray() for packet in packets for frame in decoder.decode(packet)]
    sound = np.concatenate(frames, axis=1)[0]
    scale = 32768 if np.issubdtype(sound.dtype, np.integer) else 1
    return fitted(sound.astype(np.float32) / scale, samples)


@functools.lru_cache(maxsize=32)
def _delay(name: str, bits_per_s: int) -> int:
    codec = NARROW if name == NARROW.name else WIDE
    return measured_delay(lambda probe: round_trip(codec, probe, bits_per_s), codec.rate)


AMR_NB = Perturbation(
    name="amr_nb",
    family="amr",
    change=amr_nb,
    unit="kbit/s",
    meaning="bit rate of the mode",
    levels=tuple(NARROW.bit_rates),
    identity=math.inf,
    lowest=4.75,
    highest=12.2,
    package="av",
    lacking=functools.partial(lacking, NARROW),
    source="3GPP TS 26.071, OpenCORE through PyAV",
)

AMR_WB = Perturbation(
    name="amr_wb",
    family="amr",
    change=amr_wb,
    unit="kbit/s",
    meaning="bit rate of the mode",
    levels=tuple(WIDE.bit_rates),
    identity=math.inf,
    lowest=6.6,
    highest=23.85,
    package="av",
    lacking=functools.partial(lacking, WIDE),
    source="3GPP TS 26.171, VisualOn and OpenCORE through PyAV",
)
