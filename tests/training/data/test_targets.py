import numpy as np
import pandas as pd
import pytest

from sertools.errors import CorpusError
from sertools.training.data.measures import measures
from sertools.training.data.targets import names_of, targets_of
from sertools.training.recipe import recipe_of

TABLE = pd.DataFrame(
    {
        "emotion": ["anger", "neutral", None, "fear"],
        "arousal": [0.9, 0.5, 0.1, None],
        "votes_anger": [3, 0, 0, None],
        "votes_neutral": [1, 4, 0, None],
        "votes_sadness": [0, 0, 2, None],
    }
)


def truth(**changes):
    recipe = recipe_of({"method": "fine-tune", "corpora": ["-"], **changes})
    return targets_of(recipe, TABLE, *names_of(recipe, TABLE))


def test_categories_are_the_emotions_of_the_clips_or_those_that_are_named():
    every = truth()
    assert every.labels == ("anger", "fear", "neutral")
    assert every.shares.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    two = truth(labels=["neutral", "angry"])
    assert two.labels == ("neutral", "anger")
    assert two.known.tolist() == [True, True, False, False]


def test_votes_become_shares_and_are_smoothed():
    assert truth(target="soft").shares.tolist() == [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    smooth = truth(target="soft", smoothing=0.05).shares
    np.testing.assert_allclose(smooth[0], [0.95 * p + 0.05 * (1 - p) / 2 for p in (0.75, 0.25, 0)], rtol=1e-6)
    np.testing.assert_allclose(smooth.sum(axis=1), [1, 1, 1, 0], rtol=1e-6)


def test_a_joint_target_has_ratings_first_and_clips_with_either():
    both = truth(target="joint", labels=["arousal", "anger", "neutral"])
    assert both.labels == ("arousal", "anger", "neutral")
    assert both.known.tolist() == [True, True, True, False]
    assert np.isnan(both.ratings[3, 0])


def test_dimensions_are_ratings_or_follow_from_emotions():
    rated = truth(target="dimensions", labels=["arousal"]).ratings[:, 0]
    np.testing.assert_array_equal(rated, np.float32([0.9, 0.5, 0.1, np.nan]))
    derived = truth(target="dimensions", norms="russell_mehrabian_1977")
    assert derived.ratings[1].tolist() == [0.5, 0.5, 0.5]
    assert derived.known.tolist() == [True, True, False, True]


def test_sentiment_is_the_side_of_the_middle_and_neutral_clips_are_left_out():
    table = pd.DataFrame({"valence": [0.9, 0.5, 0.1, None]})
    recipe = recipe_of({"method": "fine-tune", "corpora": ["-"], "target": "sentiment"})
    found = targets_of(recipe, table, *names_of(recipe, table))
    assert found.labels == ("negative", "positive")
    assert found.shares.tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]
    with pytest.raises(CorpusError, match="no clip has a rating of valence"):
        names_of(recipe, pd.DataFrame({"valence": [None]}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ["arousal"]}, "label arousal is a dimension, but the target is categories"),
        ({"target": "dimensions", "labels": ["anger"]}, "label 'anger' is not a dimension"),
        ({"target": "dimensions"}, "no clip has a rating of dominance"),
        ({"labels": ["anger", "joy"]}, "no training clip has the emotion 'happiness'"),
    ],
)
def test_targets_that_the_clips_do_not_have_are_refused(changes, said):
    with pytest.raises(CorpusError, match=said):
        truth(**changes)


def test_measures_leave_out_ties_and_missing_ratings():
    both = truth(target="soft")
    outputs = np.array([[2.0, 1, 0], [3, 1, 0], [0, 0, 5], [1, 2, 3]])
    found = measures(outputs, both)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["uar"] == pytest.approx(2 / 3)
    rated = truth(target="dimensions", labels=["arousal"])
    assert measures(np.array([[0.9], [0.5], [0.1], [7.0]]), rated)["ccc"] == pytest.approx(1)
