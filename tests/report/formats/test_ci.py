import re
from xml.etree import ElementTree

import pytest

from sertools.report import content
from sertools.report.formats.ci import annotations, junit, step_summary
from sertools.results.result import Finding, Limit, Verdict
from tests.helpers.report_results import HOSTILE, hostile_result, small_result


def cases(text):
    return {case.get("name"): case for case in ElementTree.fromstring(text).iter("testcase")}


def test_junit_has_one_case_for_each_limit_and_none_for_what_is_not_judged():
    found = cases(junit([small_result()]))
    assert list(found) == ["ccc of arousal", "ccc of dominance", "ccc of valence", "uar"]
    assert {case.get("classname") for case in found.values()} == {"sertools.correctness"}


def test_junit_says_what_failed_and_never_counts_the_undecided_as_passed():
    text = junit([small_result()])
    outcomes = {
        name: [(part.tag, part.get("message")) for part in case] for name, case in cases(text).items()
    }
    assert outcomes == {
        "ccc of arousal": [("system-out", None)],
        "ccc of dominance": [
            (
                "skipped",
                "inconclusive: 0.500 (95 % interval [0.400, 0.600]); wanted > 0.5 (Wagner 2023); "
                "the interval holds the limit",
            )
        ],
        "ccc of valence": [
            ("failure", "fail: 0.100 (95 % interval [−0.100, 0.300]); wanted > 0.5 (Wagner 2023)")
        ],
        "uar": [("skipped", "skipped: no emotion in common")],
    }
    (suite,) = ElementTree.fromstring(text)
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "0", "skipped": "2"}
    assert suite.get("name") == "correctness: default on voices"


def test_strictly_the_undecided_are_errors_as_for_the_exit_code():
    text = junit([small_result()], strict=True)
    (suite,) = ElementTree.fromstring(text)
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "2", "0")
    assert [(e.tag, e.get("type")) for case in suite for e in case if e.tag != "system-out"] == [
        ("error", "inconclusive"),
        ("failure", "fail"),
        ("error", "skipped"),
    ]


def test_junit_holds_whatever_names_the_data_has():
    text = junit([hostile_result()])
    (failed, skipped) = ElementTree.fromstring(text).iter("testcase")
    # what XML cannot hold is shown as a symbol, the rest comes back as it was
    kept = HOSTILE.replace("\x1b", "␛")
    assert failed.get("name") == f"{kept} of {kept}, {kept}"
    assert kept in skipped[0].get("message")
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')


def test_a_case_keeps_its_name_when_its_limit_changes_and_shows_the_limit_inside():
    before = small_result()
    moved = [
        f.model_copy(update={"limit": f.limit.model_copy(update={"above": 0.2})}) if f.limit else f
        for f in before.findings
    ]
    after = before.model_copy(update={"findings": moved})
    assert list(cases(junit([before]))) == list(cases(junit([after])))
    passed = cases(junit([before]))["ccc of arousal"]
    assert passed.find("system-out").text == (
        f"{content.measured(before.findings[0])}; wanted > 0.5 (Wagner 2023)"
    )


def test_several_results_are_suites_of_their_own():
    text = junit([small_result(), small_result(audit="fairness", model={}, data={})])
    names = [suite.get("name") for suite in ElementTree.fromstring(text)]
    assert names == ["correctness: default on voices", "fairness: a model on a corpus"]


def test_annotations_are_errors_warnings_and_notices_in_this_order():
    assert annotations([small_result()]) == [
        "::error title=sertools correctness%3A fail::ccc of valence: 0.100 (95 %25 interval [−0.100, 0.300])"
        "; wanted > 0.5 (Wagner 2023) (default on voices)",
        "::warning title=sertools correctness%3A inconclusive::ccc of dominance: 0.500 "
        "(95 %25 interval [0.400, 0.600]); wanted > 0.5 (Wagner 2023); the interval holds the limit "
        "(default on voices)",
        "::notice title=sertools correctness%3A skipped::uar: no emotion in common (default on voices)",
    ]


def test_a_name_cannot_give_a_command_of_its_own():
    text = "a\n::error::b\r::set-output name=x::50%,c:d\x1b\u2028"
    (error, notice) = annotations([hostile_result(text)])
    for line in (error, notice):
        assert re.fullmatch(r"::(error|notice) title=[^,:\n]*::[^\x00-\x1f\u2028]*", line)
        assert "50%25" in line


@pytest.mark.parametrize(
    ("failed", "lines", "last"), [(10, 10, "ccc"), (11, 10, "2 more"), (40, 10, "31 more")]
)
def test_no_more_annotations_than_github_shows_and_the_rest_is_counted(failed, lines, last):
    limit = Limit(name="ccc", above=0.5)
    one = Finding(name="ccc", value=0.1, n=1, limit=limit, verdict=Verdict.FAIL)
    found = annotations([small_result(findings=[one] * failed)])
    assert len(found) == lines
    assert f"::{last}" in found[-1]


def test_the_page_has_numbers_first_and_the_urgent_on_top():
    page = step_summary([small_result()])
    lines = page.splitlines()
    assert lines[2] == "❌ 1 fail · ❓ 1 inconclusive · ➖ 1 skipped · ✅ 1 pass"
    assert lines[4:7] == ["### correctness: default on voices", "", "Arousal is predicted, valence is not."]
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert rows == [
        "| ❌ | ccc of valence | 0.100 | [−0.100, 0.300] | &gt; 0.5 | 300 | 12 |  |",
        "| ❓ | ccc of dominance | 0.500 | [0.400, 0.600] | &gt; 0.5 | 300 | 12 "
        "| the interval holds the limit |",
        "| ➖ | uar | – | – | – | 300 | – | no emotion in common |",
        "| ✅ | ccc of arousal | 0.712 | [0.600, 0.800] | &gt; 0.5 | 300 | 12 |  |",
    ]


def test_a_result_without_judged_findings_has_no_table():
    assert "|" not in step_summary([small_result(findings=[])])


def test_names_stay_literal_on_the_page():
    page = step_summary([hostile_result()])
    assert "<script>" not in page
    assert "\\| \\`tick\\` \\[l\\](javascript:1) \\$5\\$ \\*b\\* \\_i\\_ next" in page
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {9}
