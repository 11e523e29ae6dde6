"""The answers of a model by clip, stored next to its results."""

import pandas as pd
import pytest

from sertools.errors import GateError
from sertools.results.answers import COLUMNS, FILE, Answers, read_answers, unreadable


def answers(*rows: tuple[str, str, str | None]) -> Answers:
    """Answers from rows of target, clip and answer."""
    table = [[clip, "s", target, "0.5", answer] for target, clip, answer in rows]
    return Answers(pd.DataFrame(table, columns=list(COLUMNS)))


ONE = answers(("arousal", "b", "0.1"), ("arousal", "a", None), ("emotion", "a", "anger"))


def test_answers_come_back_from_their_file_with_the_same_digest_in_any_order(tmp_path):
    ONE.write(tmp_path)
    back = read_answers(tmp_path)
    assert back is not None
    assert back.digest == ONE.digest == Answers(ONE.table.iloc[::-1]).digest
    assert back.digest != answers(("arousal", "b", "0.2"), ("arousal", "a", None)).digest
    assert read_answers(tmp_path, "other.parquet") is None


def test_the_rows_of_a_target_are_sorted_by_clip():
    assert ONE.of("arousal").index.tolist() == ["a", "b"]
    assert ONE.of("valence").empty
    assert ONE.of("valence").index.name == "clip"


def test_the_same_clips_are_those_that_both_models_answered():
    same = answers(("arousal", "a", None), ("arousal", "b", "0.9"))
    assert ONE.same_clips(same, "arousal")
    assert not ONE.same_clips(answers(("arousal", "a", "0.9"), ("arousal", "b", "0.9")), "arousal")
    assert not ONE.same_clips(same, "emotion")


def test_a_file_that_holds_something_else_is_named(tmp_path):
    (tmp_path / FILE).write_bytes(b"no Parquet")
    with pytest.raises(GateError, match=r"answers\.parquet cannot be read as Parquet"):
        read_answers(tmp_path)
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(tmp_path / FILE)
    with pytest.raises(GateError, match=r"answers\.parquet has the columns a, b"):
        read_answers(tmp_path)


def test_the_clips_of_a_target_have_a_hash_that_follows_who_was_answered():
    assert ONE.clips("arousal") == answers(("arousal", "b", "0.7"), ("arousal", "a", None)).clips("arousal")
    assert ONE.clips("arousal") != answers(("arousal", "b", None), ("arousal", "a", "0.7")).clips("arousal")
    assert ONE.clips("valence") is None


def test_a_file_that_holds_no_answers_says_why(tmp_path):
    assert unreadable(tmp_path) == ""
    ONE.write(tmp_path)
    assert unreadable(tmp_path) == ""
    path = tmp_path / FILE
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(path)
    assert unreadable(tmp_path) == f"{path} has the columns a, b"
    path.write_bytes(b"no Parquet")
    assert unreadable(tmp_path) == f"{path} cannot be read as Parquet"
