import numpy as np
import pandas as pd

from sertools.tables.votes import (
    Votes,
    is_of_raters,
    packed,
    rated_dimensions,
    ratings_of,
    unpacked,
    votes_of,
)


def test_clips_without_votes_have_no_share_and_others_sum_to_one():
    votes = votes_of(pd.DataFrame({"votes_anger": [3, np.nan, 0], "votes_fear": [1, np.nan, 2]}))
    assert votes.classes == ("anger", "fear")
    assert votes.raters.tolist() == [4, 0, 2]
    assert votes.are_counted
    np.testing.assert_array_equal(votes.shares, [[0.75, 0.25], [np.nan, np.nan], [0, 1]])


def test_shares_of_an_unknown_number_of_raters_are_not_counted():
    assert not votes_of(pd.DataFrame({"votes_anger": [0.4], "votes_fear": [0.6]})).are_counted


def test_votes_follow_the_order_of_the_classes_of_a_model_and_lose_none():
    votes = Votes(classes=("anger", "fear"), counts=np.array([[2.0, 1.0]])).of(["neutral", "fear"])
    assert votes.classes == ("neutral", "fear", "anger")
    assert votes.counts.tolist() == [[0.0, 1.0, 2.0]]


def test_a_corpus_without_votes_has_none():
    assert votes_of(pd.DataFrame({"emotion": ["anger"]})) is None
    assert votes_of(pd.DataFrame({"votes_anger": [np.nan]})) is None
    assert ratings_of(pd.DataFrame({"arousal": [0.5]}), "arousal") is None


def test_ratings_of_unequal_numbers_of_raters_are_filled_with_nan():
    index = pd.Index(["a", "b", "c"])
    column = packed([[0.1, 0.2], [], [0.3, None, 0.5]], index)
    clips = pd.DataFrame({"ratings_arousal": column})
    np.testing.assert_array_equal(ratings_of(clips, "arousal"), [[0.1, 0.2], [np.nan, np.nan], [0.3, 0.5]])
    assert unpacked(column) == [[0.1, 0.2], [], [0.3, None, 0.5]]
    assert rated_dimensions(clips) == ["arousal"]


def test_columns_of_raters_are_recognised_by_their_names():
    assert [
        name for name in ("votes_x", "ratings_y", "raters", "rater", "emotion") if is_of_raters(name)
    ] == [
        "votes_x",
        "ratings_y",
        "raters",
    ]
