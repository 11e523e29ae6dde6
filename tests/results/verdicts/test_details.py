import math

import pytest

from sertools.results.result import Finding, Limit, Result, Verdict
from sertools.results.verdicts.details import p_beyond, watched
from sertools.results.verdicts.gate import exit_code, gate, judge, verdicts
from sertools.results.verdicts.limits import Override

DETAIL = Limit(name="recall_gap", above=-0.1, below=0.1, source="ours", detail=True)


def gap(target: str, value: float, half: float, **fields) -> Finding:
    more = {"low": value - half, "high": value + half, "n": 90, "speakers": 10, **fields}
    return Finding(name="recall_gap", target=target, value=value, **more)


def result(*findings: Finding) -> Result:
    return Result(audit="a", question="", method="", answer="", model={}, data={}, findings=list(findings))


def test_a_detail_has_no_verdict_and_keeps_its_limit():
    for value, half in ((0.0, 0.01), (0.5, 0.01), (0.1, 0.2)):
        judged = judge(gap("anger", value, half), DETAIL)
        assert (judged.verdict, judged.detail, judged.headline) == (Verdict.NONE, True, False)
        assert judged.limit == DETAIL
    assert exit_code([result(judged)], strict=True) == 0


def test_a_skipped_detail_does_not_count():
    undefined = judge(Finding(name="recall_gap", value=None, n=0, reason="x", verdict="skipped"), DETAIL)
    assert undefined.decides is Verdict.NONE
    assert verdicts([result(undefined)]) == {Verdict.NONE: 1}


def test_a_limit_that_a_user_names_judges_a_detail():
    beyond = judge(gap("anger", 0.5, 0.01), DETAIL)
    own = Override(audit="a", name="recall_gap", above=-0.2, below=0.2, why="our users are angry")
    (judged,) = gate([result(beyond)], [own])[0].findings
    assert (judged.verdict, judged.detail, judged.watch) == (Verdict.FAIL, False, False)
    (still,) = gate([result(beyond)])[0].findings
    assert (still.verdict, still.detail, still.watch) == (Verdict.NONE, True, True)


def test_the_p_value_is_that_of_the_interval():
    """.05 where the end of the 95 % interval is the limit; elsewhere by hand, with 9 degrees of freedom."""
    assert p_beyond(gap("x", 0.3, 0.2), DETAIL) == pytest.approx(0.05, abs=1e-12)
    assert p_beyond(gap("x", -0.3, 0.2), DETAIL) == pytest.approx(0.05, abs=1e-12)
    # a standard error of 1 and a distance of 3.2498 (t.995 of 9 degrees of freedom, published tables)
    half = 2.2622 * 1.0
    assert p_beyond(gap("x", 0.1 + 3.2498, half), DETAIL) == pytest.approx(0.01, abs=1e-5)  # four digits


def test_holm_by_hand():
    """p = .01, .02 and .04 become .03, .04 and .04; with .05 in place of .04, .03, .04 and .05."""
    tested = [gap("x", 0.1, 0.2, detail=True, p_value=p) for p in (0.04, 0.01, 0.02)]
    assert [f.watch for f in watched(tested)] == [True, True, True]
    tested = [gap("x", 0.1, 0.2, detail=True, p_value=p) for p in (0.04, 0.02, 0.03)]
    assert [f.watch for f in watched(tested)] == [False, False, False]


def test_tests_of_the_audit_and_limits_are_separate_families():
    beyond = judge(gap("anger", 0.5, 0.1), DETAIL)
    own = [gap("x", 0.1, 0.2, detail=True, p_value=0.9) for _ in range(50)]
    assert [f.watch for f in watched([*own, beyond])] == [*[False] * 50, True]


def test_headlines_and_corpora_without_speakers_are_never_marked():
    assert not watched([gap("x", 0.5, 0.01, p_value=0.001)])[0].watch
    assert not watched([gap("x", 0.5, 0.01, p_value=0.001, detail=True, speakers=None)])[0].watch


def test_without_an_interval_or_speakers_there_is_no_p_value_and_without_error_it_is_0_or_1():
    assert math.isnan(p_beyond(gap("x", 0.3, 0.2), None))
    assert math.isnan(p_beyond(gap("x", 0.3, 0.2, speakers=None), DETAIL))
    assert math.isnan(p_beyond(gap("x", 0.3, 0.2, low=None, high=None, reason="few"), DETAIL))
    assert [p_beyond(gap("x", value, 0.0), DETAIL) for value in (0.3, 0.1)] == [0.0, 1.0]
