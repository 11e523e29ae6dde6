import numpy as np
import pandas as pd
import pytest

from sertools.errors import AuditError
from sertools.metrics.groups import Groups, groups_of, matched, pitch_groups, sex_from_pitch


def members(clips, name):
    groups = groups_of(clips, name)
    return {label: np.flatnonzero(groups.code == code).tolist() for code, label in enumerate(groups.names)}


def test_text_names_its_groups_and_a_clip_without_one_is_in_none():
    clips = pd.DataFrame({"sex": ["male", None, "female", "male"]})
    assert members(clips, "sex") == {"female": [2], "male": [0, 3]}


def test_ages_are_cut_at_30_and_50_both_in_the_middle():
    clips = pd.DataFrame({"age": [20.0, 29.9, 30.0, 41.0, 50.0, 50.1, 51, 60, 70, np.nan]})
    assert members(clips, "age") == {"<30": [0, 1], "30-50": [2, 3, 4], ">50": [5, 6, 7, 8]}


def test_a_few_ages_are_cut_as_well_as_many():
    """Ten actors may have eight ages; each of them alone is no group."""
    clips = pd.DataFrame({"age": ["21", "31", "32", "31", "55"]})
    assert members(clips, "age") == {"<30": [0], "30-50": [1, 2, 3], ">50": [4]}


def test_some_of_the_groups_keep_their_clips_and_are_renumbered():
    groups = groups_of(pd.DataFrame({"accent": ["a", "b", "c", None, "a"]}), "accent")
    some = groups.only([2, 0])
    assert some.names == ("c", "a")
    assert some.code.tolist() == [1, -1, 0, -1, 1]


def test_ages_written_as_text_are_cut_too():
    clips = pd.DataFrame({"age": [str(age) for age in range(25, 60)]})
    assert [len(rows) for rows in members(clips, "age").values()] == [5, 21, 9]


def test_other_numbers_are_cut_into_thirds():
    clips = pd.DataFrame({"duration": np.arange(1.0, 10.0)})
    assert list(members(clips, "duration").values()) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_few_different_numbers_are_groups_as_they_are():
    assert list(members(pd.DataFrame({"session": [2, 1, 2]}), "session").items()) == [
        ("1", [1]),
        ("2", [0, 2]),
    ]


def test_codes_that_look_like_numbers_stay_names():
    clips = pd.DataFrame({"accent": [f"{i:02d}" for i in range(12)]})
    assert len(groups_of(clips, "accent")) == 12


def test_two_columns_cross_where_both_are_known():
    clips = pd.DataFrame(
        {"sex": ["female", "male", "female", None], "language": ["eng", "eng", "deu", "deu"]}
    )
    assert members(clips, "sex+language") == {"female+deu": [2], "female+eng": [0], "male+eng": [1]}


def test_an_unknown_column_names_those_that_have_groups():
    with pytest.raises(AuditError, match="no column 'gender'.*sex"):
        groups_of(pd.DataFrame({"sex": ["f", "m"]}), "gender")


def test_three_columns_are_too_many():
    with pytest.raises(AuditError, match="3 columns"):
        groups_of(pd.DataFrame({"sex": ["f"]}), "sex+age+language")


def test_ids_are_no_groups():
    with pytest.raises(AuditError, match="gives 50 groups"):
        groups_of(pd.DataFrame({"file": [f"{i}.wav" for i in range(50)]}), "file")


def test_pitch_groups_follow_the_mean_of_a_speaker_not_of_a_clip():
    f0 = np.array([100.0] * 25 + [145.0] * 25 + [130.0, 170.0] * 15 + [191.0] * 25 + [400.0] * 24 + [90.0])
    speaker = pd.Series(["low"] * 25 + ["edge"] * 25 + ["mid"] * 30 + ["high"] * 25 + ["rare"] * 24 + [None])
    groups = pitch_groups(f0, speaker)
    assert set(groups[:50]) == {"low"}, "145 Hz is low"
    assert set(groups[50:80]) == {"medium"}
    assert set(groups[80:105]) == {"high"}
    assert set(groups[105:]) == {""}, "24 clips are too few, and nobody's clip has no group"


def test_clips_of_unknown_pitch_do_not_count_for_their_speaker():
    f0 = np.array([120.0] * 25 + [np.nan] * 5 + [120.0] * 24 + [np.nan] * 6)
    groups = pitch_groups(f0, pd.Series(["a"] * 30 + ["b"] * 30))
    assert set(groups[:30]) == {"low"}
    assert set(groups[30:]) == {""}


def test_pitch_groups_are_made_of_the_f0_of_clips():
    clips = pd.DataFrame({"speaker": ["a"] * 25 + ["b"] * 25, "f0_hz": [110.0] * 25 + [220.0] * 25})
    assert {name: len(rows) for name, rows in members(clips, "pitch_group").items()} == {
        "low": 25,
        "high": 25,
    }


def test_matched_groups_have_the_same_truth():
    rng = np.random.default_rng(0)
    truth = np.concatenate([rng.choice(3, 200, p=[0.7, 0.2, 0.1]), rng.choice(3, 90, p=[0.1, 0.2, 0.7])])
    groups = Groups(names=("a", "b"), code=np.repeat([0, 1], [200, 90]))
    taken = matched(truth, groups, [f"c{i:03d}" for i in range(290)], rng=rng)
    counts = [np.bincount(truth[taken & (groups.code == code)], minlength=3) for code in (0, 1)]
    assert counts[0].tolist() == counts[1].tolist()
    smallest = [min((truth[:200] == v).sum(), (truth[200:] == v).sum()) for v in range(3)]
    assert counts[0].tolist() == smallest, "no clip is left out that could stay"


def test_matching_takes_the_same_clips_whatever_their_order():
    rng = np.random.default_rng(1)
    truth, code = rng.integers(0, 4, 100), rng.integers(-1, 3, 100)
    clips = np.array([f"c{i}" for i in range(100)])
    names = ("a", "b", "c")
    first = matched(truth, Groups(names=names, code=code), list(clips), rng=np.random.default_rng(5))
    order = rng.permutation(100)
    again = matched(
        truth[order], Groups(names=names, code=code[order]), list(clips[order]), rng=np.random.default_rng(5)
    )
    assert set(clips[first]) == set(clips[order][again])
    assert not first[code < 0].any()


def test_without_speakers_each_clip_has_the_sex_that_its_own_pitch_suggests():
    clips = pd.DataFrame({"pitch_hz": [164.9, 165.0, np.nan]})
    assert sex_from_pitch(clips).tolist() == ["male", "female", None]
    # the mean of the speaker decides where there is one
    assert sex_from_pitch(clips.assign(speaker=["a", "a", None])).tolist() == ["male", "male", None]
