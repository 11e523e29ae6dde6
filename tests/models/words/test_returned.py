"""Answers in words of a function are told from its numbers, in every form that a function may return."""

import numpy as np
import pandas as pd
import pytest

from sertools.errors import ModelError
from sertools.models.words.answers import scores_of
from sertools.models.words.returned import classes_of, split

WORDS = ["angry", "sad"]


@pytest.mark.parametrize(
    "answer",
    [
        WORDS,
        tuple(WORDS),
        np.array(WORDS),
        pd.Series(WORDS),
        {"emotion": WORDS},
        [{"answer": word} for word in WORDS],
        pd.DataFrame({"label": WORDS}),
    ],
)
def test_words_alone_leave_no_numbers(answer):
    rest, words = split(answer)
    assert rest is None
    assert words == WORDS


def test_words_beside_ratings_leave_the_ratings():
    rest, words = split({"emotion": WORDS, "arousal": [0.25, 0.75]})
    assert (rest, words) == ({"arousal": [0.25, 0.75]}, WORDS)
    rest, words = split(pd.DataFrame({"emotion": WORDS, "arousal": [0.25, 0.75]}))
    assert (rest.columns.tolist(), words) == (["arousal"], WORDS)


@pytest.mark.parametrize("answer", [[[0.1, 0.9]], [0.1, 0.2], {"anger": [0.1], "sadness": [0.9]}, []])
def test_numbers_are_no_words(answer):
    assert split(answer) == (answer, None)


def test_rows_of_none_are_words_only_where_words_are_expected():
    assert split([None, None])[1] is None
    assert split([None, None], expected=True)[1] == [None, None]


def test_scores_are_1_or_the_confidence_for_the_class_and_0_for_others():
    answers = ["sad", ("angry", 0.25), ("angry", 0), ("angry", None), '{"emotion": "sad", "confidence": 0.5}']
    scores, reasons = scores_of(answers, ["anger", "sadness"], {}, "f")
    assert scores.tolist() == [[0, 1], [0.25, 0], [1e-6, 0], [1, 0], [0, 0.5]]
    assert not any(reasons)
    assert np.argmax(scores, axis=1).tolist() == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("confidence", [-0.1, 1.5, float("nan"), "high"])
def test_a_confidence_outside_0_to_1_is_refused(confidence):
    with pytest.raises(ModelError, match="f states the confidence .*, which is not between 0 and 1"):
        scores_of([("sad", confidence)], ["anger", "sadness"], {}, "f")


def test_classes_come_from_the_user_or_else_from_the_corpus():
    assert classes_of(["anger", "fear"], ["sadness", "neutral"], [], "f") == ("anger", "fear")
    assert classes_of([], ["sadness", "neutral"], ["arousal"], "f") == ("sadness", "neutral")
    assert classes_of(["arousal", "anger", "fear"], [], ["arousal"], "f") == ("anger", "fear")
    with pytest.raises(ModelError, match="f answers in words, but the classes are not known"):
        classes_of([], [], [], "f")
