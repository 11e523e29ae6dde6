import pytest

from sertools.report import content
from sertools.report.summary import opening, rows
from sertools.results.keys import Asks
from sertools.results.result import Finding, Verdict
from tests.helpers.report_results import small_result

FIRST = Asks(question="First?", claim="first", rank=1)
SECOND = Asks(question="Second?", rank=2)


def test_audits_with_one_question_share_a_row_and_rows_follow_their_ranks():
    results = [
        small_result(audit="a", asks=SECOND, findings=[Finding(name="x", value=1, n=1, verdict="pass")]),
        small_result(audit="b", asks=FIRST),
        small_result(
            audit="c", asks=SECOND, findings=[Finding(name="y", value=1, n=1, verdict="inconclusive")]
        ),
    ]
    found = rows.rows(results)
    assert [(row.asks.question, row.audits, row.verdict) for row in found] == [
        ("First?", [1], Verdict.FAIL),
        ("Second?", [0, 2], Verdict.INCONCLUSIVE),
    ]


def test_an_audit_that_declares_no_question_asks_that_of_its_docstring():
    (row,) = rows.rows([small_result()])
    assert (row.asks.question, row.asks.claim) == ("Does the model agree with the labels?", "")


def test_two_models_have_rows_of_their_own():
    results = [small_result(asks=FIRST), small_result(asks=FIRST, model={"name": "other"})]
    assert [row.model for row in rows.rows(results)] == ["default", "other"]


def test_the_numbers_are_the_most_urgent_of_each_target_in_the_order_of_the_audit():
    def finding(name, target, verdict):
        return Finding(name=name, target=target, value=1.0, n=1, verdict=verdict)

    found = [
        finding("ccc", "arousal", "pass"), finding("mae", "arousal", "fail"),
        finding("ccc", "valence", "pass"),
        Finding(name="ccc", target="dominance", value=None, n=1, verdict="skipped", reason="none"),
    ]  # fmt: skip
    chosen = rows.numbers(small_result(findings=found))
    assert [(f.name, f.target) for f in chosen] == [("mae", "arousal"), ("ccc", "valence")]


def test_without_a_verdict_the_first_measure_is_shown_for_every_target():
    found = [Finding(name=n, target=t, value=1.0, n=1) for t in "ab" for n in ("shift", "other")]
    assert [(f.name, f.target) for f in rows.numbers(small_result(findings=found))] == [
        ("shift", "a"),
        ("shift", "b"),
    ]
    assert rows.numbers(small_result(findings=[])) == []


def test_a_row_has_few_numbers():
    found = [Finding(name="ccc", target=f"t{i}", value=1.0, n=1, verdict="fail") for i in range(9)]
    assert len(rows.numbers(small_result(findings=found))) == rows.MOST_NUMBERS


def test_what_the_scores_leave_out_is_said_once():
    left = "The scores of emotion are on 42 of 81 clips (39 clips without emotion are left out)."
    said = rows.dropped([small_result(dropped=[left]), small_result(dropped=[left])])
    assert said == [left, "1 clip missing, most often because: too short."]


def test_the_first_screen_says_only_once_what_was_in_the_training():
    line = "3 of 9 clips were in its training. The other 6 clips are judged."
    told = small_result(answer=f"{line} It works.", provenance={"training": {"sentence": line}})
    assert content.answer_itself(told) == "It works."
    assert line in rows.dropped([told])
    assert content.answer_itself(small_result(answer="It works.")) == "It works."


SENTENCES = [
    ("It works.", "It works."),
    ("It works. " + "Everything else follows. " * 9, "It works." + " Everything else follows." * 6),
    ("UAR is .5 [.4, .6]. " + "So it is. " * 20, "UAR is .5 [.4, .6]." + " So it is." * 14),
    ("One part of 1.5; " * 12 + "the end. More.", "One part of 1.5; " * 8 + "One part of 1.5 …"),
    ("word " * 60 + "end.", "word " * 60 + "end."),
]


@pytest.mark.parametrize(("answer", "shown"), SENTENCES)
def test_the_first_screen_shows_whole_first_sentences_or_parts_of_a_long_one(answer, shown):
    found = opening.shortest_answer(small_result(answer=answer.strip()))
    assert found == shown
    assert len(found) <= opening.SHORT + 2 or found == answer
