"""Labels under their usual other names are recognised."""

import pytest

from sertools.corpora.columns import look_alikes, suggestions


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("label", "emotion"), ("Emotion", "emotion"), ("speaker_id", "speaker"), ("SpkrID", "speaker"),
     ("gender", "sex"), ("path", "file"), ("File Name", "file"), ("EmoAct", "arousal"),
     ("Split_Set", "split")],
)  # fmt: skip
def test_usual_names_are_suggested(theirs: str, ours: str) -> None:
    assert suggestions([theirs, "x"]) == {theirs: ours}


def test_a_column_that_is_there_is_not_suggested_again() -> None:
    assert suggestions(["file", "path", "emotion", "label"]) == {}


def test_scores_of_a_model_are_told_with_the_options_to_copy() -> None:
    assert look_alikes(["file", "proba_anger", "proba_sad", "p_value"]) == [
        "the columns proba_anger, proba_sad seem to be scores of a model; to audit them, use the table as "
        "--model predictions:FILE --label-map proba_anger=anger --label-map proba_sad=sad"
    ]
