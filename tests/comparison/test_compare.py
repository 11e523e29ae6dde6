"""Models side by side, from results that are made by hand or by two real audits of toy models."""

import math

import numpy as np
import pytest
from scipy import stats

from sertools.auditing.audit import load
from sertools.comparison.compare import compare
from sertools.comparison.runs import Measure, direction, run_of
from sertools.errors import GateError
from sertools.metrics.regression import CCC
from sertools.results.keys import FindingKey
from sertools.results.reasons import WITHOUT_CODE
from sertools.results.result import Finding, Limit, Result, Verdict
from sertools.statistics.jackknife import contrast
from sertools.tables.condition import CLEAN
from sertools.tables.pairs import speaker_codes
from tests.helpers.audit_tables import made
from tests.helpers.audits import run
from tests.helpers.comparisons import WITHOUT, against, ccc, difference, kept, result, rows


def test_a_difference_is_the_value_minus_that_of_the_first_and_its_interval_the_paired_jackknifes():
    old = result([ccc(0.5)], left_out=[kept(WITHOUT["b"])])
    new = result([ccc(0.7)], left_out=[kept(WITHOUT["a"])])
    found = difference(against(new, old))
    # leaving one out changes the difference by 0, .1, .2, .3, .4: variance .02, and (G − 1) of it
    half = stats.t.ppf(0.975, 4) * math.sqrt(4 * 0.02)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.2 - half, 0.2 + half), abs=1e-12)
    assert (found.slice, found.n, found.speakers, found.reason) == ("new − old", 50, 5, "")
    assert found.verdict is Verdict.NONE
    back = difference(compare([("new", [new]), ("old", [old])]))
    assert (back.value, back.low, back.high) == (-found.value, -found.high, -found.low)


def audited(tables, names=("correctness", "speakers")) -> list[Result]:
    return [
        run(
            load(name),
            tables,
            seed=0,
            data={"name": "voices"},
            provenance={"corpus_fingerprint": "abc"},
        )
        for name in names
    ]


def worse(tables, noise=0.1):
    scores = tables.predictions[CLEAN].copy()
    scores["arousal"] += np.random.default_rng(1).normal(0, noise, len(scores))
    return tables.with_predictions({CLEAN: scores})


MODEL = made([20] * 12, noise=0.1)
GOOD, BAD = audited(MODEL), audited(worse(MODEL))


def test_the_difference_of_two_audits_is_the_paired_contrast_of_their_predictions():
    found = difference(compare([("good", GOOD), ("bad", BAD)]))
    truth, before, after = (
        x["arousal"].to_numpy()
        for x in (MODEL.clips, MODEL.predictions[CLEAN], worse(MODEL).predictions[CLEAN])
    )
    by_hand = contrast(CCC, truth, before, after, speaker_codes(MODEL.clips)[0])
    assert (found.value, found.low, found.high) == pytest.approx(
        (by_hand.value, by_hand.low, by_hand.high), abs=1e-12
    )
    assert found.high < 0


def test_a_model_against_itself_differs_in_nothing_and_agrees_in_everything():
    same = compare([("one", GOOD), ("two", GOOD)])
    differences = [f for f in same.findings if f.name != "speakers.agreement" and f.value is not None]
    paired = sum(f.low is not None for f in differences)
    undefined = [f for f in same.findings if f.value is None]
    assert all(f.reason for f in undefined)
    assert len(differences) + len(undefined) == len(same.findings) - 1 > len(undefined)
    assert {f.value for f in differences} == {0.0}
    assert (difference(same).low, difference(same).high) == (0.0, 0.0)
    agreement = difference(same, "speakers.agreement")
    assert (agreement.value, agreement.high) == pytest.approx((1, 1), abs=1e-12)
    assert 0.5 < agreement.low < 1, "that few speakers are ranked alike does not show that all are"
    assert [row[2:] for row in rows(same, "agreement")] == [pytest.approx([1, 1], abs=1e-12)] * 2
    assert rows(same, "verdicts") == []
    assert {tuple(row[5:]) for row in rows(same, "ranks")} == {("1–2", "1–2")}
    assert same.answer == (
        "Compared on voices: one and two. one and two have the highest CCC of arousal, 0.903. "
        f"Of {paired} scores paired by speaker, two is better beyond chance than one in 0 and worse in 0 "
        f"(95 % interval of each score by itself); {paired} do not differ significantly. "
        "0 verdicts differ."
    )


OTHER = {
    "speakers": (
        result([ccc(0.7)], left_out=[kept(WITHOUT["a"], names="uwxyz")]),
        "2 speakers are in only one of the two results, such as 'u'",
    ),
    "corpus": (
        result([ccc(0.7)], corpus="emodb", left_out=[kept(WITHOUT["a"])]),
        "the corpora differ: emodb and voices",
    ),
    "sound": (
        result([ccc(0.7)], sound="xyz", left_out=[kept(WITHOUT["a"])]),
        "the two corpora named voices differ in clips, labels or audio",
    ),
    "nothing kept": (result([ccc(0.7)]), "the result files contain no leave-one-speaker-out values for it"),
}


@pytest.mark.parametrize("kind", OTHER)
def test_a_difference_that_cannot_be_paired_stands_without_interval_and_says_why(kind):
    new, reason = OTHER[kind]
    found = difference(against(new, result([ccc(0.5)], left_out=[kept(WITHOUT["b"])])))
    assert (found.value, found.low, found.high) == (pytest.approx(0.2, abs=1e-12), None, None)
    assert found.reason == reason
    assert compare([("old", [result([ccc(0.5)])]), ("new", [new])]).answer == (
        f"Compared on {'voices and emodb' if kind == 'corpus' else 'voices'}: old and new. new and old "
        "share 1 value, none paired by speaker, so no difference can be shown to be significant. "
        "0 verdicts differ."
    )


def test_fewer_than_five_speakers_are_the_reason_where_they_are():
    four = ccc(0.5).model_copy(update={"speakers": 4})
    assert difference(against(result([four]), result([ccc(0.7)]))).reason == "fewer than 5 speakers"
    unknown = ccc(0.5).model_copy(update={"speakers": None})
    reason = difference(against(result([unknown]), result([ccc(0.7)]))).reason
    assert "no leave-one-speaker-out values" in reason


def test_sound_that_was_not_opened_is_paired_by_the_name_of_the_corpus():
    old = result([ccc(0.5)], left_out=[kept(WITHOUT["b"])], sound="the sound was not opened")
    new = result([ccc(0.7)], left_out=[kept(WITHOUT["a"])])
    assert difference(against(new, old)).low is not None


def test_what_one_run_lacks_or_has_undefined_has_no_difference():
    undefined = Finding(name="ccc", target="valence", value=None, n=9, reason="constant")
    old = result([ccc(0.5), ccc(0.1, target="valence"), undefined.model_copy(update={"target": "anger"})])
    new = result([undefined, ccc(0.2, target="dominance"), ccc(0.3, target="anger")])
    found = {f.target: f for f in against(new, old).findings}
    assert {target: (f.value, f.verdict.value, f.reason) for target, f in found.items()} == {
        "arousal": (None, "skipped", "new does not contain it"),
        "valence": (None, "skipped", "it is undefined in new"),
        "anger": (None, "skipped", "it is undefined in old"),
        "dominance": (None, "skipped", "old does not contain it"),
    }
    assert (found["valence"].n, found["valence"].speakers) == (9, None)


def test_what_neither_the_first_nor_this_run_has_is_no_difference_of_it():
    third = result([ccc(0.3), ccc(0.4, target="valence")])
    three = compare([("a", [result([ccc(0.1)])]), ("b", [result([ccc(0.2)])]), ("c", [third])])
    assert [(f.target, f.slice) for f in three.findings] == [
        ("arousal", "b − a"),
        ("arousal", "c − a"),
        ("valence", "c − a"),
    ]
    assert [row[4:] for row in rows(three, "values")] == [
        [0.1, 0.2, 0.3, pytest.approx(0.1), None, None, pytest.approx(0.2), None, None],
        [None, None, 0.4, None, None, None, None, None, None],
    ]


def test_slices_stay_and_worst_speakers_meet_whoever_they_are():
    old = [ccc(0.5, slice="sex=female"), Finding(name="worst_speaker", slice="speaker=v", value=0.1, n=9)]
    new = [ccc(0.6, slice="sex=female"), Finding(name="worst_speaker", slice="speaker=w", value=0.4, n=9)]
    found = against(result(new), result(old))
    assert [(f.slice, pytest.approx(f.value, abs=1e-12)) for f in found.findings] == [
        ("new − old, sex=female", 0.1),
        ("new − old, speaker=*", 0.3),
    ]


def test_of_findings_that_repeat_the_first_counts():
    assert difference(against(result([ccc(0.7), ccc(0.9)]), result([ccc(0.5)]))).value == pytest.approx(0.2)


# verdicts, ranks, the answer


def test_only_verdicts_that_differ_are_listed_with_their_limits():
    limits = [Limit(name="ccc", above=above) for above in (0.5, 0.6)]
    old = [
        ccc(0.7, limit=limits[0], verdict="pass"),
        ccc(0.1, target="valence", limit=limits[0], verdict="fail"),
    ]
    new = [
        ccc(0.4, limit=limits[1], verdict="fail"),
        ccc(0.2, target="valence", limit=limits[0], verdict="fail"),
    ]
    lone = [ccc(0.2, target="valence")]
    found = compare([("old", [result(old)]), ("new", [result(new)]), ("lone", [result(lone)])])
    assert rows(found, "verdicts") == [
        ["correctness", "ccc", "arousal", "all", "> 0.5 or > 0.6", "pass", "fail", None],
        ["correctness", "ccc", "valence", "all", "> 0.5", "fail", "fail", "none"],
    ]
    assert found.answer.endswith(" 2 verdicts differ, 1 of them between pass and fail.")
    assert rows(against(result([ccc(0.1, verdict="skipped")]), result([ccc(0.1)])), "verdicts") == []


def with_spread(value, better="higher", spread=0.0):
    """A result whose interval is wide, and whose values without a speaker spread this much."""
    values = np.linspace(value - spread, value + spread, 5)
    return result([ccc(value, value - 0.3, value + 0.3)], left_out=[kept(values, better)])


@pytest.mark.parametrize(
    ("better", "ranks"), [("higher", ["2–3", "2–3", "1"]), ("lower", ["1–2", "1–2", "3"])]
)
def test_ranks_come_from_paired_differences_and_not_from_intervals(better, ranks):
    """All intervals overlap; c differs from the others beyond chance, a and b do not differ."""
    made = [with_spread(0.5, better, 0.03), with_spread(0.52, better), with_spread(0.95, better)]
    named = list(zip("abc", [[each] for each in made], strict=True))
    assert rows(compare(named), "ranks") == [["correctness", "ccc", "arousal", "all", better, *ranks]]


def test_a_run_without_paired_differences_takes_the_ranks_from_all():
    made = [[with_spread(0.5)], [with_spread(0.9)], [result([ccc(0.7, 0.6, 0.8)])]]
    assert rows(compare(list(zip("abc", made, strict=True))), "ranks") == []


def test_a_run_that_answered_too_little_has_no_rank_and_takes_none_from_others():
    told = Finding(name="coverage", target="arousal", value=0.9, n=9, exact=True, reason="counted")
    few = with_spread(0.9)
    few = few.model_copy(update={"findings": [*few.findings, told]})
    named = [("a", [with_spread(0.5)]), ("few", [few]), ("c", [with_spread(0.7)])]
    assert [row[5:] for row in rows(compare(named), "ranks")] == [["2", None, "1"]]


@pytest.mark.parametrize(
    ("bounds", "better"),
    [({"above": 0.5}, "higher"), ({"below": 0.5}, "lower"), ({"above": 0.1, "below": 0.5}, "")],
)
def test_a_limit_with_one_bound_says_which_side_is_better(bounds, better):
    limit = Limit(name="ccc", **bounds)
    run = run_of("one", [result([ccc(0.9, 0.8, 1.0, limit=limit)])])
    assert direction([run], Measure("correctness", FindingKey("ccc", "arousal"))) == better


def test_runs_on_different_corpora_are_not_ranked_and_the_notes_say_so():
    limit = Limit(name="ccc", above=0)
    two = against(result([ccc(0.9, 0.8, 1, limit=limit)], corpus="emodb"), result([ccc(0.5, 0.4, 0.6)]))
    assert rows(two, "ranks") == []
    assert "correctness of old and new: the corpora differ: voices and emodb." in two.notes
    assert two.data == {"name": "voices and emodb", "simulated": "made up"}


@pytest.mark.parametrize(
    ("better", "told"),
    [
        ("higher", "in 1 and worse in 0 (95 % interval of each score by itself)."),
        ("lower", "in 0 and worse in 1 (95 % interval of each score by itself)."),
    ],
)
def test_the_answer_counts_what_is_shown_better_and_worse(better, told):
    values = np.linspace(0.5, 0.51, 5)
    old = result([ccc(0.5)], left_out=[kept(WITHOUT["b"], better)])
    new = result([ccc(0.7)], left_out=[kept(values, better)])
    assert told in against(new, old).answer


USELESS = {"reason": "whatever the sentence is", "reason_code": "not_better_than_constant"}
"""What a finding of this version says of a model that does not beat a constant prediction."""


def gap(value, name="max_minus_min", **more) -> Finding:
    low, high = value - 0.01, value + 0.01
    return Finding(name=name, target="arousal", slice="sex=*", value=value, low=low, high=high, n=50, **more)


@pytest.mark.parametrize("said", [USELESS, *({"reason": f"{text}; and more"} for text in WITHOUT_CODE)])
def test_a_gap_of_a_useless_model_is_neither_ranked_nor_counted_as_better(said):
    left = [
        kept([0.1, 0.11, 0.12, 0.1, 0.11], "lower", name="max_minus_min").model_copy(
            update={"slice": "sex=*"}
        )
    ]
    none = [kept([0.0] * 5, "lower", name="max_minus_min").model_copy(update={"slice": "sex=*"})]
    withheld = gap(0.0, "sex_score", verdict="skipped", **said)
    useful = result([gap(0.1)], audit="fairness", left_out=left)
    useless = result([gap(0.0), withheld], audit="fairness", left_out=none)
    found = against(useless, useful)
    assert difference(found, "fairness.max_minus_min").high < 0, "the difference itself is told"
    assert rows(found, "ranks") == []
    assert "In 1 of 1 score paired by speaker, new is not shown to beat a constant" in found.answer
    fair = against(result([gap(0.0)], audit="fairness", left_out=none), useful)
    assert [row[4:] for row in rows(fair, "ranks")] == [["lower", "2", "1"]]
    assert "in 1 and worse in 0" in fair.answer


def test_one_verdict_that_differs_is_one():
    limit = Limit(name="ccc", above=0.5)
    two = against(
        result([ccc(0.4, limit=limit, verdict="fail")]), result([ccc(0.6, limit=limit, verdict="pass")])
    )
    assert two.answer.endswith(" 1 verdict differs, 1 of them between pass and fail.")


def test_notes_name_other_options_and_audits_that_a_run_lacks():
    old = result([ccc(0.5)], options={"bins": 4, "draws": 10})
    new = [result([ccc(0.5)], options={"bins": 5, "draws": 10}), result([], audit="fairness")]
    assert compare([("old", [old]), ("new", new)]).notes == [
        "correctness of old and new: different options: bins.",
        "old has no results of fairness.",
    ]


def test_provenance_says_once_how_each_run_was_made():
    two = compare([("old", [result(), result(audit="fairness")]), ("new", [result(sound="xyz")])])
    assert two.provenance["old"] == {"date": ["today"], "corpus_fingerprint": ["abc"]}
    assert two.model == {"name": "old and new", "licence": "old: not stated; new: not stated"}


# what cannot be compared


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([("a", [result()])], "at least two runs are needed for a comparison"),
        (
            [("a", [result()]), ("a", [result()])],
            "run names must be unique, and not empty or a column name: a, a",
        ),
        (
            [("a", [result()]), ("target", [result()])],
            "run names must be unique, and not empty or a column name: a, target",
        ),
        ([("a", [result(), result()]), ("b", [result()])], "a has two results of the same audit"),
        ([("a", [result(audit="compare")]), ("b", [result()])], "a holds a comparison"),
        ([("a", [result()]), ("b", [result(audit="speakers")])], "no two of a and b have an audit in common"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(runs, message):
    with pytest.raises(GateError, match=message):
        compare(runs)
