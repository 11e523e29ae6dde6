"""Reverberation: a simulated shoebox room, and impulse responses measured in real rooms."""

import math
from collections.abc import Sequence

import numpy as np

from sertools.errors import AudioError
from sertools.perturbations.families.filter import butterworth
from sertools.perturbations.perturbation import Perturbation, Signal, match_rms, rms

SOUND_M_S = 343.0
ROOM_M = np.array([6.0, 4.5, 2.8])
"""Length, width and height of the simulated room, which has the size of a large office for two."""

WALL_M = 0.5
"""Minimum distance of speaker and microphone from every wall."""

DISTANCE_M = (0.5, 3.0)
SWELL_HZ = 100.0
EARLY_S = 0.05
"""Up to this time reflections are computed one by one; later ones are too dense to distinguish."""


def simulated_room(signal: Signal, rate: int, level: float, rng: np.random.Generator) -> Signal:
    """What if the clip were recorded in a room with a reverberation time (RT60) of `level` seconds?

    The clip is convolved with the response of a shoebox of 6 × 4.5 × 2.8 m between two random positions 0.5
    to 3 m apart. The direct sound is not delayed; length and RMS stay the same.
    """
    return reverberant(signal, shoebox(rate, level, rng))


def shoebox(rate: int, rt60_s: float, rng: np.random.Generator) -> Signal:
    """The impulse response of a shoebox room, the direct sound at its first sample.

    Reflections up to 50 ms by image sources (Allen & Berkley 1979) with walls that reflect
    r = 10^(−3 τ / RT60) of the amplitude, τ = 4V / (S c) the mean time between two reflections (Eyring
    1930); then Gaussian noise that continues with their energy and falls by 60 dB in RT60, like the diffuse
    field of such a room.

    Args:
        rate: samples per second
        rt60_s: seconds in which the sound falls by 60 dB
        rng: draws the positions and the late part

    Returns:
        shape (samples,), about as long as RT60

    Raises:
        AudioError: the rate is 200 or less
    """
    if rate <= 2 * SWELL_HZ:
        raise AudioError(f"a room cannot be simulated at {rate} samples per second")
    mouth, microphone = _places(rng)
    between_s = 4 * ROOM_M.prod() / (_surface() * SOUND_M_S)
    reflection = 10 ** (-3 * between_s / rt60_s)
    delay_s, amplitude = _images(mouth, microphone, reflection)
    delay_s -= delay_s.min()
    early = delay_s < EARLY_S
    delay_s, amplitude = delay_s[early], amplitude[early]
    direct = int(delay_s.argmin())
    late = delay_s > EARLY_S / 2
    time_s = np.arange(math.ceil(max(rt60_s, EARLY_S) * rate) + 1) / rate
    decay = 10 ** (-3 * time_s / rt60_s)
    window = (time_s > EARLY_S / 2) & (time_s < EARLY_S)
    scale = math.sqrt(np.sum(amplitude[late] ** 2) / np.sum(decay[window] ** 2))
    response: Signal = np.where(time_s < EARLY_S, 0.0, scale * decay * rng.standard_normal(len(time_s)))
    reflected = np.delete(np.arange(len(delay_s)), direct)
    np.add.at(response, np.rint(delay_s[reflected] * rate).astype(np.int64), amplitude[reflected])
    # images are all positive and would add up to a slow swell that no room has (Allen & Berkley 1979)
    response = butterworth(response, rate, SWELL_HZ, "highpass", order=2)
    response[0] += amplitude[direct]
    return response


def _surface() -> float:
    length, width, height = ROOM_M
    return float(2 * (length * width + length * height + width * height))


def _places(rng: np.random.Generator) -> tuple[Signal, Signal]:
    """Mouth and microphone, shape (3,) in metres, as far apart as `DISTANCE_M` says."""
    mouth = rng.uniform(WALL_M, ROOM_M - WALL_M)
    # from every position there is a direction with enough space for the distance: towards the far corner
    corner = np.where(mouth < ROOM_M / 2, ROOM_M - WALL_M, WALL_M)
    target = rng.uniform(np.minimum(ROOM_M / 2, corner), np.maximum(ROOM_M / 2, corner))
    way = target - mouth
    distance = float(np.linalg.norm(way))
    wanted = rng.uniform(*DISTANCE_M)
    return mouth, mouth + way * min(1.0, wanted / distance)


def _images(mouth: Signal, microphone: Signal, reflection: float) -> tuple[Signal, Signal]:
    """Delay in seconds and amplitude of every image source that can arrive within `EARLY_S` or so."""
    reach_m = float(np.linalg.norm(mouth - microphone)) + EARLY_S * SOUND_M_S
    per_axis = []
    for axis in range(3):
        order = np.arange(
            -math.ceil(reach_m / (2 * ROOM_M[axis])) - 1, math.ceil(reach_m / (2 * ROOM_M[axis])) + 2
        )
        same = 2 * order * ROOM_M[axis] + mouth[axis] - microphone[axis]
        mirrored = 2 * order * ROOM_M[axis] - mouth[axis] - microphone[axis]
        offset = np.concatenate([same, mirrored])
        bounces = np.concatenate([np.abs(2 * order), np.abs(2 * order - 1)])
        per_axis.append((offset, bounces))
    (x, nx), (y, ny), (z, nz) = per_axis
    distance_m = np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + z**2).ravel()
    bounces = (nx[:, None, None] + ny[:, None] + nz).ravel()
    near = distance_m <= reach_m
    return distance_m[near] / SOUND_M_S, reflection ** bounces[near] / distance_m[near]


def recorded_room(
    signal: Signal, rate: int, level: float, rng: np.random.Generator, *, recordings: Sequence[Signal]
) -> Signal:
    """What if the clip were recorded in a real room, with `level` percent of reverberant sound?

    (1 − level/100) · clip + level/100 · clip convolved with a measured impulse response, both at the
    clip's RMS; which response is drawn. Its strongest sample, the direct sound, stays in place.

    Args:
        signal: shape (samples,)
        rate: samples per second, of signal and recordings
        level: percentage of the reverberant sound
        rng: draws the response
        recordings: impulse responses, at least one

    Raises:
        AudioError: the response is silent
    """
    response = np.asarray(recordings[int(rng.integers(len(recordings)))], dtype=np.float64)
    if not len(response) or not rms(response) > 0:
        raise AudioError("an impulse response is silent")
    wet = level / 100
    begin = int(np.abs(response).argmax())
    return match_rms((1 - wet) * signal + wet * reverberant(signal, response, begin), signal)


def reverberant(signal: Signal, response: Signal, begin: int = 0) -> Signal:
    """The signal convolved with a response whose sample `begin` is time 0; same length, same RMS."""
    from scipy.signal import oaconvolve  # slow to import

    convolved = oaconvolve(signal.astype(np.float64), response)
    return match_rms(convolved[begin : begin + len(signal)], signal)


SIMULATED_ROOM = Perturbation(
    name="simulated_room",
    family="room",
    change=simulated_room,
    unit="s",
    meaning="reverberation time RT60",
    levels=(0.2, 0.4, 0.6, 0.9, 1.2),
    lowest=0.1,
    highest=10.0,
    random=True,
    sets=("ser-tests",),
    source="image sources (Allen & Berkley 1979) with a diffuse late part",
)

RECORDED_ROOM = Perturbation(
    name="recorded_room",
    family="room",
    change=recorded_room,
    unit="%",
    meaning="share of the reverberant sound",
    levels=(25.0, 50.0, 75.0, 100.0),
    highest=100.0,
    random=True,
    sets=("ser-tests",),
    needs="impulse responses",
    source="convolution with measured impulse responses, as ser-tests",
)
