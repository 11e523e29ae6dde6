import numpy as np
import pytest

from sertools.errors import AudioError
from sertools.perturbations.families import room
from sertools.perturbations.registry import get
from tests.helpers.sounds import speechlike

RATE = 16000
RNG = np.random.default_rng


def reverberation_time_s(response):
    """RT60 from the slope between −5 and −25 dB of the backward integral (Schroeder 1965, ISO 3382)."""
    decay_db = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] / np.sum(response**2))
    begin, end = np.argmax(decay_db < -5), np.argmax(decay_db < -25)
    return -60 / (np.polyfit(np.arange(begin, end), decay_db[begin:end], 1)[0] * RATE)


@pytest.mark.parametrize("rt60_s", get("simulated_room").levels)
def test_room_has_the_reverberation_time_that_was_asked_for(rt60_s):
    measured_s = [reverberation_time_s(room.shoebox(RATE, rt60_s, rng=RNG(seed))) for seed in range(20)]
    # one draw of the diffuse field scatters by about 3 %
    assert np.mean(measured_s) == pytest.approx(rt60_s, rel=0.03)
    np.testing.assert_allclose(measured_s, rt60_s, rtol=0.15)


def test_direct_sound_is_first_and_falls_with_distance():
    for seed in range(20):
        mouth, microphone = room._places(RNG(seed))
        response = room.shoebox(RATE, 0.3, RNG(seed))
        # a first reflection less than half a sample late would add to it; the filter leaves it alone
        assert response[0] == pytest.approx(1 / np.linalg.norm(mouth - microphone), rel=1e-9)


def test_mouth_and_microphone_keep_their_distance_from_walls_and_each_other():
    for seed in range(500):
        mouth, microphone = room._places(RNG(seed))
        for place in (mouth, microphone):
            assert (place >= room.WALL_M - 1e-9).all()
            assert (place <= room.ROOM_M - room.WALL_M + 1e-9).all()
        assert 0.5 - 1e-9 <= np.linalg.norm(mouth - microphone) <= 3.0 + 1e-9


def test_images_are_those_of_a_naive_mirror_walk():
    mouth, microphone = np.array([1.0, 2.0, 1.5]), np.array([3.0, 1.0, 1.2])
    delay_s, amplitude = room._images(mouth, microphone, 0.7)
    reach_m = np.linalg.norm(mouth - microphone) + room.EARLY_S * room.SOUND_M_S
    # each mirror image, found by reflecting at one wall after the other, with its number of bounces
    seen = {tuple(mouth): 0}
    front = [mouth]
    for bounces in range(1, 25):
        mirrored = [
            np.where(np.arange(3) == axis, 2 * wall * room.ROOM_M[axis] - place, place)
            for place in front
            for axis in range(3)
            for wall in (0, 1)
        ]
        front = []
        for place in mirrored:
            key = tuple(np.round(place, 9))
            if key not in seen and np.linalg.norm(place - microphone) < reach_m + 7:
                seen[key] = bounces
                front.append(place)
    distance_m = np.array([np.linalg.norm(np.array(place) - microphone) for place in seen])
    near = distance_m <= reach_m
    wanted = 0.7 ** np.array(list(seen.values()))[near] / distance_m[near]
    np.testing.assert_allclose(np.sort(delay_s), np.sort(distance_m[near]) / room.SOUND_M_S, rtol=1e-9)
    np.testing.assert_allclose(np.sort(amplitude), np.sort(wanted), rtol=1e-9)


@pytest.mark.parametrize("level", [0.2, 1.2])
def test_room_keeps_rms_and_lets_the_sound_begin_where_it_began(level):
    signal = speechlike()
    signal[:4000] = 0
    changed = get("simulated_room").apply(signal, RATE, level, RNG(0))
    assert np.mean(changed.astype(float) ** 2) == pytest.approx(np.mean(signal.astype(float) ** 2), rel=1e-6)
    # the convolution by FFT leaves rounding errors before the sound
    assert np.abs(changed[:4000]).max() < 1e-6 < np.abs(changed[4000:4010]).max()


def test_recorded_room_is_the_convolution_aligned_at_the_direct_sound():
    signal = speechlike(500)
    response = np.zeros(60)
    response[[10, 25, 59]] = 0.8, -0.3, 0.1
    changed = get("recorded_room").using([response]).apply(signal, RATE, 100.0, RNG(0))
    wanted = np.convolve(signal.astype(float), response)[10:510]
    wanted *= np.sqrt(np.mean(signal.astype(float) ** 2) / np.mean(wanted**2))
    np.testing.assert_allclose(changed, wanted, atol=1e-7)


def test_response_of_a_single_click_changes_nothing_at_any_share():
    signal = speechlike(500)
    for level in (25.0, 100.0):
        changed = get("recorded_room").using([np.eye(1, 50, 7)[0]]).apply(signal, RATE, level, RNG(0))
        np.testing.assert_allclose(changed, signal, atol=1e-7)


def test_silent_response_is_refused():
    with pytest.raises(AudioError, match="impulse response is silent"):
        get("recorded_room").using([np.zeros(9)]).apply(speechlike(500), RATE, 50.0, RNG(0))


def test_silence_stays_silence_in_any_room():
    assert not get("simulated_room").apply(np.zeros(999, np.float32), RATE, 0.5, RNG(0)).any()
