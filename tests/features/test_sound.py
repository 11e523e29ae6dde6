import numpy as np
import pandas as pd
import pytest

from sertools.audio import opensmile
from sertools.features.functionals import Functionals
from sertools.features.sound import MISSING, RATE_HZ, SoundMeasures, frame_power, sound_of
from sertools.tables.columns import SOUND_COLUMNS
from sertools.tables.egemaps import FUNCTIONAL_COLUMNS, FUNCTIONALS, group_of, readable


def bursts(*, per_second=4, seconds=3.0, noise_db=-60.0, seed=0):
    """Noise bursts at −20 dB, 60 % of each period, after and before half a second of the noise alone."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE_HZ)
    on = (np.arange(n) % (RATE_HZ // per_second)) < 0.6 * RATE_HZ / per_second
    speech = np.pad(rng.normal(0, 0.1, n) * on, RATE_HZ // 2)
    return speech + rng.normal(0, 10 ** (noise_db / 20), len(speech))


def test_level_is_that_of_a_sine_in_full_scale():
    sine = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)
    found = sound_of(sine)
    assert found["level_dbfs"] == pytest.approx(10 * np.log10(0.5), abs=1e-9)
    assert found["duration_s"] == 1.0
    assert found["active_share"] == 1.0
    assert np.isnan(found["snr_db"])  # a steady sound has no pauses from which to tell the noise


@pytest.mark.parametrize("snr_db", [10, 20, 30])
def test_signal_to_noise_ratio_of_bursts_in_noise_is_recovered(snr_db):
    # ± 1 dB: frames at the edges of bursts are active only in part
    assert sound_of(bursts(noise_db=-20 - snr_db))["snr_db"] == pytest.approx(snr_db, abs=1.0)


@pytest.mark.parametrize("per_second", [2, 4, 6])
def test_bursts_are_counted_as_syllables(per_second):
    # one burst more or less at the ends
    assert sound_of(bursts(per_second=per_second))["speech_rate"] == pytest.approx(per_second, abs=0.5)


def test_bandwidth_ends_where_a_filter_cuts():
    from scipy.signal import butter, sosfilt

    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ)
    narrow = sosfilt(butter(16, 3400, fs=RATE_HZ, output="sos"), noise)
    assert sound_of(noise)["bandwidth_hz"] == 8000
    assert sound_of(narrow)["bandwidth_hz"] == pytest.approx(4600, abs=500)  # −50 dB, not the edge


def test_silence_has_a_length_and_nothing_else_and_padding_changes_no_level_of_a_frame():
    found = sound_of(np.zeros(RATE_HZ))
    assert found.pop("duration_s") == 1.0
    assert np.isnan(list(found.values())).all()
    padded = sound_of(np.pad(bursts(), RATE_HZ))
    assert padded["snr_db"] == pytest.approx(sound_of(bursts())["snr_db"], abs=0.5)


def test_frame_power_is_the_mean_square_of_each_frame():
    x = np.random.default_rng(0).normal(size=1000)
    naive = [np.mean(x[i : i + 320] ** 2) for i in range(0, 681, 160)]
    assert frame_power(x) == pytest.approx(naive, abs=1e-12)
    assert frame_power(x[:100]) == pytest.approx([np.mean(x[:100] ** 2)])


@pytest.mark.parametrize("n", [0, 1, 100, 319, 320, 500])
def test_very_short_clips_are_measured_or_missing(n):
    scores = SoundMeasures().predict([np.full(n, 0.1, dtype=np.float32)]).scores
    assert np.isfinite(scores).all()
    assert scores[0, 0] == n / RATE_HZ


def test_undefined_values_are_missing_in_the_columns():
    frame = pd.DataFrame([[1.0, MISSING]], columns=SOUND_COLUMNS[:2])
    assert SoundMeasures().columns(frame).isna().to_numpy().tolist() == [[False, True]]


def test_names_of_functionals_are_those_of_opensmile():
    assert list(FUNCTIONALS) == opensmile.extractor().feature_names
    assert {group_of(name) for name in FUNCTIONALS} == {
        *("pitch", "loudness", "tempo", "voice quality", "formants", "MFCC", "spectrum")
    }


def test_every_functional_has_a_name_in_words():
    words = [readable(name) for name in FUNCTIONALS]
    assert len(set(words)) == len(words)
    assert not any("_" in each or "sma3" in each for each in words)


def test_functionals_are_those_of_opensmile():
    clip = bursts().astype(np.float32)
    found = Functionals().columns(
        pd.DataFrame(Functionals().predict([clip]).scores, columns=list(Functionals().labels))
    )[list(FUNCTIONAL_COLUMNS)]
    expected = opensmile.functionals([clip])
    assert found.iloc[0].to_numpy(dtype=float) == pytest.approx(expected[0], nan_ok=True)
