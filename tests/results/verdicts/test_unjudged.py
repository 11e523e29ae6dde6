"""Results on a corpus that no model may be judged on, and models and results that no gate passes."""

import pytest

from sertools.errors import GateError
from sertools.results.answers import Answers
from sertools.results.collection import Results
from sertools.results.result import Finding, Limit, Verdict
from sertools.results.verdicts.gate import gate, judge
from sertools.results.verdicts.unjudged import without_verdicts
from tests.helpers.report_results import small_result


def test_the_audits_named_lose_their_verdicts_and_say_why():
    both = Results([small_result(), small_result(audit="leakage")], {"digest": Answers(None)})
    told = without_verdicts(both, {"correctness"}, "the model was trained on it")
    assert told.answers == both.answers
    assert told["leakage"] == both["leakage"]
    assert told["correctness"].answer == f"The model was trained on it. {both['correctness'].answer}"
    for before, after in zip(both["correctness"].findings, told["correctness"].findings, strict=True):
        assert after.verdict is Verdict.SKIPPED
        assert after.reason.endswith("the model was trained on it")
        assert before.reason in after.reason
        assert (after.value, after.low, after.high) == (before.value, before.low, before.high)
    assert {finding.verdict for finding in gate([told["correctness"]])[0].findings} == {Verdict.SKIPPED}


def test_what_a_useless_model_would_pass_is_inconclusive_and_what_it_fails_fails():
    above = Limit(name="ccc", above=0.5)
    useless = {"n": 300, "speakers": 12, "reason": "a constant", "reason_code": "not_better_than_constant"}
    passing = Finding(name="ccc", value=0.7, low=0.6, high=0.8, **useless)
    assert judge(passing, above).verdict is Verdict.INCONCLUSIVE
    failing = Finding(name="ccc", value=0.3, low=0.2, high=0.4, **useless)
    assert judge(failing, above).verdict is Verdict.FAIL


def test_a_comparison_has_no_limits():
    with pytest.raises(GateError, match="a comparison of runs has no limits"):
        gate([small_result(audit="compare")])
