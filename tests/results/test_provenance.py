import pytest

from sertools.results.provenance import (
    CLASSES,
    NOT_OPENED,
    TRAINING,
    closed_sets_differ,
    corpora_differ,
    fingerprint_of,
    training_sentences,
)
from sertools.results.result import Result
from tests.helpers.comparisons import result


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [("a", "a", False), ("a", "b", True), ("a", NOT_OPENED, False), (NOT_OPENED, NOT_OPENED, False)],
)
def test_corpora_differ_only_if_both_fingerprints_are_known(one, other, differ):
    assert corpora_differ(result(sound=one), result(sound=other)) == differ


def test_a_fingerprint_that_is_not_stored_is_empty():
    assert fingerprint_of(result(sound="abc")) == "abc"
    assert fingerprint_of(result(sound=NOT_OPENED)) == ""
    assert fingerprint_of(result(), "model_fingerprint") == ""


def test_closed_sets_are_the_same_in_any_order_and_are_named_where_they_differ():
    def of(*classes: str) -> Result:
        one = result()
        return one.model_copy(
            update={"provenance": {**one.provenance, CLASSES: list(classes)} if classes else {}}
        )

    assert closed_sets_differ(of("anger", "joy"), of("joy", "anger")) == ""
    assert closed_sets_differ(of(), of()) == ""
    assert closed_sets_differ(of("anger", "joy"), of()) == (
        "emotions are judged among anger, joy in one and among all classes in the other"
    )


def test_what_was_in_the_training_is_said_once():
    def of(said: object) -> Result:
        return result().model_copy(update={"provenance": {TRAINING: said}})

    known = of({"sentence": "Half of it was in the training."})
    assert training_sentences([known, known, of({"sentence": ""}), of(None), of({"sentence": 3})]) == [
        "Half of it was in the training."
    ]
