"""Effects of transmission and storage: speech and music codecs, encoded and decoded in memory.

Clips stay aligned: samples that a codec adds before and after the signal are removed. A clip beyond full
scale is attenuated before and amplified after coding, so that only the codec changes it.
"""

import functools
import io
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import soundfile

from sertools.errors import AudioError
from sertools.perturbations.families.filter import TELEPHONE_RATE, at_rate
from sertools.perturbations.perturbation import Perturbation, Signal, fitted

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)

MP3_KBPS = {
    32000: (40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    16000: (16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    8000: (16, 24, 32, 40, 48, 56, 64),
}
"""Lowest rate of MPEG-1, -2 and -2.5 → bit rates of layer III, except the lowest (libsndfile rejects it)."""

OPUS_KBPS = (6.0, 256.0)
ADPCM_SUBTYPES = {40: "G723_40", 32: "G721_32", 24: "G723_24"}


def mp3(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip had been stored as MP3? LAME at a constant rate of `level` kbit/s.

    LAME lowers the level by up to 0.45 dB, as in all MP3s made with it.

    Raises:
        AudioError: MP3 has no such bit rate at the clip's rate
    """
    inner = _codec_rate(rate, MP3_RATES)
    known = next(kbps for lowest, kbps in MP3_KBPS.items() if inner >= lowest)
    if level not in known:
        raise AudioError(
            f"MP3 has no {level:g} kbit/s at {inner} samples per second",
            hint=f"available: {', '.join(map(str, known))}",
        )
    # libsndfile turns its compression level into a bit rate between the highest and 8 (MPEG-1: 32)
    floor = 32 if inner >= 32000 else 8
    compression = (known[-1] - level) / (known[-1] - floor)
    # without room for an information frame the decoder cannot know the delay
    return _coded(signal, rate, inner, "MP3", "MPEG_LAYER_III", compression, align=True)


def opus(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip had come through a messenger app? Opus at about `level` kbit/s (variable rate)."""
    compression = (OPUS_KBPS[1] - level) / (OPUS_KBPS[1] - OPUS_KBPS[0])
    return _coded(signal, rate, _codec_rate(rate, OPUS_RATES), "OGG", "OPUS", compression)


def vorbis(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip had been stored as Ogg Vorbis? At quality `level`, from 10 (best) to 0."""
    return _coded(signal, rate, max(rate, TELEPHONE_RATE), "OGG", "VORBIS", 1 - level / 10)


def gsm(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through `level` GSM calls in a row? GSM 06.10 full rate, 13 kbit/s, at 8 kHz."""
    return _telephone(signal, rate, "WAV", "GSM610", int(level))


def mulaw(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through an American landline? 8-bit µ-law at 8 kHz (G.711)."""
    return _telephone(signal, rate, "WAV", "ULAW")


def alaw(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through a European landline? 8-bit A-law at 8 kHz (G.711)."""
    return _telephone(signal, rate, "WAV", "ALAW")


def adpcm(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip came through a cordless phone? ADPCM at 40, 32 or 24 kbit/s, 8 kHz (G.721, G.723).

    Raises:
        AudioError: the codec has no such bit rate
    """
    if level not in ADPCM_SUBTYPES:
        raise AudioError(f"ADPCM has no {level:g} kbit/s", hint="available: 40, 32, 24")
    return _telephone(signal, rate, "AU", ADPCM_SUBTYPES[int(level)])


def _codec_rate(rate: int, rates: tuple[int, ...]) -> int:
    """The lowest rate of the codec that covers the whole band, or its highest."""
    return next((each for each in rates if each >= rate), rates[-1])


def _telephone(signal: Signal, rate: int, container: str, subtype: str, passes: int = 1) -> Signal:
    def change(narrow: Signal) -> Signal:
        for _ in range(passes):
            narrow = round_trip(narrow, TELEPHONE_RATE, container, subtype)
        return narrow

    return at_rate(signal, rate, TELEPHONE_RATE, change)


def _coded(
    signal: Signal,
    rate: int,
    inner: int,
    container: str,
    subtype: str,
    compression: float,
    align: bool = False,
) -> Signal:
    delay = codec_delay(inner, container, subtype, compression) if align else 0

    def change(sound: Signal) -> Signal:
        # zeros after the clip push its last samples through the codec's delay
        return round_trip(np.pad(sound, (0, delay)), inner, container, subtype, compression)[delay:]

    return at_rate(signal, rate, inner, change)


def round_trip(
    signal: Signal, rate: int, container: str, subtype: str, compression: float | None = None
) -> Signal:
    """The signal after encoding and decoding by libsndfile, with the same number of samples.

    Args:
        signal: shape (samples,), full scale ±1
        rate: samples per second
        container: container of the file in memory, e.g. WAV
        subtype: the codec, e.g. GSM610
        compression: 0 (best) to 1, for codecs with a choice

    Raises:
        AudioError: libsndfile cannot encode the clip
    """
    memory = io.BytesIO()
    mode = None if compression is None or container != "MP3" else "CONSTANT"
    try:
        soundfile.write(
            memory,
            signal.astype(np.float32),
            rate,
            format=container,
            subtype=subtype,
            compression_level=compression,
            bitrate_mode=mode,
        )
        memory.seek(0)
        decoded, _ = soundfile.read(memory, dtype="float32")
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise AudioError(f"libsndfile cannot encode this clip as {subtype}: {error}") from error
    return fitted(decoded, len(signal))


@functools.lru_cache(maxsize=64)
def codec_delay(rate: int, container: str, subtype: str, compression: float) -> int:
    """Number of samples that a codec adds before the signal, without those that its file format removes."""
    return measured_delay(lambda probe: round_trip(probe, rate, container, subtype, compression), rate)


def measured_delay(change: Callable[[Signal], Signal], rate: int) -> int:
    """Delay that a change adds to a signal, in samples; 0 or more.

    Measured on one second of noise in the band of speech, by the peak of the cross-correlation.
    """
    from scipy.signal import correlate  # slow to import

    frequency_hz = np.fft.rfftfreq(rate, 1 / rate)
    noise = np.fft.rfft(np.random.default_rng(0).standard_normal(rate))
    probe = np.fft.irfft(np.where((frequency_hz > 200) & (frequency_hz < 3000), noise, 0), rate)
    padded = np.pad(0.1 * probe / np.sqrt(np.mean(probe**2)), (0, rate // 2))
    return max(0, int(correlate(change(padded), padded, method="fft").argmax()) - (len(padded) - 1))


MP3 = Perturbation(
    name="mp3",
    family="codec",
    change=mp3,
    unit="kbit/s",
    meaning="constant bit rate",
    levels=(64.0, 48.0, 32.0, 24.0, 16.0),
    identity=math.inf,
    lowest=16.0,
    highest=320.0,
    whole=True,
    source="MPEG-1/2 layer III, LAME through libsndfile",
)

OPUS = Perturbation(
    name="opus",
    family="codec",
    change=opus,
    unit="kbit/s",
    meaning="target of the variable bit rate",
    levels=(64.0, 32.0, 24.0, 16.0, 12.0, 8.0, 6.0),
    identity=math.inf,
    lowest=OPUS_KBPS[0],
    highest=OPUS_KBPS[1],
    source="RFC 6716, libopus through libsndfile",
)

VORBIS = Perturbation(
    name="vorbis",
    family="codec",
    change=vorbis,
    unit="quality",
    meaning="quality setting, 10 is best",
    levels=(10.0, 8.0, 6.0, 4.0, 2.0, 0.0),
    identity=math.inf,
    highest=10.0,
    source="Vorbis I, libvorbis through libsndfile",
)

GSM = Perturbation(
    name="gsm",
    family="codec",
    change=gsm,
    unit="passes",
    meaning="calls in a row",
    levels=(1.0, 2.0, 3.0, 4.0),
    highest=20.0,
    whole=True,
    source="GSM 06.10 full rate (ETSI EN 300 961)",
)

MULAW = Perturbation(
    name="mulaw",
    family="codec",
    change=mulaw,
    unit="passes",
    meaning="1 = encoded once; further passes would change nothing",
    levels=(1.0,),
    highest=1.0,
    whole=True,
    source="ITU-T G.711",
)

ALAW = replace(
    MULAW,
    name="alaw",
    change=alaw,
)

ADPCM = Perturbation(
    name="adpcm",
    family="codec",
    change=adpcm,
    unit="kbit/s",
    meaning="constant bit rate: 40, 32 or 24",
    levels=(40.0, 32.0, 24.0),
    identity=math.inf,
    lowest=24.0,
    highest=40.0,
    whole=True,
    source="ITU-T G.721 and G.723 of 1988, now G.726",
)
