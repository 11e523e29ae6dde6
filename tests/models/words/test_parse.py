"""The stated rule by which an answer in words names a class, on answers whose class a reader agrees on."""

import pytest

from sertools.models.words.parse import REFUSALS, kind_of, parse

FOUR = ("anger", "happiness", "neutral", "sadness")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("anger", "anger"),
        (" Angry.\n", "anger"),
        ("**Sadness**", "sadness"),
        ("ANG", "anger"),
        ("The speaker sounds happy and lively.", "happiness"),
        ("Emotion: neutral", "neutral"),
        ('{"emotion": "sad", "confidence": 0.4}', "sadness"),
        ('```json\n{"Label": "joy"}\n```', "happiness"),
        ("I would say sad, with much sadness in the voice.", "sadness"),
        ("heureux", "happiness"),
    ],
)
def test_an_answer_with_one_class_names_it(answer, expected):
    parsed = parse(answer, FOUR, {"heureux": "happiness"})
    assert (parsed.name, parsed.reason) == (expected, "")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, "empty"),
        ("", "empty"),
        ("<unk>", "says unknown"),
        ("I'm sorry, I cannot tell whether she is angry.", "declines"),
        ("Either anger or sadness.", "names several classes"),
        ("He is not angry.", "negates a class"),
        ("She isn't really happy", "negates a class"),
        ("disgust", "names no class"),
        ("pros and con", "names no class"),
        ("The hangars are full of angerless sadists", "names no class"),
        ("0.8", "names no class"),
    ],
)
def test_an_answer_without_one_class_says_why(answer, kind):
    parsed = parse(answer, FOUR)
    assert parsed.name is None
    assert kind_of(parsed.reason) == kind


@pytest.mark.parametrize("phrase", REFUSALS)
def test_every_phrase_of_refusal_declines(phrase):
    assert kind_of(parse(f"{phrase.capitalize()} hear: angry", FOUR).reason) == "declines"


def test_a_confidence_in_json_is_read_only_between_0_and_1():
    assert parse('{"emotion": "sad", "confidence": 0.4}', FOUR).confidence == 0.4
    assert parse('{"emotion": "sad", "confidence": 40}', FOUR).confidence is None
    assert parse('{"emotion": "sad", "confidence": true}', FOUR).confidence is None


def test_the_classes_keep_the_names_that_the_user_gives_them():
    assert parse("angry", ("Wut", "Freude")).name == "Wut"
    assert parse("Freude", ("Wut", "Freude")).name == "Freude"


def test_a_long_answer_is_shortened_in_the_reason():
    reason = parse("word " * 100, FOUR).reason
    assert len(reason) < 120
    assert reason.endswith('…"')
