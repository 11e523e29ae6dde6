"""Numbers and text as all outputs show them."""

import pytest

from sertools.results import display
from sertools.results.result import Finding, Limit


@pytest.mark.parametrize(
    ("value", "low", "high", "shown", "interval"),
    [
        (0.71234, 0.61, 0.8, "0.712", "[0.610, 0.800]"),
        (-0.0412, -0.11, 0.03, "−0.041", "[−0.110, 0.030]"),
        (12.3456, 11.0, 13.5, "12.3", "[11.0, 13.5]"),
        (1234.56, None, None, "1235", "–"),
        (0.00123, 0.001, 0.0015, "0.0012", "[0.0010, 0.0015]"),
        (0.0, -0.02, None, "0.000", "[−0.020, ?]"),
        (1.0, 1.0, 1.0, "1.00", "[1.00, 1.00]"),
        (12.0, None, None, "12", "–"),
    ],
)
def test_a_finding_is_rounded_to_three_digits_and_its_interval_to_as_many_decimals(
    value, low, high, shown, interval
):
    finding = Finding(name="ccc", value=value, low=low, high=high, n=9)
    assert (finding.value_text, finding.interval_text) == (shown, interval)


def test_no_rounded_number_looks_equal_to_a_limit_that_it_differs_from():
    limit = Limit(name="sex_score", above=-0.075, below=0.075)
    finding = Finding(name="sex_score", value=0.07499, low=0.01, high=0.0751, n=9, limit=limit)
    assert (finding.value_text, finding.interval_text) == ("0.07499", "[0.01000, 0.07510]")


def test_a_value_on_its_limit_needs_no_more_decimals():
    finding = Finding(name="ccc", value=0.5, n=9, limit=Limit(name="ccc", above=0.5))
    assert finding.value_text == "0.500"


def test_an_undefined_value_is_a_dash():
    finding = Finding(name="ccc", value=None, n=0, reason="no clips")
    assert (finding.value_text, finding.interval_text, finding.limit_text) == ("–", "–", "–")
    one = Finding(name="shared_speakers", value=1.0, low=1.0, high=1.0, n=9, exact=True)
    assert (one.value_text, one.interval_text) == ("1", "–")
    assert Finding(name="coverage", value=1.0, n=9, exact=True).value_text == "1.00"


def test_control_characters_and_bytes_that_are_not_text_become_visible():
    assert display.clean("a\x00b\x7fc\x9bd\udcffe\rf") == "a␀b␡c\ufffdd\\udcffe\nf"


def test_one_line_has_no_line_end_and_no_change_of_direction():
    assert display.one_line("a\u2028b\tc \u202ed\u2069") == "a b c \\u202ed\\u2069"


def test_a_value_without_an_interval_stands_alone():
    assert display.with_interval(-0.1, -0.2, 0.05) == "−0.100 [−0.200, 0.050]"
    assert display.with_interval(0.5, None, None) == "0.500"
    assert display.with_interval(None, None, None) == "–"


@pytest.mark.parametrize(
    ("cell", "number"), [(0, True), (-1.5, True), (True, False), (False, False), ("1", False), (None, False)]
)
def test_truth_values_and_digits_in_text_are_no_numbers(cell, number):
    assert display.is_number(cell) is number
