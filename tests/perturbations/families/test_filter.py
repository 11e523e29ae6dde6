import numpy as np
import pytest

from sertools.errors import AudioError
from sertools.perturbations.registry import get

RATE = 16000
RNG = np.random.default_rng(0)


def response_db(name, level, frequency_hz, rate=RATE):
    """Gain of a long sine, by its amplitude after the filter has settled, in dB."""
    time_s = np.arange(2 * rate) / rate
    sine = (0.5 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)
    changed = get(name).apply(sine, rate, level, RNG)[rate // 2 : -rate // 2]
    carrier = np.exp(-2j * np.pi * frequency_hz * time_s[rate // 2 : -rate // 2])
    return 20 * np.log10(2 * np.abs(np.mean(changed * carrier)) / 0.5)


@pytest.mark.parametrize(("name", "cutoff_hz"), [("highpass", c) for c in (50, 100, 150, 1200)])
@pytest.mark.parametrize("frequency_hz", [20, 50, 100, 1000, 5000])
def test_highpass_has_the_response_of_a_first_order_butterworth(name, cutoff_hz, frequency_hz):
    # bilinear transform: frequencies are warped by tan(pi f / rate)
    ratio = np.tan(np.pi * frequency_hz / RATE) / np.tan(np.pi * cutoff_hz / RATE)
    wanted = 20 * np.log10(ratio / np.hypot(1, ratio))
    assert response_db(name, float(cutoff_hz), frequency_hz) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("cutoff_hz", [7500, 7000, 6500, 1000])
@pytest.mark.parametrize("frequency_hz", [100, 1000, 6500, 7500])
def test_lowpass_has_the_response_of_a_first_order_butterworth(cutoff_hz, frequency_hz):
    ratio = np.tan(np.pi * frequency_hz / RATE) / np.tan(np.pi * cutoff_hz / RATE)
    wanted = -20 * np.log10(np.hypot(1, ratio))
    assert response_db("lowpass", float(cutoff_hz), frequency_hz) == pytest.approx(wanted, abs=1e-3)


def test_filters_are_the_difference_equation_worked_by_hand():
    signal = np.array([1.0, 0.0, 0.5, -1.0, 0.25], np.float32)
    warped = np.tan(np.pi * 7000 / RATE)
    a, b = (warped - 1) / (warped + 1), warped / (warped + 1)
    wanted, last_x, last_y = [], 0.0, 0.0
    for x in signal.astype(float):
        last_y = b * (x + last_x) - a * last_y
        last_x = x
        wanted.append(last_y)
    np.testing.assert_allclose(get("lowpass").apply(signal, RATE, 7000.0, RNG), wanted, atol=1e-7)


def test_filters_are_causal():
    click = np.zeros(1000, np.float32)
    click[500] = 1
    for name in ("highpass", "lowpass"):
        assert not get(name).apply(click, RATE, 150.0, RNG)[:500].any()


@pytest.mark.parametrize(("name", "rate"), [("lowpass", 12000), ("lowpass", 13000), ("highpass", 100)])
def test_cutoff_at_half_the_rate_or_above_is_refused(name, rate):
    with pytest.raises(AudioError, match=f"impossible at {rate} samples per second"):
        get(name).apply(np.ones(99, np.float32), rate, 6500.0, RNG)


@pytest.mark.parametrize("order", [1, 2, 4, 8])
def test_telephone_band_is_3_db_down_at_its_edges_and_nothing_passes_above_4_khz(order):
    for edge_hz in (300, 3400):
        # the resampler's own edge at 3400 Hz costs up to 0.05 dB
        assert response_db("telephone_band", float(order), edge_hz) == pytest.approx(-3.0103, abs=0.1)
    assert response_db("telephone_band", float(order), 1000) == pytest.approx(0, abs=0.5)
    assert response_db("telephone_band", float(order), 5000) < -80
    assert response_db("telephone_band", float(order), 50) < -12 * order


@pytest.mark.parametrize(("name", "sign"), [("spectral_tilt_up", 1), ("spectral_tilt_down", -1)])
@pytest.mark.parametrize("level", [0.5, 1.0, 3.0, 6.0])
def test_tilt_has_this_slope_and_keeps_the_rms(name, sign, level):
    frequencies_hz = 100 * 2 ** np.arange(7)
    time_s = np.arange(RATE) / RATE
    signal = np.sum(np.sin(2 * np.pi * np.outer(frequencies_hz, time_s)), axis=0).astype(np.float32) / 20
    changed = get(name).apply(signal, RATE, level, RNG)
    before, after = (np.abs(np.fft.rfft(x * np.hanning(RATE)))[frequencies_hz] for x in (signal, changed))
    slopes_db = np.diff(20 * np.log10(after / before))
    # seven sines under a window: the filter's ringing at the edges stays below 0.02 dB
    np.testing.assert_allclose(slopes_db, sign * level, atol=0.02)
    assert np.mean(changed.astype(float) ** 2) == pytest.approx(np.mean(signal.astype(float) ** 2), rel=1e-6)


def test_tilt_up_and_down_undo_each_other():
    rng = np.random.default_rng(5)
    signal = np.convolve(rng.standard_normal(RATE), np.hanning(64), mode="same").astype(np.float32) / 50
    signal *= np.hanning(RATE).astype(np.float32)
    there = get("spectral_tilt_up").apply(signal, RATE, 3.0, RNG)
    back = get("spectral_tilt_down").apply(there, RATE, 3.0, RNG)
    # what rang beyond the ends of the clip is gone for good
    np.testing.assert_allclose(back, signal, atol=2e-3 * np.abs(signal).max())


def test_tilt_leaves_no_ghost_at_the_other_end():
    click = np.zeros(RATE, np.float32)
    click[-1] = 1
    changed = get("spectral_tilt_down").apply(click, RATE, 6.0, RNG)
    assert np.abs(changed[:100]).max() < 1e-3 * np.abs(changed).max()
