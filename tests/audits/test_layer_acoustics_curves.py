import dataclasses

import numpy as np
import pytest
from sertools.audits.layer_acoustics.curves import Curve, curve
from sertools.audits.layer_acoustics.scores import Scores, over_groups

RNG = np.random.default_rng(0)
OWN = 0.6 + RNG.normal(0, 0.02, (3, 6))
OTHER = RNG.normal(0, 0.02, (3, 6))
ROLLED = 0.4 + RNG.normal(0, 0.02, (3, 6))


def a_curve(**changes) -> Curve:
    fields = {
        "own": OWN,
        "floors": {"other clip": OTHER, "rolled": ROLLED},
        "in_sample": np.array([0.7, 0.8, 0.9]),
        "floors_in_sample": {"other clip": np.full(3, 0.1), "rolled": np.full(3, 0.5)},
        "n": 60,
        "speakers": 12,
    }
    return Curve(**{**fields, **changes})


def of_own(values):
    return over_groups(values, n=60, speakers=12)


def test_a_layer_lies_above_the_highest_of_its_floors():
    found = a_curve().above(1)
    rolled = of_own(OWN[1] - ROLLED[1])
    assert found == rolled
    assert rolled.value == pytest.approx((OWN[1] - ROLLED[1]).mean(), abs=1e-12)


def test_a_noisy_floor_that_is_lower_counts_where_it_might_be_higher():
    noisy = OWN - 0.3 + np.array([1, -1, 1, -1, 1, -1]) * 0.3
    found = a_curve(floors={"rolled": ROLLED, "noisy": noisy}).above(0)
    assert found.value == of_own(OWN[0] - ROLLED[0]).value
    assert found.low == of_own(OWN[0] - noisy[0]).low
    assert found.high == of_own(OWN[0] - ROLLED[0]).high


def test_a_floor_that_is_undefined_leaves_nothing_to_say():
    found = a_curve(floors={"rolled": ROLLED, "twin": np.full((3, 6), np.nan)}).above(0)
    assert np.isnan(found.value)
    assert found.reason


def test_the_best_layer_is_the_furthest_above_its_floors():
    own = OWN.copy()
    own[2] += 0.1
    assert a_curve(own=own).best() == 2
    # the highest, on the highest floor
    assert a_curve(own=own, floors={"rolled": own - [[0.1], [0.2], [0.05]]}).best() == 1
    assert a_curve(own=np.full((3, 6), 0.5), floors={"flat": np.full((3, 6), 0.1)}).best() == 0
    assert a_curve(own=np.full((3, 6), np.nan)).best() == -1


def test_a_difference_of_curves_is_one_of_all_that_they_hold():
    low = a_curve(against=OWN - 0.1)
    high = a_curve(own=OWN + 0.2, in_sample=np.full(3, 1.0), against=OWN)
    step = high.minus(low)
    assert step.own == pytest.approx(0.2, abs=1e-12)
    assert step.floors["rolled"] == pytest.approx(0, abs=1e-12)
    assert step.in_sample == pytest.approx([0.3, 0.2, 0.1], abs=1e-12)
    assert step.floors_in_sample["other clip"] == pytest.approx(0, abs=1e-12)
    assert step.against == pytest.approx(0.1, abs=1e-12)
    assert high.minus(a_curve()).against is None


def test_models_are_compared_paired_by_group_of_speakers():
    wobble = RNG.normal(0, 0.2, 6)
    of = a_curve(own=OWN + wobble, against=OWN[:2] + wobble - 0.05)
    found = of.difference(1)
    assert found.value == pytest.approx(0.05, abs=1e-12)
    assert found.high - found.low < 1e-9
    assert list(of.shared()) == [0, 1]
    assert list(a_curve().shared()) == []


def test_a_curve_takes_from_the_scores_what_is_its_own():
    held_out = np.arange(2 * 3 * 3 * 2 * 6, dtype=float).reshape(2, 3, 3, 2, 6)
    own = Scores(
        measures=("cca", "cka"),
        features=("energy", "MFCC"),
        held_out=held_out,
        in_sample=held_out[..., 0] + 0.5,
        frames=np.full(3, 100.0),
        dimensions=np.full(3, 7),
        constant=(),
    )
    twin = dataclasses.replace(own, held_out=-held_out, in_sample=-own.in_sample)
    against = dataclasses.replace(own, held_out=held_out[:, :2] * 10, in_sample=own.in_sample[:, :2])
    found = curve({"own": own, "random twin": twin, "against": against}, 1, 0, n=60, speakers=12)
    assert (found.own == held_out[1, :, 0, 0]).all()
    assert (found.floors["other clip"] == held_out[1, :, 1, 0]).all()
    assert (found.floors["rolled"] == held_out[1, :, 2, 0]).all()
    assert (found.floors["random twin"] == -held_out[1, :, 0, 0]).all()
    assert (found.floors_in_sample["random twin"] == -held_out[1, :, 0, 0, 0] - 0.5).all()
    assert (found.in_sample == held_out[1, :, 0, 0, 0] + 0.5).all()
    assert (found.against == held_out[1, :2, 0, 0] * 10).all()
    alone = curve({"own": own}, 0, 1, n=60, speakers=12)
    assert list(alone.floors) == ["other clip", "rolled"]
    assert alone.against is None
