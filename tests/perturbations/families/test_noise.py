import numpy as np
import pytest

from sertools.errors import AudioError
from sertools.perturbations.registry import get

RATE = 16000
RNG = np.random.default_rng


def tone(samples=16000, frequency_hz=200.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / RATE)).astype(np.float32)


def rms(signal):
    return np.sqrt(np.mean(np.asarray(signal, float) ** 2))


def added(name, signal, level, seed=0):
    return get(name).apply(signal, RATE, level, RNG(seed)).astype(float) - signal


@pytest.mark.parametrize("level", [40.0, 45.0, 50.0, 10.0])
@pytest.mark.parametrize("seed", range(5))
def test_tone_has_the_peak_snr_and_a_whole_frequency_in_range(level, seed):
    # one second, so that each bin is one hertz
    sound = added("additive_tone", tone(), level, seed)
    spectrum = np.abs(np.fft.rfft(sound)) * 2 / RATE
    frequency_hz = spectrum.argmax()
    assert 5000 <= frequency_hz <= 7000
    # |x| peaks at 0.5; float32 rounding of the sum costs less than 1e-3 dB at 50 dB
    assert 20 * np.log10(0.5 / spectrum[frequency_hz]) == pytest.approx(level, abs=1e-3)
    assert sound[0] == 0


@pytest.mark.parametrize("level", [40.0, 45.0, 50.0])
def test_rms_tone_has_the_rms_snr(level):
    signal = tone()
    assert 20 * np.log10(rms(signal) / rms(added("additive_tone_rms", signal, level))) == pytest.approx(
        level, abs=1e-3
    )


def test_peak_and_rms_snr_differ_by_the_crest_factor():
    signal = np.zeros(16000, np.float32)
    signal[:160] = 1.0
    # peak 1, rms 0.1: amplitudes 1 · g and sqrt(2) · 0.1 · g of the same tone
    ratio = rms(added("additive_tone", signal, 20.0)) / rms(added("additive_tone_rms", signal, 20.0))
    assert ratio == pytest.approx(1 / (np.sqrt(2) * 0.1), rel=1e-5)


def test_all_frequencies_are_drawn_alike():
    drawn = []
    for seed in range(300):
        sound = added("additive_tone", tone(), 0.0, seed)
        drawn.append(np.abs(np.fft.rfft(sound)).argmax())
    # mean 6000, sd 577.6 / sqrt(300) = 33.3; four of them
    assert abs(np.mean(drawn) - 6000) < 134
    assert abs(np.std(drawn) - 577.6) < 60


def test_tone_above_half_the_rate_is_refused():
    with pytest.raises(AudioError, match="impossible at 8000 samples"):
        get("additive_tone").apply(tone(), 8000, 40.0, RNG(0))


@pytest.mark.parametrize("name", ["white_noise", "pink_noise", "babble", "recorded_noise"])
@pytest.mark.parametrize("level", [45.0, 35.0, 20.0, 0.0])
@pytest.mark.parametrize("samples", [10, 1600, 33001])
def test_noise_has_the_rms_snr_also_in_short_clips(name, level, samples):
    signal = tone(samples)
    noise = get(name)
    if noise.needs:
        noise = noise.using([tone(900 + i, 300 + 50 * i, 0.01 * i) for i in range(1, 9)])
    sound = noise.apply(signal, RATE, level, RNG(3)).astype(float) - signal
    # rounding of the sum to float32
    assert 20 * np.log10(rms(signal) / rms(sound)) == pytest.approx(level, abs=1e-3)


@pytest.mark.parametrize("name", ["additive_tone", "additive_tone_rms", "white_noise", "pink_noise"])
def test_no_snr_can_be_set_to_digital_silence(name):
    with pytest.raises(AudioError, match="SNR is undefined for digital silence"):
        get(name).apply(np.zeros(100, np.float32), RATE, 20.0, RNG(0))


@pytest.mark.parametrize(("name", "slope_db"), [("white_noise", 0.0), ("pink_noise", -3.0103)])
def test_noise_has_its_colour(name, slope_db):
    power = np.zeros(8193)
    for seed in range(40):
        power += np.abs(np.fft.rfft(added(name, tone(16384), 0.0, seed) * np.hanning(16384))) ** 2
    octaves_hz = 125 * 2.0 ** np.arange(6)
    frequency_hz = np.fft.rfftfreq(16384, 1 / RATE)
    mean_db = [10 * np.log10(power[(frequency_hz >= f) & (frequency_hz < 2 * f)].mean()) for f in octaves_hz]
    # 40 draws of at least 128 bins leave an error of 0.1 dB per octave band
    assert np.polyfit(np.arange(6), mean_db, 1)[0] == pytest.approx(slope_db, abs=0.1)


def test_white_noise_is_gaussian():
    sound = added("white_noise", tone(100000), 0.0)
    z = sound / rms(sound)
    # fourth moment 3, with a standard error of sqrt(96 / n) = 0.03
    assert np.mean(z**4) == pytest.approx(3, abs=0.12)


def test_babble_draws_four_to_seven_different_voices_equally_loud():
    # each voice is a sine in a bin of its own, with an own loudness
    voices = [tone(16000, 100.0 * (i + 1), 0.02 * (i + 1)) for i in range(12)]
    babble = get("babble").using(voices)
    silent_bins = tone(16000, 5000.0)
    counts = set()
    for seed in range(60):
        sound = babble.apply(silent_bins, RATE, 0.0, RNG(seed)).astype(float) - silent_bins
        levels = np.abs(np.fft.rfft(sound))[100:1300:100]
        audible = levels > levels.max() / 10
        counts.add(int(audible.sum()))
        np.testing.assert_allclose(levels[audible], levels.max(), rtol=1e-4)
    assert counts == {4, 5, 6, 7}


def test_babble_of_three_clips_is_refused():
    with pytest.raises(AudioError, match="babble needs 4 other clips, there are 3"):
        get("babble").using([tone()] * 3).apply(tone(), RATE, 20.0, RNG(0))


def test_recorded_noise_is_a_stretch_of_a_recording():
    recording = np.arange(1, 5001, dtype=np.float32)
    signal = tone(1000)
    sound = get("recorded_noise").using([recording]).apply(signal, RATE, -20.0, RNG(1)).astype(float) - signal
    # consecutive numbers, scaled: constant steps, whose ratio to the first sample is a whole number
    np.testing.assert_allclose(np.diff(sound), np.diff(sound).mean(), rtol=1e-2)
    first = sound[0] / np.diff(sound).mean()
    assert first == pytest.approx(round(first), abs=0.1)


def test_short_recording_repeats():
    recording = np.array([1.0, -2.0, 4.0], np.float32)
    sound = get("recorded_noise").using([recording]).apply(tone(300), RATE, -40.0, RNG(1)).astype(float)
    sound -= tone(300)
    np.testing.assert_allclose(sound[3:], sound[:-3], rtol=1e-5)
    assert sorted(np.round(sound[:3] / np.abs(sound).max() * 4)) == [-2, 1, 4]


def test_silent_and_empty_recordings_are_refused():
    for recording in (np.zeros(9999, np.float32), np.zeros(0, np.float32)):
        with pytest.raises(AudioError, match=r"digital silence|no samples"):
            get("recorded_noise").using([recording]).apply(tone(), RATE, 20.0, RNG(0))
