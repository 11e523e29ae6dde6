"""The same parameters give the same sound as audEERING's auglib, where both define the same thing."""

import warnings

import numpy as np
import pytest

from sertools.perturbations.registry import get

with warnings.catch_warnings():
    # what its dependencies deprecate is not ours to judge
    warnings.simplefilter("ignore")
    auglib = pytest.importorskip("auglib", reason="the oracle auglib is not installed")

RATE = 16000
SIGNAL = (0.1 * np.random.default_rng(0).standard_normal(30000)).astype(np.float32)


def augmented(transform, signal=SIGNAL):
    changed = transform(signal.copy()[None], RATE)
    return changed[0]


@pytest.mark.parametrize(
    ("name", "level", "transform"),
    [
        *[("gain", g, lambda g: auglib.transform.GainStage(g)) for g in (-2.0, -1.0, 1.0, 2.0)],
        *[("clip", r, lambda r: auglib.transform.ClipByRatio(r / 100)) for r in (0.1, 0.2, 0.3)],
        *[("highpass", f, lambda f: auglib.transform.HighPass(f, order=1)) for f in (50.0, 100.0, 150.0)],
        *[("lowpass", f, lambda f: auglib.transform.LowPass(f, order=1)) for f in (7500.0, 7000.0, 6500.0)],
        *[
            ("append_zeros", n, lambda n: auglib.transform.AppendValue(int(n), unit="samples"))
            for n in (100.0, 500.0, 1000.0)
        ],
        *[
            ("prepend_zeros", n, lambda n: auglib.transform.PrependValue(int(n), unit="samples"))
            for n in (100.0, 500.0, 1000.0)
        ],
        *[
            (
                "crop_beginning",
                n,
                lambda n: auglib.transform.Trim(start_pos=int(n), duration=None, unit="samples"),
            )
            for n in (100.0, 500.0, 1000.0)
        ],
        *[
            ("crop_end", n, lambda n: auglib.transform.Trim(end_pos=int(n), duration=None, unit="samples"))
            for n in (100.0, 500.0, 1000.0)
        ],
    ],
)
def test_deterministic_small_changes_are_those_of_auglib(name, level, transform):
    ours = get(name).apply(SIGNAL, RATE, level, np.random.default_rng(0))
    np.testing.assert_allclose(ours, augmented(transform(level)), atol=1e-6)


@pytest.mark.parametrize("level", [40.0, 45.0, 50.0])
def test_rms_tone_is_that_of_auglib_at_the_frequency_we_drew(level):
    frequency_hz = int(np.random.default_rng(5).integers(5000, 7001))
    ours = get("additive_tone_rms").apply(SIGNAL, RATE, level, np.random.default_rng(5))
    theirs = augmented(auglib.transform.Tone(frequency_hz, snr_db=level))
    np.testing.assert_allclose(ours[:5000], theirs[:5000], atol=1e-6)
    # auglib computes its phase in float32, which is off by up to 2π · 7000 · 2 s · 6e-8 = 5e-3 rad at the
    # end, for a tone of amplitude 1.4e-3
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_white_noise_of_auglib_has_our_level():
    theirs = augmented(auglib.transform.WhiteNoiseGaussian(snr_db=20.0)) - SIGNAL
    ours = get("white_noise").apply(SIGNAL, RATE, 20.0, np.random.default_rng(0)) - SIGNAL
    # auglib scales by the expected deviation, we by the drawn one: 1 / sqrt(2 n) = 0.4 %, four of them
    assert np.std(theirs) == pytest.approx(np.std(ours), rel=0.016)
