import sys

import numpy as np
import pytest

from sertools.errors import AuditError
from sertools.metrics.word_error_rate import WORD_ERROR_RATE, normalised_text, word_errors
from sertools.statistics.jackknife import estimate
from sertools.statistics.statistic import overall


def distance(one: list[str], other: list[str]) -> int:
    """Levenshtein's distance by the recurrence, word by word."""
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    table[:, 0], table[0] = np.arange(len(one) + 1), np.arange(len(other) + 1)
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b))
    return int(table[-1, -1])


def test_errors_are_levenshteins_distance_on_words():
    rng = np.random.default_rng(0)
    texts = [[" ".join(rng.choice(list("abcd"), rng.integers(0, 8))) for _ in range(60)] for _ in range(2)]
    wrong, words = word_errors(*texts)
    assert wrong.tolist() == [distance(a.split(), b.split()) for a, b in zip(*texts, strict=True)]
    assert words.tolist() == [len(a.split()) for a in texts[0]]
    assert 0 in words


def test_case_and_punctuation_are_no_errors():
    wrong, words = word_errors(["Don't STOP, ever!"], ["don’t stop ever"])
    assert (wrong.tolist(), words.tolist()) == ([0], [3])
    assert normalised_text(" — ") == ""


def test_the_rate_is_errors_over_words_of_all_clips_together():
    wrong, words = word_errors(["a b c d", "e", "f g"], ["a x c d", "", "f g h i j"])
    assert overall(WORD_ERROR_RATE, words, wrong) == pytest.approx((1 + 1 + 3) / 7, abs=1e-12)
    found = estimate(WORD_ERROR_RATE, np.tile(words, 5), np.tile(wrong, 5), np.arange(15) % 5, 5)
    assert found.low <= 5 / 7 <= found.high


def test_without_words_there_is_no_rate():
    wrong, words = word_errors([""], [""])
    assert np.isnan(overall(WORD_ERROR_RATE, words, wrong))


def test_without_jiwer_the_error_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(AuditError, match="needs the package jiwer"):
        word_errors(["yes"], ["yes"])
