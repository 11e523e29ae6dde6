import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sertools.perturbations.registry import get

pytest.importorskip("audiomentations", reason="pitch and tempo need audiomentations")

RATE = 16000
RNG = np.random.default_rng


def sine(frequency_hz=440.0, samples=2 * RATE):
    return (0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / RATE)).astype(np.float32)


def peak_hz(signal):
    """Frequency of the strongest sine, from a spectrum padded to steps of 0.015 Hz."""
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), 2**20))
    return spectrum.argmax() * RATE / 2**20


@pytest.mark.parametrize(("name", "sign"), [("pitch_up", 1), ("pitch_down", -1)])
@pytest.mark.parametrize("level", [0.25, 1.0, 4.0])
def test_pitch_moves_by_semitones_and_the_duration_stays(name, sign, level):
    changed = get(name).apply(sine(), RATE, level, RNG(0))
    assert len(changed) == 2 * RATE
    # the stretcher is good to about 1.5 Hz: 6 cents at 440 Hz
    assert 12 * np.log2(peak_hz(changed) / 440) == pytest.approx(sign * level, abs=0.06)


@pytest.mark.parametrize(("name", "sign"), [("tempo_up", 1), ("tempo_down", -1)])
@pytest.mark.parametrize("level", [1.0, 5.0, 20.0])
def test_tempo_changes_the_duration_and_the_pitch_stays(name, sign, level):
    changed = get(name).apply(sine(), RATE, level, RNG(0))
    assert len(changed) == round(2 * RATE / (1 + sign * level / 100))
    assert peak_hz(changed) == pytest.approx(440, abs=1)


def test_sound_stays_where_it_was():
    signal = sine()
    signal[:8000] = signal[12000:] = 0
    for name, factor in (("pitch_up", 1), ("tempo_up", 1.05)):
        changed = get(name).apply(signal, RATE, 5.0 if factor > 1 else 2.0, RNG(0)).astype(float) ** 2
        centre = np.sum(np.arange(len(changed)) * changed) / changed.sum()
        # a hundredth of a second
        assert centre == pytest.approx(10000 / factor, abs=160)


def legacy_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002 - what audiomentations draws from is watched


def test_process_wide_random_states_are_left_alone():
    states = random.getstate(), legacy_state()
    get("pitch_up").apply(sine(), RATE, 1.0, RNG(0))
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(legacy_state(), states[1])


def test_threads_leave_the_random_states_alone_and_agree_with_one_thread():
    states = random.getstate(), legacy_state()
    seeds = [0, 1] * 8
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda seed: get("pitch_up").apply(sine(), RATE, 1.0 + seed, RNG(seed)), seeds))
    for seed, changed in zip(seeds, made, strict=True):
        np.testing.assert_array_equal(changed, made[seed])
    assert not np.array_equal(made[0], made[1])
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(legacy_state(), states[1])
