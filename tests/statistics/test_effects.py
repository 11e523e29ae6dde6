"""Effects of crossed factors: against sums over all pairs of units, and their intervals in a simulation."""

from itertools import combinations

import numpy as np
import pytest

from sertools.statistics.effects import Square, differences, share_of_first, square


def crossed(share, speakers, rng, *, noise=0.1):
    """Answers of speakers who say three words in three voices twice, and codes of speaker, word and voice."""
    unit = np.repeat(np.arange(speakers), 18)
    words, voice = (np.tile(x, speakers) for x in (np.repeat(np.arange(3), 6), np.tile(np.arange(3), 6)))
    slope = rng.normal(1, 0.2, (speakers, 2))[unit]
    values = share * (words - 1) * slope[:, 0] + (1 - share) * (voice - 1) * slope[:, 1]
    values = 0.2 * values + rng.normal(0, 0.05, speakers)[unit] + rng.normal(0, noise, len(unit))
    return values[:, None], unit, words, voice


def share_of(values, unit, words, voice):
    first = square(differences(values, unit, words, voice))
    second = square(differences(values, unit, voice, words))
    return share_of_first(first, second, len(values))


def test_differences_and_squares_are_those_of_all_pairs_of_speakers():
    rng = np.random.default_rng(0)
    unit, level, other = rng.integers(0, 5, 90), rng.integers(0, 4, 90), rng.integers(0, 3, 90)
    values = rng.normal(size=(90, 2))
    found = differences(values, unit, level, other)
    of = {}
    for g in range(5):
        for k, (a, b) in enumerate(combinations(range(4), 2)):
            apart = []
            for o in range(3):
                one, two = (values[(unit == g) & (level == x) & (other == o)] for x in (a, b))
                if len(one) and len(two):
                    apart.append(one.mean(axis=0) - two.mean(axis=0))
            of[g, k] = np.mean(apart, axis=0) if apart else np.full(2, np.nan)
            np.testing.assert_allclose(found[g, k], of[g, k], atol=1e-12)

    def naive(units):
        products = [
            of[i, k] @ of[j, k]
            for k in range(6)
            for i in units
            for j in units
            if i != j and np.isfinite([*of[i, k], *of[j, k]]).all()
        ]
        return np.mean(products) / 2

    made = square(found)
    assert made.value == pytest.approx(naive(range(5)), abs=1e-12)
    for g in range(5):
        assert made.left_out[g] == pytest.approx(naive([x for x in range(5) if x != g]), abs=1e-12)


def test_the_square_is_the_variance_of_levels_without_noise():
    rng = np.random.default_rng(1)
    _, unit, words, voice = crossed(1.0, 6, rng, noise=0.0)
    exact = 0.2 * (words[:, None] - 1.0)
    assert square(differences(exact, unit, words, voice)).value == pytest.approx(0.2**2, abs=1e-12)
    assert square(differences(exact, unit, voice, words)).value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_the_share_of_a_mixture_is_in_its_interval_in_19_of_20_draws_or_more(share):
    rng = np.random.default_rng(2)
    found = [share_of(*crossed(share, 12, rng)) for _ in range(100)]
    inside = np.mean([each.low <= share <= each.high for each in found])
    assert inside >= 0.9  # 100 draws of a coverage of .95 have a standard error of .022
    assert np.mean([each.value for each in found]) == pytest.approx(share, abs=0.03)
    assert np.mean([each.high - each.low for each in found]) < 0.25


def test_answers_to_neither_are_undefined_or_may_be_anything():
    rng = np.random.default_rng(3)
    values, unit, words, voice = crossed(0.5, 12, rng)
    none = share_of(np.zeros_like(values), unit, words, voice)
    assert np.isnan(none.value)
    assert none.reason == "the answers follow neither the words nor the voice"
    noise = [share_of(rng.normal(size=values.shape), unit, words, voice) for _ in range(60)]
    known = [each for each in noise if np.isfinite(each.value)]
    assert np.mean([each.high - each.low > 0.5 for each in known]) > 0.8


def test_the_effect_of_noise_is_not_shown():
    rng = np.random.default_rng(4)
    small = 0
    for _ in range(100):
        _, unit, words, voice = crossed(0.5, 12, rng)
        small += square(differences(rng.normal(size=(len(unit), 1)), unit, voice, words)).p_value <= 0.001
    assert small <= 1
    values, unit, words, voice = crossed(0.5, 12, rng)
    assert square(differences(values, unit, voice, words)).p_value < 0.001


def squares(value, *left_out):
    return Square(value=value, left_out=np.array(left_out))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (squares(np.nan, 0.1), squares(0.1, 0.1), "no two speakers share words in two voices"),
        (squares(-0.1, 0.1), squares(0.0, 0.1), "the answers follow neither the words nor the voice"),
        (squares(0.1, 0.1), squares(0.1, 0.1), "fewer than 5 speakers"),
        (
            squares(0.1, *[0.1] * 5),
            squares(0.1, *[0.1] * 4, np.nan),
            "undefined when one speaker is left out",
        ),
    ],
)
def test_a_share_without_a_value_or_an_interval_says_why(first, second, reason):
    found = share_of_first(first, second, 9)
    assert found.reason.startswith(reason)
    assert np.isnan([found.low, found.high]).all()
