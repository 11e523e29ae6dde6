"""A published model beside those measured here."""

import pytest

from sertools.comparison.compare import compare
from sertools.comparison.leaderboards.published import published
from sertools.errors import GateError
from sertools.results.published import ser_tests
from sertools.results.result import Finding, Limit
from tests.helpers.comparisons import WITHOUT, ccc, difference, kept, result, rows

MODEL = "w2v2-L-robust"
NAME = "w2v2-L-robust (published)"
IEMOCAP = "iemocap-2.3.0-emotion.dimensions.test.gold_standard"


def ours(**more):
    limit = Limit(name="ccc", above=0.5)
    return result([ccc(0.6, 0.5, 0.7, limit=limit, verdict="pass")], corpus="iemocap", **more)


def test_the_values_are_those_of_the_published_table():
    # read off the table at the source: CCC of arousal .677 on the test split of IEMOCAP
    name, (found,) = published(MODEL, [[ours()]])
    assert name == NAME
    assert [(f.name, f.target, f.value, f.low, f.verdict.value) for f in found.findings] == [
        ("ccc", "arousal", 0.677, None, "none")
    ]
    assert IEMOCAP in found.model["published"]


def test_the_difference_is_ours_minus_theirs_without_an_interval_and_the_reason_says_why():
    found = difference(
        compare([published(MODEL, [[ours()]]), ("ours", [ours(left_out=[kept(WITHOUT["a"])])])])
    )
    assert found.value == pytest.approx(0.6 - 0.677, abs=1e-12)
    assert (found.low, found.high, found.reason) == (None, None, "published without an interval")
    assert (found.n, found.speakers) == (50, 5), "of ours: theirs are not known"


def test_a_published_value_has_no_rank_no_verdict_and_no_count_of_clips():
    a, b = (ours(left_out=[kept(WITHOUT["a"])]) for _ in range(2))
    runs = [("a", [a]), ("b", [b]), published(MODEL, [[ours()]])]
    found = compare(runs)
    assert [row[4:] for row in rows(found, "ranks")] == [["higher", "1–2", "1–2", None]]
    assert rows(found, "verdicts") == []
    assert rows(found, "intervals")[0][-4:] == [None, None, None, None]
    assert rows(found, "values")[0][6] == 0.677
    assert any(
        note.startswith(f"{NAME}: correctness, published by audEERING ser-tests") for note in found.notes
    )
    assert not any("has no results of" in note for note in found.notes)
    assert found.answer.count("none paired by speaker") == 1


def test_measures_of_three_audits_meet_their_published_twins():
    robust = [
        Finding(name="unchanged_ratio", target="arousal", slice="gain@drawn", value=1, n=9),
        Finding(name="change_of_ccc", target="arousal", slice="babble@20dB", value=0, n=9),
    ]
    fair = [Finding(name="group_minus_all", target="arousal", slice="sex=female", value=0, n=9)]
    results = [ours(), result(robust, audit="robustness", corpus="iemocap")]
    results.append(result(fair, audit="fairness", corpus="iemocap"))
    _, found = published(MODEL, [results])
    table = ser_tests.ser_tests()
    theirs = table[(table["model"] == MODEL) & (table["condition"] == "arousal")]
    theirs = theirs[theirs["data"].str.startswith("iemocap")].set_index("metric")["value"]
    assert {(r.audit, f.name): f.value for r in found for f in r.findings} == {
        ("correctness", "ccc"): theirs["concordance-correlation-coeff"],
        ("robustness", "unchanged_ratio"): theirs["percentage-unchanged-predictions-gain"],
        ("robustness", "change_of_ccc"): theirs["change-ccc-babble-noise"],
        ("fairness", "group_minus_all"): theirs["concordance-correlation-coeff-female"],
    }


def test_an_unknown_model_is_one_sentence_with_the_nearest_name():
    with pytest.raises(GateError, match="no published model named 'w2v2-L-robus'") as error:
        published("w2v2-L-robus", [[ours()]])
    assert "w2v2-L-robust" in error.value.hint


def test_a_corpus_without_published_values_is_one_sentence_with_those_that_have_them():
    with pytest.raises(GateError, match="matches these results on voices") as error:
        published(MODEL, [[result([ccc(0.5)])]])
    assert error.value.hint == "it has values on iemocap, msp-test1, msp-test2"
