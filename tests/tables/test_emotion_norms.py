import numpy as np
import pandas as pd
import pytest

from sertools.tables.emotion_norms import PLEASURE_AROUSAL_DOMINANCE, derive


@pytest.mark.parametrize(
    ("emotion", "arousal", "dominance", "valence"),
    [  # (x + 1) / 2 of the published means, worked out by hand
        ("anger", 0.795, 0.625, 0.245),
        ("boredom", 0.19, 0.335, 0.175),
        ("disgust", 0.675, 0.555, 0.2),
        ("fear", 0.8, 0.285, 0.18),
        ("happiness", 0.755, 0.73, 0.905),
        ("neutral", 0.5, 0.5, 0.5),
        ("sadness", 0.365, 0.335, 0.185),
        ("surprise", 0.835, 0.435, 0.7),
    ],
)
def test_derived_dimensions_are_the_published_norms_on_the_unit_scale(emotion, arousal, dominance, valence):
    row = derive(pd.Series([emotion])).iloc[0]
    assert row.to_dict() == pytest.approx(
        {"arousal": arousal, "dominance": dominance, "valence": valence}, abs=1e-12
    )


def test_synonyms_have_the_norm_of_their_category():
    ours = derive(pd.Series(["anger", "happiness", "sadness", "neutral"]))
    theirs = derive(pd.Series(["ANG", "joy", " Sad ", "neu"]))
    pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.parametrize("emotion", ["contempt", "other", "", None, float("nan")])
def test_a_category_without_a_norm_has_no_dimensions(emotion):
    assert derive(pd.Series([emotion, "fear"], dtype=object)).isna().all(axis=1).tolist() == [True, False]


def test_the_clips_keep_their_names_and_the_input_stays_as_it_is():
    emotions = pd.Series(["fear", "fear"], index=pd.Index(["b", "a"], name="clip"))
    before = emotions.copy()
    derived = derive(emotions)
    assert derived.index.equals(emotions.index)
    assert list(derived.columns) == ["arousal", "dominance", "valence"]
    pd.testing.assert_series_equal(emotions, before)


def test_nothing_derives_from_no_clips():
    assert derive(pd.Series([], dtype=object)).shape == (0, 3)


def test_norms_lie_inside_their_scale_and_neutral_in_its_middle():
    values = np.array(list(PLEASURE_AROUSAL_DOMINANCE.values()))
    assert np.abs(values).max() < 1
    assert PLEASURE_AROUSAL_DOMINANCE["neutral"] == (0, 0, 0)
