import numpy as np
import pandas as pd
import pytest

from sertools.corpora.clips import Reading, as_clips
from sertools.errors import CorpusError
from sertools.tables.votes import ratings_of, unpacked, votes_of


def clips_of(columns, **reading):
    n = len(next(iter(columns.values())))
    table = pd.DataFrame({"file": [f"{i}.wav" for i in range(n)], **columns})
    return as_clips(table, source="clips.csv", reading=Reading(**reading))


def test_the_emotion_is_the_one_that_most_raters_chose_and_a_tie_is_none():
    clips, notes = clips_of({"votes_ang": [3, 1, 0], "votes_neu": [1, 1, 0]})
    assert clips["emotion"].tolist()[0] == "anger"
    assert clips["emotion"].isna().tolist() == [False, True, True]
    assert list(votes_of(clips).classes) == ["anger", "neutral"]
    assert "emotion is the one that most raters chose" in notes
    assert "1 clip of 2 without agreement: no emotion has most votes" in notes


def test_an_emotion_of_the_table_stays_as_it_is():
    clips, notes = clips_of({"emotion": ["fear"], "votes_anger": [3], "votes_fear": [1]})
    assert clips["emotion"].tolist() == ["fear"]
    assert notes == []


def test_votes_under_another_prefix_are_read_where_they_are_named():
    columns = {
        "voice_anger": [2],
        "voice_fear": [1],
        "voice_n": [3],
        "voice_agreement": [0.67],
        "emotion": ["fear"],
    }
    clips, notes = clips_of(columns)
    assert votes_of(clips) is None
    assert any("add --raters voice" in note for note in notes)
    clips, _ = clips_of(columns, votes="voice")
    assert votes_of(clips).counts.tolist() == [[2, 1]]
    assert "voice_agreement" in clips
    assert "voice_anger" not in clips
    with pytest.raises(CorpusError, match="no columns face_anger") as raised:
        clips_of(columns, votes="face")
    assert raised.value.hint == "it has such columns for voice"


def test_votes_that_do_not_sum_to_the_number_of_raters_are_an_error_that_names_the_clip():
    with pytest.raises(CorpusError, match=r"votes of '1.wav' sum to 3, but votes_n is 4"):
        clips_of({"votes_anger": [2, 2], "votes_fear": [1, 1], "votes_n": [3, 4]})


def test_shares_that_do_not_sum_to_one_are_an_error_and_rounded_ones_are_not():
    with pytest.raises(CorpusError, match=r"votes of '0.wav' sum to 0.8"):
        clips_of({"votes_anger": [0.5], "votes_fear": [0.3]})
    clips, _ = clips_of({"votes_anger": [0.33], "votes_fear": [0.33], "votes_neutral": [0.33]})
    assert votes_of(clips).raters.tolist() == [pytest.approx(1, abs=1e-12)]


def test_shares_and_the_number_of_raters_are_votes():
    clips, _ = clips_of({"votes_anger": [0.667], "votes_fear": [0.333], "votes_n": [3]})
    assert votes_of(clips).counts.tolist() == [[2, 1]]


def test_negative_votes_are_an_error():
    with pytest.raises(CorpusError, match="votes_anger of '0.wav' is -1, below 0"):
        clips_of({"votes_anger": [-1], "votes_fear": [2]})


def test_votes_for_labels_that_mean_the_same_are_added_and_those_for_none_left_out():
    columns = {"votes_happy": [1], "votes_excited": [2], "votes_unknown": [4], "votes_sad": [1]}
    clips, notes = clips_of(columns, label_map={"excited": "happiness"})
    votes = votes_of(clips)
    assert dict(zip(votes.classes, votes.counts[0], strict=True)) == {"happiness": 3, "sadness": 1}
    assert any("votes for unknown name no emotion" in note for note in notes)


def test_a_majority_for_what_the_corpus_calls_no_emotion_is_missing():
    clips, _ = clips_of({"votes_other": [3], "votes_anger": [1]}, no_emotion=("other",))
    assert clips["emotion"].isna().all()


def test_ratings_of_single_raters_are_scaled_and_their_mean_is_the_rating():
    clips, notes = clips_of({"ratings_valence": ["1;3;5", "2"]}, scale={"valence": (1, 5)})
    np.testing.assert_array_equal(ratings_of(clips, "valence"), [[0, 0.5, 1], [0.25, np.nan, np.nan]])
    assert clips["valence"].tolist() == [0.5, 0.25]
    assert "valence is the mean of the raters' ratings" in notes


def test_a_rating_of_a_rater_outside_the_scale_is_an_error_that_names_the_clip():
    with pytest.raises(CorpusError, match=r"valence of '1.wav' is 7, outside 1 … 5"):
        clips_of({"ratings_valence": ["1;2", "3;7"]}, scale={"valence": (1, 5)})


def test_what_is_no_list_is_an_error():
    with pytest.raises(CorpusError, match="is not a list with one label per rater"):
        clips_of({"ratings_valence": ["[0.1, 0.2"]})


def test_raters_and_ratings_of_other_lengths_are_an_error():
    with pytest.raises(CorpusError, match="has 1 rater and 2 ratings of valence"):
        clips_of({"ratings_valence": ["0.1;0.2"], "raters": ["x"]})


def test_what_was_read_is_read_the_same_from_its_own_columns():
    columns = {
        "ratings_emotion": ["ang;neu;ang", "neu"],
        "ratings_arousal": ["1;2;3", "4"],
        "raters": ["x;y;z", "x"],
    }
    clips, _ = clips_of(columns, scale={"*": (1, 5)})
    assert unpacked(clips["ratings_emotion"]) == [["anger", "neutral", "anger"], ["neutral"]]
    again, notes = as_clips(clips.reset_index(), source="clips.parquet")
    pd.testing.assert_frame_equal(again[clips.columns], clips)
    assert notes == []
