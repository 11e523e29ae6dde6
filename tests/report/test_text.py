import pytest

from sertools.report import text
from sertools.results.result import Finding, Limit, Verdict


@pytest.mark.parametrize(
    ("value", "low", "high", "shown", "interval"),
    [
        (0.71234, 0.61, 0.8, "0.712", "0.610 … 0.800"),
        (-0.0412, -0.11, 0.03, "−0.041", "−0.110 … 0.030"),
        (12.3456, 11.0, 13.5, "12.35", "11.00 … 13.50"),
        (1234.56, None, None, "1235", "–"),
        (0.00123, 0.001, 0.0015, "0.0012", "0.0010 … 0.0015"),
        (0.0, -0.02, None, "0.000", "−0.020 … ?"),
        (1.0, 1.0, 1.0, "1.000", "1.000 … 1.000"),
        (12.0, None, None, "12", "–"),
    ],
)
def test_a_finding_is_rounded_to_three_decimals_and_its_interval_alike(value, low, high, shown, interval):
    finding = Finding(name="ccc", value=value, low=low, high=high, n=9)
    assert (text.value_text(finding), text.interval_text(finding)) == (shown, interval)


def test_no_rounded_number_seems_to_touch_a_limit_that_it_does_not_touch():
    limit = Limit(name="sex_score", above=-0.075, below=0.075)
    finding = Finding(name="sex_score", value=0.07499, low=0.01, high=0.0751, n=9, limit=limit)
    assert (text.value_text(finding), text.interval_text(finding)) == ("0.07499", "0.01000 … 0.07510")


def test_a_value_on_its_limit_needs_no_more_decimals():
    finding = Finding(name="ccc", value=0.5, n=9, limit=Limit(name="ccc", above=0.5))
    assert text.value_text(finding) == "0.500"


def test_an_undefined_value_is_a_dash():
    assert text.value_text(Finding(name="ccc", value=None, n=0, reason="no clips")) == "–"


def test_a_column_shares_the_decimals_that_show_it_exactly():
    assert text.column_texts([0.5, 2, None]) == ["0.5", "2", "–"]
    assert text.column_texts([-1.25, 1 / 3]) == ["−1.250", "0.333"]
    assert text.column_texts([]) == []


def test_words_make_a_column_of_words():
    assert text.is_numeric([1, 2.5, None])
    assert not text.is_numeric([1, "x"])
    assert not text.is_numeric([True])
    assert not text.is_numeric([None])


def test_every_verdict_has_a_sign_and_a_word_of_its_own():
    shown = [text.verdict(verdict) for verdict in Verdict]
    assert len({line.split(" ", 1)[0] for line in shown}) == len(Verdict)
    assert len({line.split(" ", 1)[1] for line in shown}) == len(Verdict)


def test_controls_and_bytes_that_are_no_text_become_visible():
    assert text.clean("a\x00b\x7fc\x9bd\udcffe\rf") == "a␀b␡c\ufffdd\\udcffe\nf"


def test_one_line_holds_no_line_end_and_turns_no_direction():
    assert text.one_line("a\u2028b\tc \u202ed\u2069") == "a b c \\u202ed\\u2069"
