import numpy as np
import pytest

from sertools.errors import AudioError
from sertools.perturbations.registry import get

RATE = 16000
RNG = np.random.default_rng
COUNT = np.arange(1, 5001, dtype=np.float32)


@pytest.mark.parametrize("level", [100, 500, 1000])
@pytest.mark.parametrize(("rate", "samples_of_100"), [(16000, 100), (8000, 50), (48000, 300)])
def test_zeros_and_crops_are_counted_at_16_khz(level, rate, samples_of_100):
    k = level // 100 * samples_of_100
    zeros = np.zeros(k, np.float32)
    for name, wanted in {
        "append_zeros": np.concatenate([COUNT, zeros]),
        "prepend_zeros": np.concatenate([zeros, COUNT]),
        "crop_beginning": COUNT[k:],
        "crop_end": COUNT[:-k],
    }.items():
        np.testing.assert_array_equal(get(name).apply(COUNT, rate, float(level), RNG(0)), wanted)


@pytest.mark.parametrize("name", ["crop_beginning", "crop_end"])
def test_crop_as_long_as_the_clip_is_refused_and_one_sample_less_is_not(name):
    with pytest.raises(AudioError, match="a crop of 500 samples leaves nothing of a clip of 500"):
        get(name).apply(COUNT[:500], RATE, 500.0, RNG(0))
    assert len(get(name).apply(COUNT[:501], RATE, 500.0, RNG(0))) == 1


@pytest.mark.parametrize("level", [2.0, 5.0, 10.0, 40.0, 100.0])
def test_packet_loss_loses_exactly_this_share_of_whole_packets(level):
    signal = np.ones(100 * 320, np.float32)
    packets = get("packet_loss").apply(signal, RATE, level, RNG(1)).reshape(100, 320)
    assert set(packets.mean(axis=1)) <= {0.0, 1.0}
    assert np.sum(packets[:, 0] == 0) == level


def test_every_packet_is_lost_alike():
    signal = np.ones(10 * 320, np.float32)
    lost = np.zeros(10)
    for seed in range(1000):
        lost += get("packet_loss").apply(signal, RATE, 20.0, RNG(seed)).reshape(10, 320)[:, 0] == 0
    # binomial, 1000 draws of 0.2: standard deviation 12.6; four of them
    assert np.abs(lost - 200).max() < 51


def test_loss_of_no_packet_is_refused():
    with pytest.raises(AudioError, match="2 % of 3 packets rounds to zero"):
        get("packet_loss").apply(np.ones(960, np.float32), RATE, 2.0, RNG(0))


@pytest.mark.parametrize("gap_ms", [10, 50, 200])
def test_each_whole_second_has_one_gap(gap_ms):
    signal = np.ones(3 * RATE + 500, np.float32)
    silent = get("silence_gaps").apply(signal, RATE, float(gap_ms), RNG(4)) == 0
    for second in range(3):
        gap = np.flatnonzero(silent[second * RATE : (second + 1) * RATE])
        assert len(gap) == gap_ms * 16
        assert gap[-1] - gap[0] == len(gap) - 1
    assert not silent[3 * RATE :].any()


def test_clip_shorter_than_a_second_has_one_gap_and_one_shorter_than_the_gap_is_refused():
    gaps = get("silence_gaps")
    assert np.sum(gaps.apply(np.ones(2000, np.float32), RATE, 100.0, RNG(0)) == 0) == 1600
    with pytest.raises(AudioError, match="a gap of 1600 samples does not fit into a clip of 1600"):
        gaps.apply(np.ones(1600, np.float32), RATE, 100.0, RNG(0))


@pytest.mark.parametrize(("name", "sign"), [("speed_up", 1), ("slow_down", -1)])
@pytest.mark.parametrize("level", [1.0, 5.0, 20.0])
def test_speed_changes_pitch_and_duration_together(name, sign, level):
    time_s = np.arange(2 * RATE) / RATE
    factor = 1 + sign * level / 100
    signal = (0.5 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    changed = get(name).apply(signal, RATE, level, RNG(0))
    assert len(changed) == round(len(signal) / factor)
    wanted = 0.5 * np.sin(2 * np.pi * 440 * factor * np.arange(len(changed)) / RATE)
    # away from the edges the resampler is exact to its 20 bits or so
    np.testing.assert_allclose(changed[800:-800], wanted[800:-800], atol=1e-4)
