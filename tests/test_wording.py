import pytest

from sertools.wording import plural


@pytest.mark.parametrize(
    ("n", "words"),
    [(0, "0 clips"), (1, "1 clip"), (2, "2 clips"), (1000, "1000 clips")],
)
def test_only_one_is_singular(n, words):
    assert plural(n, "clip") == words


@pytest.mark.parametrize(("n", "words"), [(1, "1 corpus has"), (2, "2 corpora have")])
def test_a_noun_and_its_verb_agree(n, words):
    assert plural(n, "corpus has", "corpora have") == words
