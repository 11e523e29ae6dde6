import pytest

from sertools.report.summary.opening import opening, title
from sertools.results.keys import Asks
from sertools.results.result import Finding
from tests.helpers.report_results import small_result

FAIR = Asks(question="Is it fair?", claim="fair", rank=2)
CORRECT = Asks(question="Is it correct?", claim="correct", rank=1)
ALIKE = Asks(question="Is it alike?", claim="alike for all", rank=3)
WORDS = Asks(question="Does it hear words?", rank=4)


def of(asks, *verdicts, **changes):
    findings = [
        Finding(name="f", value=None if v == "skipped" else 1.0, n=1, verdict=v, reason="too few")
        for v in verdicts
    ]
    return small_result(asks=asks, findings=findings, **changes)


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        ([of(CORRECT, "pass", "fail")], "On voices, default is not correct."),
        ([of(CORRECT, "pass"), of(FAIR, "fail"), of(ALIKE, "fail")],
         "On voices, default is correct, but not fair and not alike for all."),
        ([of(CORRECT, "pass"), of(FAIR, "inconclusive"), of(ALIKE, "inconclusive", "pass")],
         "On voices, default is correct. Whether it is fair or alike for all could not be decided."),
        ([of(FAIR, "inconclusive")], "Whether default is fair on voices could not be decided."),
        ([of(CORRECT, "pass"), of(WORDS, "fail")],
         "On voices, default is correct. Limits are also missed under “Does it hear words?”."),
        ([of(WORDS, "fail")], "Limits are missed for default on voices under “Does it hear words?”."),
        ([of(WORDS, "inconclusive")],
         "Nothing failed for default on voices, but not everything could be decided."),
        ([of(WORDS, "pass")], "Everything that was judged for default on voices passed."),
        ([of(CORRECT, "skipped"), of(WORDS, "pass")],
         "Whether default on voices is correct was not judged: too few. "
         "Everything else that was judged passed."),
        ([of(FAIR, "skipped", "none")], "Nothing could be judged for default on voices: too few."),
        ([of(CORRECT, "none")], "No limit applies to what was measured for default on voices."),
        ([of(CORRECT)], "No limit applies to what was measured for default on voices."),
    ],
)  # fmt: skip
def test_the_first_sentence_is_the_answer(results, sentence):
    assert opening(results) == sentence


def test_a_question_that_two_audits_ask_fails_if_one_of_them_fails():
    assert (
        opening([of(CORRECT, "pass"), of(CORRECT, "fail", audit="b")]) == "On voices, default is not correct."
    )


def test_each_model_has_its_own_sentence():
    other = of(CORRECT, "pass", model={"name": "other"})
    assert opening([of(CORRECT, "fail"), other]) == (
        "On voices, default is not correct. On voices, other is correct."
    )


def test_the_title_is_a_question_and_counts_several_models():
    other = small_result(model={"name": "other"})
    assert title([small_result()]) == "How well does default serve voices?"
    assert title([small_result(), other]) == "How well do 2 models serve voices?"
    nameless = small_result(model={}, data={})
    assert title([nameless]) == "How well does an unnamed model serve unnamed data?"
