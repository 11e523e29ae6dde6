import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.errors import GateError
from sertools.results.gate import CLIPS_ONLY, exit_code, gate, judge, judge_all, matches, verdicts
from sertools.results.limits import Override, read_limits
from sertools.results.result import Finding, Limit, Verdict
from tests.helpers.report_results import small_result

ABOVE = Limit(name="ccc", above=0.5)
BELOW = Limit(name="ccc", below=0.5)
WITHIN = Limit(name="ccc", above=-0.1, below=0.1)


def finding(value=0.7, low=0.6, high=0.8, **changes) -> Finding:
    fields = {"name": "ccc", "target": "arousal", "value": value, "low": low, "high": high}
    return Finding(**{"n": 300, "speakers": 12, **fields, **changes})


def override(**changes) -> Override:
    return Override(**{"audit": "correctness", "name": "ccc", "why": "because", **changes})


# the four verdicts


@pytest.mark.parametrize(
    ("limit", "low", "high", "verdict"),
    [
        (ABOVE, 0.51, 0.8, Verdict.PASS),
        (ABOVE, 0.5, 0.8, Verdict.INCONCLUSIVE),
        (ABOVE, 0.4, 0.5, Verdict.FAIL),
        (ABOVE, 0.4, 0.51, Verdict.INCONCLUSIVE),
        (BELOW, 0.2, 0.49, Verdict.PASS),
        (BELOW, 0.2, 0.5, Verdict.INCONCLUSIVE),
        (BELOW, 0.5, 0.6, Verdict.FAIL),
        (WITHIN, -0.09, 0.09, Verdict.PASS),
        (WITHIN, -0.2, 0.2, Verdict.INCONCLUSIVE),
        (WITHIN, 0.1, 0.2, Verdict.FAIL),
        (WITHIN, -0.2, -0.1, Verdict.FAIL),
    ],
)
def test_the_whole_interval_decides_and_bounds_are_strict(limit, low, high, verdict):
    judged = judge(finding((low + high) / 2, low, high), limit)
    assert judged.verdict is verdict
    assert judged.limit == limit
    assert (judged.reason == "the interval crosses the limit") == (verdict is Verdict.INCONCLUSIVE)


def test_no_interval_is_inconclusive_with_the_reason():
    assert judge(finding(low=None, reason="fewer than 5 speakers"), ABOVE).reason == "fewer than 5 speakers"
    judged = judge(finding(high=None), ABOVE)
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "there is no interval")


def test_an_interval_over_clips_passes_nothing():
    judged = judge(finding(speakers=None), ABOVE)
    assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, CLIPS_ONLY)


def test_what_has_no_value_or_was_withheld_stays_skipped():
    assert judge(finding(None, None, None, reason="no clips"), ABOVE).verdict is Verdict.SKIPPED
    withheld = judge(finding(verdict=Verdict.SKIPPED, reason="useless"), ABOVE)
    assert (withheld.verdict, withheld.reason) == (Verdict.SKIPPED, "useless")


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.51, Verdict.PASS), (0.5, Verdict.FAIL), (0.1, Verdict.FAIL)]
)
def test_in_mode_point_the_value_alone_decides_and_it_is_said(value, verdict):
    judged = judge(finding(value, 0.0, 1.0, reason="a doubt"), ABOVE, "point")
    assert judged.verdict is verdict
    assert judged.reason == "judged by its value alone, not by its interval; a doubt"
    assert judge(finding(value), ABOVE, "point").reason == "judged by its value alone, not by its interval"


def test_mode_point_does_not_judge_what_was_withheld():
    assert judge(finding(verdict=Verdict.SKIPPED, reason="x"), ABOVE, "point").verdict is Verdict.SKIPPED


# which limit counts


def test_patterns_choose_by_name_target_and_slice():
    found = finding(slice="sex=female")
    assert matches(Limit(name="c?c", target="a*", slice="sex=*", above=0), found)
    assert not matches(Limit(name="pcc", above=0), found)
    assert not matches(Limit(name="ccc", target="valence", above=0), found)
    assert not matches(Limit(name="ccc", slice="all", above=0), found)
    assert not matches(Limit(name="CCC", above=0), found)


def test_the_last_limit_that_matches_counts_and_the_rest_stay_unjudged():
    wide = Limit(name="*", above=0)
    judged = judge_all([finding(), finding(name="mae")], [wide, ABOVE])
    assert [f.limit for f in judged] == [ABOVE, wide]
    assert judge_all([finding()], [Limit(name="mae", below=1)])[0].verdict is Verdict.NONE


def test_an_override_stands_in_the_place_of_the_audits_own_limit():
    (judged,) = gate([small_result()], [override(target="valence", below=0.5)], source="mine.toml")
    by_target = {f.target: f for f in judged.findings if f.name == "ccc"}
    assert by_target["valence"].verdict is Verdict.PASS
    assert (by_target["valence"].limit.source, by_target["valence"].limit.why) == ("mine.toml", "because")
    assert by_target["arousal"].verdict is Verdict.PASS
    assert by_target["arousal"].limit.source == "Wagner 2023"


def test_judging_again_gives_the_same_and_changes_no_input():
    result = small_result()
    once = gate([result])
    assert gate(once) == once
    assert [f.verdict for f in once[0].findings] == [f.verdict for f in result.findings]


def test_a_stored_verdict_is_not_trusted():
    lying = small_result(findings=[finding(0.1, 0.0, 0.2, verdict=Verdict.PASS, limit=ABOVE)])
    assert gate([lying])[0].findings[0].verdict is Verdict.FAIL


def test_an_override_of_another_audit_does_not_apply():
    other = small_result(audit="fairness")
    judged = gate([small_result(), other], [override(above=0.99)])
    assert [f.limit.above for r in judged for f in r.findings[:1]] == [0.99, 0.5]


# what is refused


def test_an_unknown_audit_is_named_with_the_nearest():
    with pytest.raises(GateError, match="no result of the audit 'corectness'") as raised:
        gate([small_result()], [override(audit="corectness", above=0)])
    assert raised.value.hint == "did you mean 'correctness'?"


def test_an_unknown_finding_is_named_with_the_nearest():
    with pytest.raises(GateError, match="correctness has no finding 'cccc'") as raised:
        gate([small_result()], [override(name="cccc", above=0)])
    assert raised.value.hint == "did you mean 'ccc'?"


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"target": "arrousal"}, "did you mean 'arousal'?"),
        ({"target": "xyz"}, "known: arousal, dominance, valence"),
        ({"target": "arousal", "slice": "al"}, "did you mean 'all'?"),
    ],
)
def test_an_unknown_target_or_slice_is_answered_with_the_nearest_of_that_finding(given, hint):
    with pytest.raises(GateError, match="has no finding 'ccc'") as raised:
        gate([small_result()], [override(above=0, **given)])
    assert raised.value.hint == hint


def test_parts_that_are_there_but_not_together_are_answered_with_what_there_is():
    with pytest.raises(GateError) as raised:
        gate([small_result()], [override(name="uar", target="arousal", above=0)])
    assert raised.value.hint == "known: all"


def test_two_ranges_for_one_finding_are_refused():
    wanted = [override(target="*", above=0.5), override(target="valence", above=0.4)]
    with pytest.raises(
        GateError, match=r"contradict each other for ccc with target 'valence'.*> 0\.5 and > 0\.4"
    ):
        gate([small_result()], wanted)


def test_one_range_said_twice_is_no_contradiction():
    judged = gate(
        [small_result()], [override(above=0.6, why="a"), override(target="arousal", above=0.6, why="b")]
    )
    assert judged[0].findings[0].limit.above == 0.6


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[[limit]]\naudit="a"\nname="b"\nabove=1', r"limit 1 \(a, b\) has no 'why'"),
        ('[[limit]]\naudit="a"\nname="b"\nabove=1\nwhy=""', r"limit 1 \(a, b\) has no 'why'"),
        ('[[limit]]\naudit="a"\nname="b"\nabove=1\nwhy=" \t"', r"limit 1 \(a, b\) has no 'why'"),
        ('[[limit]]\nname="b"\nabove=1\nwhy="c"', r"limit 1 \(b\) has no 'audit'"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"', "limit 'b' needs 'above' or 'below'"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabove=2\nbelow=1', "contradicts itself"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabove=nan', "above is nan: .*finite"),
        ('[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabove="x"', "above is 'x': .*valid number"),
        (
            '[[limit]]\naudit="a"\nname="b"\nwhy="c"\nabov=1',
            r"limit 1 \(a, b\) has an unknown key 'abov'.*'above'",
        ),
        ('[[limits]]\naudit="a"', "unknown key 'limits'.*did you mean 'limit'"),
        ("limit = 3", r"'limit': .*must begin with \[\[limit\]\]"),
        ("limit = [3]", r"'limit': .*must begin with \[\[limit\]\]"),
        ("[[limit", "is not valid TOML"),
    ],
)
def test_a_gate_file_that_says_nothing_clear_is_refused(tmp_path, text, what):
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GateError) as raised:
        read_limits(path)
    assert re.search(what, f"{raised.value.message} ({raised.value.hint})")
    assert str(path) in raised.value.message


def test_a_gate_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    path = tmp_path / "gate.toml"
    with pytest.raises(GateError, match="cannot read the limits in .*No such file"):
        read_limits(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(GateError, match="is not valid TOML"):
        read_limits(path)


def test_an_empty_gate_file_changes_nothing(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text("", encoding="utf-8")
    assert read_limits(path) == []


# exit codes


def judged_as(*chosen: Verdict):
    return small_result(findings=[finding(verdict=verdict, reason="r") for verdict in chosen])


@pytest.mark.parametrize(
    ("chosen", "lenient", "strict"),
    [
        ((Verdict.PASS, Verdict.NONE), 0, 0),
        ((Verdict.PASS, Verdict.INCONCLUSIVE), 0, 3),
        ((Verdict.PASS, Verdict.SKIPPED), 0, 3),
        ((Verdict.FAIL, Verdict.SKIPPED), 1, 1),
        ((), 2, 2),
    ],
)
def test_exit_codes(chosen, lenient, strict):
    results = [judged_as(*chosen)]
    assert (exit_code(results), exit_code(results, strict=True)) == (lenient, strict)


def test_nothing_measured_is_no_success():
    nothing = small_result(findings=[finding(value=None, verdict=Verdict.SKIPPED, reason="r")])
    told = finding(name="coverage", value=1.0, low=None, high=None, exact=True, reason="counted")
    count = finding(name="shared_clips", value=0.0, low=0.0, high=0.0, exact=True)
    counting = small_result(audit="leakage", findings=[count, *nothing.findings])
    alone = small_result(findings=[*nothing.findings, told])
    for results, code in [
        ([nothing], 2),
        ([alone], 2),
        (
            [nothing, counting],
            2,
        ),  # beside an audit that should have measured something, counts are not enough
        ([counting], 0),
        ([counting, judged_as(Verdict.PASS)], 0),
        ([nothing, judged_as(Verdict.FAIL)], 1),
    ]:
        assert exit_code(results) == code
        assert exit_code(results, allow_empty=True) == (1 if code == 1 else 0)


def test_the_score_of_the_answered_clips_has_no_limit():
    alone = finding(name="ccc_of_answered")
    assert not matches(Limit(name="*", above=0.5), alone)
    assert matches(Limit(name="*", above=0.5), finding(name="ccc"))


def test_a_value_of_too_few_answers_is_inconclusive_in_every_mode():
    few = finding(value=0.9, low=0.8, high=0.95, reason="too few answers", reason_code="low_coverage")
    for mode in ("interval", "point"):
        judged = judge(few, Limit(name="ccc", above=0.5), mode)
        assert (judged.verdict, judged.reason) == (Verdict.INCONCLUSIVE, "too few answers")


def test_an_exact_count_is_judged_without_an_interval():
    count = finding(name="coverage", value=0.8, low=None, high=None, exact=True, reason="counted")
    assert judge(count, Limit(name="coverage", above=0.95)).verdict is Verdict.FAIL
    assert judge(count, Limit(name="coverage", above=0.7)).verdict is Verdict.PASS
    nobody = count.model_copy(update={"speakers": None})
    assert judge(nobody, Limit(name="coverage", above=0.95)).verdict is Verdict.FAIL
    assert '"exact": true' in small_result(findings=[count]).to_json()
    assert '"exact"' not in small_result(findings=[finding()]).to_json()


def test_verdicts_are_counted_over_all_results():
    counted = verdicts([judged_as(Verdict.PASS), judged_as(Verdict.PASS, Verdict.FAIL)])
    assert dict(counted) == {Verdict.PASS: 2, Verdict.FAIL: 1}


# the command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with results in sertools-report; GitHub is not around."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    put(tmp_path / "sertools-report", small_result())
    return tmp_path


def put(folder: Path, *results):
    folder.mkdir(exist_ok=True)
    for result in results:
        (folder / f"{result.audit}.json").write_text(result.to_json(), encoding="utf-8")


def sertools(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_command_fails_where_a_limit_fails(folder):
    done = sertools("gate")
    assert done.exit_code == 1
    assert "ccc of valence is 0.100" in done.stdout


def test_the_command_passes_with_a_limit_of_ones_own_and_strictly_says_what_is_open(folder):
    (folder / "gate.toml").write_text(
        '[[limit]]\naudit="correctness"\nname="ccc"\ntarget="valence"\nabove=-0.2\nwhy="a trial"',
        encoding="utf-8",
    )
    assert sertools("gate", "--limits", "gate.toml").exit_code == 0
    assert sertools("gate", "--limits", "gate.toml", "--strict").exit_code == 3


def test_the_command_says_bad_input_in_a_sentence_and_exits_with_2(folder):
    done = sertools("gate", "nowhere")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: no folder nowhere\n")
    assert "Traceback" not in done.stderr


def test_mode_point_judges_by_the_value(folder):
    done = sertools("gate", "--mode", "point", "--format", "json")
    found = json.loads(done.stdout)["audits"][0]["findings"]
    assert [f["verdict"] for f in found] == ["pass", "fail", "fail", "skipped", "none"]


def test_the_json_is_the_same_bytes_every_time_and_keeps_its_names(folder):
    first, again = (sertools("gate", "--format", "json").stdout for _ in range(2))
    assert first == again
    summary = json.loads(first)
    assert list(summary) == ["schema", "verdicts", "audits"]
    assert summary["verdicts"] == {"fail": 1, "inconclusive": 1, "pass": 1, "skipped": 1, "none": 1}
    assert list(summary["audits"][0]) == ["audit", "question", "answer", "verdicts", "findings"]


def test_quiet_prints_only_what_is_missing_and_still_decides(folder):
    done = sertools("gate", "--quiet")
    assert (done.stdout, done.exit_code) == ("", 1)
    assert done.stderr.startswith("Warning: 1 clip missing, most often because: ")
    assert len(done.stderr.splitlines()) == 1


def test_several_folders_are_judged_together(folder):
    put(folder / "second", small_result(audit="fairness"))
    done = sertools("gate", "sertools-report", "second", "--format", "json")
    assert [a["audit"] for a in json.loads(done.stdout)["audits"]] == ["correctness", "fairness"]


def test_junit_is_written_beside_the_summary(folder):
    assert sertools("gate", "--junit", "out/junit.xml").exit_code == 1
    assert '<testsuite name="correctness: default on voices" tests="4" failures="1"' in (
        folder / "out/junit.xml"
    ).read_text(encoding="utf-8")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_junit_that_cannot_be_written_is_a_sentence(folder):
    (folder / "locked").mkdir(mode=0o500)
    done = sertools("gate", "--junit", "locked/junit.xml")
    assert done.exit_code == 2
    assert "no permission" in done.stderr


def test_a_folder_in_the_place_of_the_junit_file_is_a_sentence(folder):
    (folder / "junit.xml").mkdir()
    done = sertools("gate", "--junit", "junit.xml")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")


def test_github_gets_annotations_on_stderr_and_a_summary_after_what_is_there(folder, monkeypatch):
    page = folder / "summary.md"
    page.write_text("# before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    done = sertools("gate", "--github", "--format", "json")
    json.loads(done.stdout)
    lines = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice", "Warning:"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# before\n## sertools\n")
    assert "❌ 1 fail · ❓ 1 inconclusive · ➖ 1 skipped · ✅ 1 pass" in text


def test_outside_of_github_there_are_annotations_and_no_page(folder):
    before = set(folder.iterdir())
    done = sertools("gate", "--github", "--quiet")
    assert done.stderr.startswith(
        "::error title=sertools correctness%3A fail::ccc of valence: 0.100 (95 %25 interval −0.100 … 0.300)"
    )
    assert set(folder.iterdir()) == before


def test_the_first_summary_of_a_step_makes_the_page(folder, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "new.md"))
    sertools("gate", "--github")
    assert (folder / "new.md").read_text(encoding="utf-8").startswith("## sertools\n")


def test_a_comparison_of_runs_is_no_gate():
    comparison = small_result().model_copy(update={"audit": "compare"})
    with pytest.raises(GateError, match="a comparison of runs has no limits .give the folders"):
        gate([comparison])


def test_a_failure_of_one_of_several_models_names_it_and_one_file_of_limits_serves_both(folder):
    rated = [finding(value=0.1, low=0.0, high=0.2)]
    put(folder / "second", small_result(model={"name": "other"}, findings=[*rated, finding(name="mae")]))
    (folder / "gate.toml").write_text(
        '[[limit]]\naudit="correctness"\nname="uar*"\nabove=0.1\nwhy="a trial"\n', encoding="utf-8"
    )
    done = sertools("gate", "sertools-report", "second", "--limits", "gate.toml")
    assert "✗ fail default, correctness: ccc of valence is 0.100" in done.stdout
    assert "Warning: the limit on uar* of *, * (correctness) applies to nothing of other" in done.stderr
    assert done.exit_code == 1
