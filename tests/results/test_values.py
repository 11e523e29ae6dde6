"""Numbers as they are stored, and how a model compares with one rater."""

import math
from fractions import Fraction

import pytest

from sertools.results.values import Ceiling, finite


def test_a_number_is_stored_as_a_float_and_what_is_none_as_null():
    assert finite(Fraction(1, 4)) == 0.25
    assert [finite(value) for value in (None, math.nan, math.inf)] == [None] * 3


@pytest.mark.parametrize(
    ("value", "said"), [("0.5", "is not a number"), (True, "is not a number"), (10**400, "too large")]
)
def test_what_no_float_can_hold_is_refused(value, said):
    with pytest.raises(ValueError, match=said):
        finite(value)


@pytest.mark.parametrize(("better", "said"), [("higher", "worse"), ("lower", "better")])
def test_a_model_below_one_rater_is_worse_where_more_is_better(better, said):
    both = {"value": 0.5, "n": 9, "against": "the others", "difference": -0.1, "better": better}
    assert Ceiling(**both, difference_low=-0.2, difference_high=-0.05).comparison == f"{said} than one rater"
    assert Ceiling(**both).comparison == "not compared with one rater"
