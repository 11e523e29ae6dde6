import numpy as np
import pandas as pd
import pytest

from sertools.audio import opensmile
from sertools.audio.files import read_audio
from sertools.features.functionals import Functionals, in_hz, mean_f0_hz
from sertools.tables.egemaps import FEATURES
from tests.helpers.places import ROOT

RAVDESS = ROOT.parent / "shared/data/ravdess"


def voice(f0_hz, rate=16000, seconds=1.0):
    """A vowel-like sound: 30 harmonics that fall by 12 dB an octave."""
    t = np.arange(int(rate * seconds)) / rate
    parts = [np.sin(2 * np.pi * f0_hz * k * t) / k**2 for k in range(1, 31) if k * f0_hz < rate / 2]
    return (0.2 * np.sum(parts, axis=0)).astype(np.float32)


def test_the_mean_leaves_out_what_no_voice_has():
    assert mean_f0_hz(np.array([np.nan, 49.9, 50.0, 350.0, 350.1])) == 200.0
    assert np.isnan(mean_f0_hz(np.array([np.nan, 400.0])))


@pytest.mark.parametrize("f0_hz", [90.0, 150.0, 240.0])
def test_the_f0_of_a_steady_voice_is_found(f0_hz):
    pytest.importorskip("opensmile")
    found = Functionals().predict([voice(f0_hz)]).scores
    # tolerance: the tracker interpolates between bins of its spectrum
    assert found.shape == (1, 89)
    assert found[0, -1] == pytest.approx(f0_hz, rel=0.02)


def test_a_clip_without_voice_has_no_f0():
    pytest.importorskip("opensmile")
    measure = Functionals()
    scores = measure.predict([np.zeros(16000, np.float32)]).scores
    assert measure.columns(pd.DataFrame(scores, columns=list(measure.labels)))["f0_hz"].isna().all()


def test_the_contour_is_in_hz_every_10_ms():
    pytest.importorskip("opensmile")
    contour = in_hz(opensmile.analyses([voice(200.0)])[0].rows[:, FEATURES.index(opensmile.PITCH)])
    assert len(contour) == pytest.approx(95, abs=5), "a window of 60 ms does not reach the end"
    assert np.nanmedian(contour) == pytest.approx(200, rel=0.02)


def test_men_speak_lower_than_women():
    pytest.importorskip("opensmile")
    if not RAVDESS.is_dir():
        pytest.skip("shared/data/ravdess is not there")
    files = [f"audio/03-01-01-01-01-01-{actor}.flac" for actor in ("01", "02", "03", "04", "05", "06")]
    f0 = Functionals().predict([read_audio(RAVDESS / file, 16000) for file in files]).scores[:, -1]
    assert f0[::2].max() < f0[1::2].min()
