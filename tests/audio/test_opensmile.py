"""What openSMILE writes, without what is no measurement, and at the right time."""

import numpy as np
import pytest

from sertools.audio import opensmile
from sertools.audio.opensmile import RATE_HZ, aligned, cleaned, features
from sertools.tables.egemaps import FEATURES

pytest.importorskip("opensmile", reason="opensmile is not installed: pip install opensmile")

AT = {name: i for i, name in enumerate(FEATURES)}
T_S = np.arange(3 * RATE_HZ) / RATE_HZ


def voice(pitch_hz, level=0.1):
    """A sum of harmonics with a course of pitch over 3 s."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(pitch_hz, T_S.shape)) / RATE_HZ
    return (level * sum(np.sin(k * phase) / k for k in range(1, 20))).astype(np.float32)


def rows_s(rows):
    return opensmile.FIRST_S + opensmile.STEP_S * np.arange(len(rows))


def test_pitch_stands_at_its_time():
    rows = features(voice(120 + 40 * np.sin(2 * np.pi * T_S)))
    times, semitones = rows_s(rows), rows[:, AT[opensmile.PITCH]]
    inside = (times > 0.3) & (times < 2.6)
    measured = 27.5 * 2 ** (semitones[inside] / 12)

    def error(lag_s):
        return np.abs(measured - (120 + 40 * np.sin(2 * np.pi * (times[inside] + lag_s)))).mean()

    # openSMILE rounds pitch, and its smoothing flattens the turns a little
    assert error(0) < 0.5
    assert error(0) < error(0.01)
    assert error(0) < error(-0.01)


def test_loudness_stands_at_its_time():
    level = 0.1 * (1 + 0.5 * np.sin(2 * np.pi * 2 * T_S))
    rows = features((np.sin(2 * np.pi * 500 * T_S) * level).astype(np.float32))
    times, loudness = rows_s(rows), rows[:, AT["Loudness_sma3"]]
    inside = (times > 0.3) & (times < 2.6)

    def likeness(lag_s):
        return np.corrcoef(loudness[inside], np.sin(2 * np.pi * 2 * (times[inside] + lag_s)))[0, 1]

    assert likeness(0) > max(likeness(0.01), likeness(-0.01))


def test_without_a_voice_what_hangs_on_it_is_undefined():
    burst = voice(150) * ((T_S >= 1) & (T_S < 2)) + 1e-4 * np.random.default_rng(0).standard_normal(len(T_S))
    rows = features(burst.astype(np.float32))
    times = rows_s(rows)
    quiet = (times < 0.9) | (times > 2.1)
    for name in opensmile.LONG:
        assert np.isnan(rows[quiet, AT[name]]).all(), name
    assert np.isfinite(rows[:, AT["Loudness_sma3"]]).all()
    assert np.isfinite(rows[(times > 1.2) & (times < 1.9)]).all(axis=1).mean() > 0.9


def test_digital_silence_has_no_frame_in_which_all_is_defined():
    rows = features(np.zeros(RATE_HZ, dtype=np.float32))
    assert len(rows) > 90
    assert not np.isfinite(rows).all(axis=1).any()
    for name in opensmile.FORMANTS:
        assert np.isnan(rows[:, AT[name]]).all()


@pytest.mark.parametrize("samples", [1, 300, 959, 960, 1200])
def test_a_clip_too_short_for_a_window_has_no_row_or_no_defined_one(samples):
    rows = features(voice(150)[:samples])
    assert rows.shape[1] == len(FEATURES)
    assert len(rows) == 0 or samples >= 960
    assert not np.isfinite(rows).all(axis=1).any()


def raw_rows(n):
    """Rows as openSMILE writes them: every feature 1 + its column, all voiced."""
    return np.tile(1.0 + np.arange(len(FEATURES), dtype=np.float32), (n, 1))


def test_sentinels_become_nan_with_the_neighbours_that_smoothing_mixed_them_into():
    raw = raw_rows(10)
    raw[4, AT[opensmile.PITCH]] = 0
    raw[7, AT["jitterLocal_sma3nz"]] = 0
    rows = cleaned(raw)
    pitch, jitter, amplitude = (
        np.flatnonzero(np.isnan(rows[:, AT[name]])).tolist()
        for name in (opensmile.PITCH, "jitterLocal_sma3nz", "F2amplitudeLogRelF0_sma3nz")
    )
    # by hand: what is about row i was written in row i − 2; the first two rows are empty
    assert pitch == [0, 1, 6]
    assert jitter == [0, 1, 6, 9]
    assert amplitude == [0, 1, 2, 5, 6, 7]  # row 0 of openSMILE has no neighbour before it
    assert np.isfinite(rows[:, AT["mfcc1_sma3"]]).all()
    assert np.array_equal(raw, np.where(raw == 0, 0, raw_rows(10))), "the input stays as it was"


def test_frames_have_the_mean_of_the_rows_whose_centres_lie_in_them():
    # rows are about 10, 20, 30 … ms; frames of 20 ms about 12.5 ms, 32.5 ms … reach from 2.5 to 22.5 ms …
    rows = np.arange(12, dtype=np.float32)[:, None].repeat(2, axis=1)
    rows[4, 1] = np.nan
    rows[6:8, 1] = np.nan
    found = aligned(rows, 0.0125, 0.02, 7)
    assert found[:, 0].tolist()[:6] == [0.5, 2.5, 4.5, 6.5, 8.5, 10.5]
    assert np.isnan(found[6, 0])
    assert found[:3, 1].tolist() == [0.5, 2.5, 5.0]
    assert np.isnan(found[3, 1])


def test_frames_that_end_at_a_row_leave_it_to_the_next():
    rows = np.arange(6, dtype=np.float32)[:, None]
    assert aligned(rows, 0.02, 0.02, 3)[:, 0].tolist() == [0.5, 2.5, 4.5]


def test_frames_shorter_than_a_row_have_the_nearest():
    rows = np.arange(3, dtype=np.float32)[:, None]
    found = aligned(rows, 0.0025, 0.005, 8)[:, 0]  # about 2.5, 7.5, 12.5, … 37.5 ms
    assert found[1:6].tolist() == [0, 0, 1, 1, 2]
    assert np.isnan(found[7])


def test_a_naive_mean_agrees_on_any_grid():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200, 3)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.3] = np.nan
    for first_s, step_s, n in [(0.0125, 0.02, 99), (0.005, 0.02, 101), (0.155, 0.32, 6), (0.0325, 0.02, 90)]:
        found = aligned(rows, first_s, step_s, n)
        for t in range(n):
            low, high = first_s + (t - 0.5) * step_s, first_s + (t + 0.5) * step_s
            held = [r for i, r in enumerate(rows) if low - 1e-8 <= 0.01 + 0.01 * i < high - 1e-8]
            for j in range(3):
                values = [float(r[j]) for r in held if np.isfinite(r[j])]
                if values:
                    assert found[t, j] == pytest.approx(sum(values) / len(values), abs=1e-9)
                else:
                    assert np.isnan(found[t, j])
