import io
import itertools

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from sertools.errors import AudioError
from sertools.perturbations.families import codec
from sertools.perturbations.registry import get
from tests.helpers.sounds import band_of_speech, speechlike

RATE = 16000
RNG = np.random.default_rng(0)
EVERY_CODEC = [
    (name, level)
    for name in ("mp3", "opus", "vorbis", "gsm", "mulaw", "alaw", "adpcm")
    for level in get(name).levels
]


@pytest.mark.parametrize(("name", "level"), EVERY_CODEC)
def test_coded_sound_stays_aligned_with_the_clip(name, level):
    signal = band_of_speech()
    coded = get(name).apply(signal, RATE, level, RNG)
    correlation = correlate(coded, signal, method="fft")
    assert abs(int(correlation.argmax()) - (len(signal) - 1)) <= 1


@pytest.mark.parametrize("name", ["mp3", "opus", "vorbis", "adpcm"])
def test_more_bits_leave_less_error(name):
    signal = band_of_speech()
    levels = get(name).levels
    errors = [np.mean((get(name).apply(signal, RATE, each, RNG) - signal) ** 2) for each in levels]
    assert errors[0] < errors[-1]
    # neighbouring settings of a coder that listens may swap places, but not by much
    assert all(after > 0.8 * before for before, after in itertools.pairwise(errors))


def test_more_gsm_calls_in_a_row_leave_more_error():
    signal = band_of_speech()
    errors = [np.mean((get("gsm").apply(signal, RATE, each, RNG) - signal) ** 2) for each in (1.0, 2.0, 4.0)]
    assert errors == sorted(errors)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 48000])
def test_mp3_has_the_bit_rate_that_was_asked_for(rate, monkeypatch):
    sizes = {}
    write = soundfile.write

    def measured(file: io.BytesIO, samples, *args, **options):
        write(file, samples, *args, **options)
        sizes[len(samples)] = file.tell()

    sound = np.random.default_rng(0).uniform(-0.3, 0.3, 3 * rate).astype(np.float32)
    codec.codec_delay.cache_clear()
    monkeypatch.setattr(soundfile, "write", measured)
    for level in next(kbps for lowest, kbps in codec.MP3_KBPS.items() if rate >= lowest):
        sizes.clear()
        for length in (rate, 3 * rate):
            get("mp3").apply(sound[:length], rate, level, RNG)
        shorter, longer = min(sizes), max(sizes)
        assert longer - shorter == 2 * rate
        # of two seconds more; a frame is up to 4 % of them, and levels differ by 14 % or more
        assert (sizes[longer] - sizes[shorter]) * 8 / 2000 == pytest.approx(level, rel=0.06)


def mulaw_worked_out(signal):
    """G.711 µ-law by its segments: 14-bit magnitude plus 33, eight segments of sixteen steps."""
    magnitude = np.minimum(np.abs(signal) * 8192, 8158) + 33
    segment = np.floor(np.log2(magnitude)) - 5
    step = 2.0 ** (segment + 1)
    return np.sign(signal) * ((np.floor(magnitude / step) + 0.5) * step - 33) / 8192


def test_mulaw_is_g711_worked_out():
    signal = np.random.default_rng(1).uniform(-0.95, 0.95, 8000).astype(np.float32)
    coded = get("mulaw").apply(signal, 8000, 1.0, RNG)
    wanted = mulaw_worked_out(np.trunc(signal.astype(float) * 32768) / 32768)
    # libsndfile rounds to 16 bits first, and a sample on the edge of a step may fall on either side
    agrees = np.abs(coded - wanted) <= 1.5 / 32768
    assert agrees.mean() > 0.98


def test_mulaw_twice_is_mulaw_once():
    signal = band_of_speech()[::2]
    once = get("mulaw").apply(signal, 8000, 1.0, RNG)
    np.testing.assert_array_equal(get("mulaw").apply(once, 8000, 1.0, RNG), once)


@pytest.mark.parametrize("name", ["gsm", "mulaw", "alaw", "adpcm"])
def test_telephone_codecs_pass_nothing_above_4_khz(name):
    signal = speechlike() + band_of_speech(2 * RATE, 5000, 7000)
    spectrum = np.abs(np.fft.rfft(get(name).apply(signal, RATE, get(name).levels[0], RNG))) ** 2
    assert spectrum[2 * 4200 :].sum() < 1e-6 * spectrum.sum()


@pytest.mark.parametrize(("name", "level"), EVERY_CODEC)
def test_sound_beyond_full_scale_is_coded_and_not_clipped(name, level):
    signal = speechlike()
    quiet, loud = (get(name).apply(signal * f, RATE, level, RNG) for f in (np.float32(2), np.float32(8)))
    # both are scaled to a peak of 1 before coding: 2 · 0.5 and 8 · 0.5
    np.testing.assert_allclose(loud, 4 * quiet, atol=1e-5)


def test_bit_rates_that_a_codec_does_not_have_are_refused_with_those_it_has():
    with pytest.raises(AudioError, match=r"MP3 has no 50 kbit/s at 16000 .*available: 16, 24"):
        get("mp3").apply(speechlike(), RATE, 50.0, RNG)
    with pytest.raises(AudioError, match=r"ADPCM has no 30 kbit/s .*available: 40, 32, 24"):
        get("adpcm").apply(speechlike(), RATE, 30.0, RNG)


def test_refusal_of_libsndfile_is_a_sentence():
    with pytest.raises(AudioError, match="libsndfile cannot encode this clip as GSM610"):
        codec.round_trip(speechlike(), 8000, "FLAC", "GSM610")
