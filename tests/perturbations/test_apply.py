"""A clip under a condition: which recordings it is mixed with, and what its random numbers depend on."""

import numpy as np
import pytest

from sertools.errors import AuditError
from sertools.perturbations import registry
from sertools.perturbations.apply import perturb
from sertools.randomness import identity_rng
from sertools.tables.condition import Condition

SIGNAL = (0.1 * np.sin(np.arange(8000) / 5)).astype(np.float32)
OTHERS = [np.random.default_rng(i).uniform(-0.5, 0.5, 8000).astype(np.float32) for i in range(8)]


def perturbed(condition, clip="a", **given):
    return perturb(SIGNAL, 16000, clip, condition, **{"others": OTHERS, **given})


def test_random_numbers_depend_on_seed_clip_perturbation_and_draw():
    condition = Condition(perturbation="white_noise", level=20.0, seed=3, draw=1)
    rng = identity_rng(3, "a", "white_noise", "1")
    expected = registry.get("white_noise").apply(SIGNAL, 16000, 20.0, rng)
    assert np.array_equal(perturbed(condition), expected)
    assert not np.array_equal(perturbed(condition, clip="b"), expected)


def test_babble_is_made_of_the_other_clips_and_recorded_noise_of_the_folder():
    babble = Condition(perturbation="babble", level=10.0)
    silent = [np.zeros(8000, dtype=np.float32)] * 8
    assert not np.array_equal(perturbed(babble), perturbed(babble, others=OTHERS[::-1]))
    noise = Condition(perturbation="recorded_noise", level=10.0)
    recorded = perturbed(noise, recordings=OTHERS)
    assert np.array_equal(recorded, perturbed(noise, others=silent, recordings=OTHERS))


def test_recorded_noise_without_recordings_is_refused():
    with pytest.raises(AuditError, match="recorded_noise needs recordings of noise"):
        perturbed(Condition(perturbation="recorded_noise", level=10.0))
