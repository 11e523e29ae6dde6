import io

import numpy as np
import pytest
from PIL import Image

from sertools.audio.spectrogram import HEIGHT, SHADES, WAVE, WIDTH, decibels, picture, waveform

RATE = 16000


def sine(hz: float, amplitude: float = 1.0, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(
    ("hz", "amplitude", "db"), [(1000, 1.0, 0.0), (4000, 0.1, -20.0), (6000, 0.01, -40.0)]
)
def test_a_sine_has_its_level_at_its_frequency(hz, amplitude, db):
    levels = decibels(sine(hz, amplitude), RATE)[:, WIDTH // 2]
    assert abs((levels.argmax() + 0.5) * RATE / 2 / HEIGHT - hz) <= RATE / 2 / HEIGHT
    # tolerance: a pixel is the mean of two bins of the transform, and the sine lies on one or between both
    assert db - 3.1 <= levels.max() <= db + 0.1


def test_silence_is_below_the_scale_and_finite():
    assert (decibels(np.zeros(RATE, dtype=np.float32), RATE) == -200).all()


def test_time_runs_to_the_right():
    signal = np.concatenate([np.zeros(RATE), sine(2000)])
    levels = decibels(signal, RATE).max(axis=0)
    assert (levels[: WIDTH // 2 - 20] == -200).all()
    assert (levels[WIDTH // 2 + 20 : -20] > -4).all()


def test_the_waveform_reaches_from_the_lowest_to_the_highest_sample():
    signal = np.zeros(WIDTH * 10, dtype=np.float32)
    signal[5], signal[15] = 1.0, -1.0
    covered = waveform(signal)
    assert covered.shape == (WAVE, WIDTH)
    middle = round((WAVE - 1) / 2)
    assert covered[: middle + 1, 0].all()
    assert not covered[middle + 1 :, 0].any()
    assert covered[middle:, 1].all()
    assert not covered[:middle, 1].any()
    assert covered[:, 2:].sum() == WIDTH - 2


@pytest.mark.parametrize("n", [1, 2, 100, 479, 480, 481, 8000, 100_000])
@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_sound_of_any_length_becomes_a_picture_of_one_size(n, rate):
    drawn = Image.open(io.BytesIO(picture(np.full(n, 0.25, dtype=np.float32), rate)))
    assert drawn.size == (WIDTH, WAVE + 1 + HEIGHT)
    assert drawn.format == "PNG"


def test_high_frequencies_are_above_low_ones_and_loud_ones_brightest():
    drawn = np.asarray(Image.open(io.BytesIO(picture(sine(7000), RATE))))[WAVE + 1 :, WIDTH // 2]
    assert drawn[: HEIGHT // 4].max() == SHADES - 1
    assert drawn[HEIGHT // 2 :].max() == 0


def test_the_same_sound_gives_the_same_bytes():
    assert picture(sine(440), RATE) == picture(sine(440), RATE)
