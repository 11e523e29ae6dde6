import pandas as pd
import pytest

from sertools.auditing.audit import load
from sertools.auditing.examples import MAX_EXAMPLES, furthest, in_turn, moved, of_speaker
from sertools.results.result import Sound, Table
from sertools.selftest import toy_corpus
from sertools.tables.tables import Tables
from tests.helpers.audits import run

CLIPS = pd.DataFrame(
    {
        "file": ["a.wav", "b.wav", "c.wav", "d.wav"],
        "speaker": ["s1", "s1", "s2", None],
        "transcript": ["one", None, "three", "four"],
        "arousal": [0.5, 0.9, 0.2, 0.4],
        "emotion": ["anger", "anger", "joy", "joy"],
    },
    index=pd.Index(["a", "b", "c", "d"], name="clip"),
)
SCORES = pd.DataFrame(
    {"arousal": [0.5, 0.2, 0.6, 0.5], "anger": [0.9, 0.3, 0.6, 0.2], "joy": [0.1, 0.7, 0.4, 0.8]},
    index=CLIPS.index,
)
TABLES = Tables(
    clips=CLIPS,
    predictions={"clean": SCORES, "gain@drawn": SCORES},
    dimensions=("arousal",),
    classes=("anger", "joy"),
    model_classes=("anger", "joy"),
)


def sound(clip: str, condition: str = "clean") -> Sound:
    return Sound(clip=clip, condition=condition, target="arousal", caption="")


def test_ratings_furthest_from_the_truth_come_first_and_right_ones_not_at_all():
    found = furthest(TABLES, "arousal")
    assert [(s.clip, s.truth, s.clean) for s in found] == [("b", 0.9, 0.2), ("c", 0.2, 0.6), ("d", 0.4, 0.5)]
    assert [s.caption for s in found[:2]] == [
        "Arousal is predicted 0.70 too low.",
        "Arousal is predicted 0.40 too high.",
    ]


def test_emotions_are_ordered_by_how_sure_the_wrong_answer_is():
    found = furthest(TABLES, "emotion", "why")
    # b: .7 − .3, c: .6 − .4; a and d are right
    assert [(s.clip, s.truth, s.clean) for s in found] == [("b", "anger", "joy"), ("c", "joy", "anger")]
    assert found[0].caption == "why: anger is predicted as joy."


def test_clips_of_one_speaker_only():
    assert [s.clip for s in of_speaker(TABLES, "arousal", "s1")] == ["b"]
    assert of_speaker(TABLES, "arousal", "s1")[0].caption.startswith("s1 is the worst speaker for arousal: ")


def test_who_speaks_and_what_is_said_is_told_where_it_is_known():
    told = {s.clip: (s.speaker, s.transcript) for s in furthest(TABLES, "arousal")}
    assert told == {"b": ("s1", ""), "c": ("s2", "three"), "d": ("", "four")}


def test_clips_alike_follow_their_names_whatever_the_order():
    clips = pd.DataFrame({"file": "x", "arousal": 0.0}, index=[f"{i:02d}" for i in range(30)])
    scores = pd.DataFrame({"arousal": 0.5}, index=clips.index)
    for order in (slice(None), slice(None, None, -1)):
        tables = Tables(clips=clips[order], predictions={"clean": scores[order]}, dimensions=("arousal",))
        assert [s.clip for s in furthest(tables, "arousal")] == [f"{i:02d}" for i in range(MAX_EXAMPLES)]


def test_in_turn_takes_the_first_of_each_list_and_no_sound_twice():
    lists = [[sound("a"), sound("b")], [sound("b"), sound("c")], [sound("b", "gain@drawn")]]
    found = [(s.clip, s.condition) for s in in_turn(lists)]
    assert found == [("a", "clean"), ("b", "clean"), ("b", "gain@drawn"), ("c", "clean")]
    assert in_turn([]) == []


def test_the_worst_clip_of_each_change_comes_before_the_second_of_any():
    rows = [
        ["b", "gain@drawn", "arousal", 0.2, 0.9, 0.7],
        ["c", "gain@drawn", "arousal", 0.6, 0.1, 0.5],
        ["d", "clip@drawn", "emotion", "joy", "anger", 0.4],
    ]
    table = Table(
        name="w", title="", columns=["clip", "change", "target", "clean", "changed", "by"], rows=rows
    )
    first, second, third = moved(TABLES, table)
    assert (first.clip, second.clip, third.clip) == ("b", "d", "c")
    assert (first.truth, first.clean, first.changed) == (0.9, 0.2, 0.9)
    assert first.caption == "arousal changes from 0.20 to 0.90 under gain@drawn."
    assert (second.truth, second.clean, second.changed) == ("joy", "joy", "anger")


@pytest.mark.parametrize("name", ["correctness", "fairness", "robustness", "speakers"])
def test_audits_name_clips_of_a_flawed_model_and_none_of_the_oracle(name):
    audit = load(name)
    few = {"resamples": 50} if "resamples" in audit.options() else {}
    clips = toy_corpus.clips()
    conditions = audit.needs(**audit.settings(few)).conditions
    oracle = toy_corpus.answers("oracle", clips, conditions)
    assert run(audit, oracle, seed=0, options=few).sounds == []
    random = toy_corpus.answers("random", clips, conditions)
    if name == "robustness":
        random = audit.plant(oracle, None)
    found = run(audit, random, seed=0, options=few).sounds
    assert 0 < len(found) <= MAX_EXAMPLES
    assert {s.clip for s in found} <= set(clips.index)
    assert {s.condition for s in found} <= set(random.predictions)
    assert all((s.condition != "clean") == (name == "robustness") for s in found)
