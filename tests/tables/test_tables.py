"""The tables that audits read: truth and prediction meet where both are known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sertools.errors import AuditError
from sertools.tables.pairs import class_names, pairs, speaker_codes
from sertools.tables.tables import Tables

INDEX = pd.Index(["a", "b", "c", "d"], name="clip")


def tables(truth: dict, scores: dict, **settings) -> Tables:
    return Tables(
        clips=pd.DataFrame(truth, index=INDEX),
        predictions={"clean": pd.DataFrame(scores, index=INDEX)},
        **settings,
    )


def test_clips_that_repeat_are_refused():
    clips = pd.DataFrame({"x": [1, 2]}, index=["a", "a"])
    with pytest.raises(AuditError, match="duplicate clip ids"):
        Tables(clips=clips, predictions={})


@pytest.mark.parametrize("index", [["b", "a", "c", "d"], ["a", "b", "c"], ["a", "b", "c", "e"]])
def test_predictions_in_another_order_or_of_other_clips_are_refused(index):
    scores = pd.DataFrame({"arousal": range(len(index))}, index=index)
    with pytest.raises(AuditError, match="predictions for 'clean' are not aligned"):
        Tables(clips=pd.DataFrame(index=INDEX), predictions={"clean": scores})


def unheard(clip: str, condition: str = "clean") -> pd.DataFrame:
    return pd.DataFrame({"clip": [clip], "condition": condition, "reason": "broken", "asked": False})


def test_only_clips_with_truth_and_prediction_are_paired():
    t = tables(
        {"arousal": [0.1, np.nan, 0.3, 0.4], "speaker": ["s", "t", "u", "u"]},
        {"arousal": [0.5, 0.6, np.nan, 0.8]},
        missing=unheard("c"),
    )
    pair = pairs(t, "arousal")
    assert pair.truth.tolist() == [0.1, 0.4]
    assert pair.prediction.tolist() == [0.5, 0.8]
    assert pair.clips.tolist() == ["a", "d"]
    assert (pair.n, pair.units, pair.speakers) == (2, 2, 2)
    assert pair.unit.tolist() == [0, 1]


def test_the_answer_is_the_highest_score_among_all_classes_of_the_model():
    t = tables(
        {"emotion": ["x", "y", "z", "x"]},
        {"x": [0.6, 0.1, 0.9, 0.2], "y": [0.3, 0.2, 0.0, 0.2], "w": [0.1, 0.7, 0.1, np.nan]},
        classes=("x", "y"),
        model_classes=("x", "y", "w"),
        missing=unheard("d"),
    )
    pair = pairs(t, "emotion")
    # c is of a class that the model does not have, d could not be heard
    assert pair.clips.tolist() == ["a", "b"]
    assert pair.truth.tolist() == [0, 1]
    assert pair.prediction.tolist() == [0, 2]
    assert pair.truth.dtype == pair.prediction.dtype == np.int64


def test_speakers_are_codes_and_unknown_ones_are_each_their_own():
    codes, by_speaker = speaker_codes(pd.DataFrame({"speaker": ["x", None, "y", "x", None]}))
    assert by_speaker
    assert codes[0] == codes[3]
    assert len(set(codes.tolist())) == 4


@pytest.mark.parametrize("clips", [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"speaker": [None, None]})])
def test_without_speakers_clips_are_the_units(clips):
    codes, by_speaker = speaker_codes(clips)
    assert (codes.tolist(), by_speaker) == ([0, 1], False)


def test_without_speakers_the_number_of_speakers_is_unknown_and_not_zero():
    pair = pairs(tables({"arousal": [0.1, 0.2, 0.3, 0.4]}, {"arousal": [0.1] * 4}), "arousal")
    assert (pair.speakers, pair.units, pair.by_speaker) == (None, 4, False)


def test_taking_some_clips_renumbers_their_speakers():
    t = tables({"arousal": [0.1, 0.2, 0.3, 0.4], "speaker": list("stuv")}, {"arousal": [0.1] * 4})
    some = pairs(t, "arousal").take(np.array([False, True, False, True]))
    assert some.unit.tolist() == [0, 1]
    assert (some.units, some.clips.tolist(), some.truth.tolist()) == (2, ["b", "d"], [0.2, 0.4])


def test_other_predictions_keep_the_clips():
    t = tables({"arousal": [0.1, 0.2, 0.3, 0.4]}, {"arousal": [0.1] * 4})
    other = t.with_predictions({"clean": t.predictions["clean"] + 1})
    assert other.clips is t.clips
    assert t.predictions["clean"]["arousal"].tolist() == [0.1] * 4
    assert other.predictions["clean"]["arousal"].tolist() == [1.1] * 4


def test_dimensions_of_the_model_come_in_the_fields_order():
    t = tables({}, {"valence": [0.0] * 4, "anger": [0.0] * 4, "arousal": [0.0] * 4})
    assert t.model_dimensions == ("arousal", "valence")


def test_an_unanswered_clip_counts_as_the_end_of_the_scale_that_is_farther_from_the_truth():
    t = tables(
        {"arousal": [0.1, 0.9, 0.5, 0.4]}, {"arousal": [np.nan, np.nan, np.nan, 0.8]}, dimensions=("arousal",)
    )
    pair = pairs(t, "arousal")
    assert pair.prediction.tolist() == [1.0, 0.0, 0.0, 0.8]
    assert pair.answered.tolist() == [False, False, False, True]
    assert (pair.n, pair.coverage, pair.classes) == (4, 0.25, 0)
    assert pair.of_answered.clips.tolist() == ["d"]
    left_out = dataclasses.replace(t, leaves_out_unanswered=True)
    assert pairs(left_out, "arousal").clips.tolist() == ["d"]


def test_an_unanswered_emotion_is_one_more_class_that_is_never_right():
    t = tables(
        {"emotion": ["x", "y", "z", "x"]},
        {"x": [0.6, 0.1, np.nan, 0.2], "y": [0.3, 0.2, np.nan, np.nan]},
        classes=("x", "y"),
        model_classes=("x", "y"),
    )
    pair = pairs(t, "emotion")
    # c is of a class that the model does not have, so it was not asked
    assert pair.clips.tolist() == ["a", "b", "d"]
    assert pair.prediction.tolist() == [0, 1, 2]
    assert (pair.classes, class_names(pair, t)) == (3, ["x", "y", "no answer"])


def test_complete_answers_have_no_further_class():
    t = tables(
        {"emotion": list("xyxy")}, {"x": [1.0, 0, 1, 0], "y": [0.0, 1, 0, 1]}, model_classes=("x", "y")
    )
    pair = pairs(t, "emotion")
    assert (pair.classes, pair.answered, pair.coverage) == (2, None, 1.0)
    assert pair.of_answered is pair


def test_a_clip_that_could_not_be_heard_under_one_condition_is_asked_under_the_others():
    t = Tables(
        clips=pd.DataFrame({"arousal": [0.1, 0.2, 0.3, 0.4]}, index=INDEX),
        predictions={
            name: pd.DataFrame({"arousal": [0.1, np.nan, 0.3, 0.4]}, index=INDEX)
            for name in ("clean", "noise")
        },
        missing=unheard("b", "noise"),
    )
    assert pairs(t, "arousal").n == 4
    assert pairs(t, "arousal", "noise").n == 3
