from sertools.report import text
from sertools.results.result import Verdict


def test_a_column_shares_the_decimals_that_show_it_exactly():
    assert text.column_texts([0.5, 2, None]) == ["0.5", "2", "–"]
    assert text.column_texts([-1.25, 1 / 3]) == ["−1.25", "0.33"]
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
