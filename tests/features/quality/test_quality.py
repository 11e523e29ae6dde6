"""Sound quality: ITU-T P.56 and segmental SNR against a second writing, and known values of PESQ and STOI."""

import importlib.util
import math

import numpy as np
import pytest

from sertools.features.quality.active_level import HANGOVER_S, active_level
from sertools.features.quality.measure import VISQOL_PACKAGES, QualityMeasure, absent, quality
from sertools.features.quality.segmental import aligned, segmental_snr
from sertools.inference.decode import decode
from sertools.tables.changed.quality import (
    BEST_PESQ,
    LEVEL_CHANGE,
    MEASURES,
    PESQ,
    SEGMENTAL_SNR,
    STOI,
    VISQOL,
)
from sertools.tables.condition import Condition
from tests.helpers.small import noises

RATE = 16000

needs_packages = pytest.mark.skipif(
    bool(absent()), reason="the extra quality is not installed: pesq is compiled, which needs a C compiler"
)


def tone(seconds, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)


def speech_like(seed=0, seconds=2.0):
    """Bursts of tones with pauses, which PESQ takes for speech."""
    rng = np.random.default_rng(seed)
    n = int(seconds * RATE)
    slow = np.maximum(np.sin(2 * np.pi * 3 * np.arange(n) / RATE), 0)
    voice = sum(np.sin(2 * np.pi * 120 * k * np.arange(n) / RATE) / k for k in range(1, 20))
    return (0.1 * slow * voice + 1e-4 * rng.normal(size=n)).astype(np.float32)


def naive_active_level(x, rate):
    """P.56 as the recommendation writes it, sample by sample, then a search for 15.9 dB by bisection."""
    g, hangover = math.exp(-1 / (0.03 * rate)), math.ceil(HANGOVER_S * rate)
    thresholds = [2.0**-k for k in range(15, -1, -1)]
    counts, since = [0] * 16, [hangover] * 16
    p = q = energy = 0.0
    for sample in x:
        energy += sample * sample
        p = g * p + (1 - g) * abs(sample)
        q = g * q + (1 - g) * p
        for j, c in enumerate(thresholds):
            if q >= c:
                counts[j], since[j] = counts[j] + 1, 0
            elif since[j] < hangover:
                counts[j], since[j] = counts[j] + 1, since[j] + 1
    known = [j for j in range(16) if counts[j]]
    a = [10 * math.log10(energy / counts[j]) for j in known]
    c = [20 * math.log10(thresholds[j]) for j in known]
    for j in range(1, len(known)):
        if a[j] - c[j] <= 15.9:
            low, high = 0.0, 1.0
            for _ in range(60):
                middle = (low + high) / 2
                level = a[j - 1] + middle * (a[j] - a[j - 1])
                at = c[j - 1] + middle * (c[j] - c[j - 1])
                low, high = (middle, high) if level - at > 15.9 else (low, middle)
            return a[j - 1] + low * (a[j] - a[j - 1])
    return a[-1]


def test_the_active_level_is_that_of_a_second_writing():
    rng = np.random.default_rng(1)
    x = np.concatenate([tone(0.3), np.zeros(6000), 0.05 * rng.normal(size=4000), np.zeros(5000), tone(0.1)])
    assert active_level(x, RATE)[0] == pytest.approx(naive_active_level(x, RATE), abs=1e-9)


def test_pauses_do_not_lower_the_active_level():
    spoken = np.concatenate([np.concatenate([tone(1.0), np.zeros(RATE)]) for _ in range(3)])
    level, activity = active_level(spoken, RATE)
    # of 2 s, 1 s is spoken, .2 s is the hangover, and the two filters fade for less than .1 s
    assert 0.6 < activity < 0.65
    spoken_level = 20 * math.log10(0.5 / math.sqrt(2))
    assert level == pytest.approx(spoken_level - 10 * math.log10(2 * activity), abs=1e-9)
    assert active_level(spoken / 2, RATE)[0] == pytest.approx(level - 20 * math.log10(2), abs=1e-9)
    assert np.isnan(active_level(np.zeros(RATE), RATE)).all()


def test_segmental_snr_is_that_of_a_second_writing_and_ignores_shifts():
    rng = np.random.default_rng(2)
    x = speech_like()
    y = x + 0.01 * rng.normal(size=len(x))
    ratios, energies = [], []
    for start in range(0, len(x) - 480 + 1, 240):
        part, other = x[start : start + 480].astype(float), y[start : start + 480].astype(float)
        energies.append((part**2).sum())
        ratios.append(10 * math.log10(energies[-1] / ((part - other) ** 2).sum()))
    loud = [min(35, max(-10, r)) for r, e in zip(ratios, energies, strict=True) if e > max(energies) * 1e-4]
    assert segmental_snr(x, y, RATE) == pytest.approx(np.mean(loud), abs=1e-9)
    shifted = np.concatenate([np.zeros(500, np.float32), x])
    assert segmental_snr(x, shifted, RATE) == 35
    assert segmental_snr(x, x[300:], RATE) == 35
    one, other = aligned(x, shifted, RATE)
    np.testing.assert_array_equal(one, other)
    assert math.isnan(segmental_snr(np.zeros(RATE), x, RATE))


@needs_packages
def test_equal_clips_have_the_best_quality_and_noise_lowers_it():
    x = speech_like()
    same = quality(x, x, MEASURES)
    assert same[PESQ] == pytest.approx(BEST_PESQ, abs=1e-5)
    assert same[STOI] == pytest.approx(1, abs=1e-6)
    assert (same[SEGMENTAL_SNR], same[LEVEL_CHANGE]) == (35, 0)
    noise = np.random.default_rng(0).normal(size=len(x)).astype(np.float32)
    mild, strong = (quality(x, x + size * noise, MEASURES) for size in (1e-3, 3e-2))
    for name in (PESQ, STOI, SEGMENTAL_SNR):
        assert same[name] > mild[name] > strong[name]
    louder = quality(x, 1.5 * x, MEASURES)
    assert louder[LEVEL_CHANGE] == pytest.approx(20 * math.log10(1.5), abs=0.1)
    assert louder[PESQ] > 4.5, "PESQ ignores a change of level; P.56 measures it"


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in VISQOL_PACKAGES.values()),
    reason="the extra visqol is not installed",
)
def test_visqol_falls_with_noise_and_is_undefined_without_speech():
    x = speech_like()
    noise = np.random.default_rng(0).normal(size=len(x)).astype(np.float32)
    same, strong = (quality(x, x + size * noise, [VISQOL])[VISQOL] for size in (0, 3e-2))
    assert 5 > same > strong > 0.9
    assert math.isnan(quality(x[:1600], x[:1600], [VISQOL])[VISQOL])
    assert math.isnan(quality(0 * x, x, [VISQOL])[VISQOL])


@needs_packages
def test_silence_and_short_clips_are_undefined_and_never_zero():
    short = speech_like(seconds=0.1)
    found = quality(short, short, MEASURES)
    assert math.isnan(found[STOI])
    silent = quality(np.zeros(RATE, np.float32), np.zeros(RATE, np.float32), MEASURES)
    assert all(math.isnan(value) for value in silent.values())


@needs_packages
def test_the_measure_reads_both_signals_of_a_clip(tmp_path):
    corpus, measure = noises(tmp_path), QualityMeasure()
    clip = str(corpus.clips.index[0])
    padded = decode(corpus, clip, measure, Condition(perturbation="append_zeros", level=500, unit="samples"))
    signal = corpus.signal(clip, RATE)
    assert padded.signal.shape == (len(signal) + 500, 2)
    np.testing.assert_array_equal(padded.signal[: len(signal), 0], signal)
    assert np.isnan(padded.signal[len(signal) :, 0]).all()
    assert not padded.signal[len(signal) :, 1].any()
    gain = decode(corpus, clip, measure, Condition(perturbation="gain", level=-20 * math.log10(2), unit="dB"))
    row = dict(zip(MEASURES, measure.predict([gain.signal]).scores[0], strict=True))
    assert row[LEVEL_CHANGE] == pytest.approx(-6.0206, abs=1e-3)  # samples are float32
