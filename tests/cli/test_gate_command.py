"""The command `gate`: exit codes, output and files that CI reads."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.errors import GateError
from sertools.results.result import Finding, LeftOut, Limit
from sertools.results.verdicts.gate import gate
from sertools.results.verdicts.limits import Override
from tests.helpers.report_results import small_result

ABOVE = Limit(name="ccc", above=0.5)
BELOW = Limit(name="ccc", below=0.5)
WITHIN = Limit(name="ccc", above=-0.1, below=0.1)


def finding(value=0.7, low=0.6, high=0.8, **changes) -> Finding:
    fields = {"name": "ccc", "target": "arousal", "value": value, "low": low, "high": high}
    return Finding(**{"n": 300, "speakers": 12, **fields, **changes})


def override(**changes) -> Override:
    return Override(**{"audit": "correctness", "name": "ccc", "why": "because", **changes})


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
        "::error title=sertools correctness%3A fail::ccc of valence: 0.100 (95 %25 interval [−0.100, 0.300])"
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
    assert "Note: the rule for correctness: uar* applies to nothing of other." in done.stderr
    assert done.exit_code == 1


def test_findings_that_are_ignored_are_counted_with_the_reason_and_are_skipped_cases(folder):
    (folder / "gate.toml").write_text(
        '[[ignore]]\naudit="correctness"\nname="ccc"\ntarget="valence"\nwhy="valence is not used"\n',
        encoding="utf-8",
    )
    done = sertools("gate", "--limits", "gate.toml", "--junit", "junit.xml")
    assert done.exit_code == 0
    assert "1 finding ignored: valence is not used\n" in done.stdout
    case = '<testcase classname="sertools.correctness" name="ccc of valence">'
    after = (folder / "junit.xml").read_text(encoding="utf-8").partition(case)[2]
    assert "<skipped" in after.partition("</testcase>")[0]
    assert "ignored: valence is not used" in after.partition("</testcase>")[0]


def test_only_own_limits_count_where_the_gate_file_says_so(folder):
    text = (
        'builtin = "none"\n[[limit]]\naudit="correctness"\nname="ccc"\ntarget="arousal"\nabove=0.2\nwhy="w"\n'
    )
    (folder / "gate.toml").write_text(text, encoding="utf-8")
    done = sertools("gate", "--limits", "gate.toml", "--strict", "--junit", "junit.xml")
    # valence fails the limit of the audit, dominance is inconclusive, uar is skipped
    assert done.exit_code == 0, done.output
    assert 'tests="1"' in (folder / "junit.xml").read_text(encoding="utf-8")


def test_what_got_worse_than_in_the_baseline_is_printed(folder):
    same = finding(target="valence", value=0.5, low=0.4, high=0.6)
    for name, value in {"before": 0.7, "after": 0.6}.items():
        found = [finding(value=value, low=value - 0.05, high=value + 0.05), same]
        left = [
            LeftOut(
                name="ccc",
                target=f.target,
                values={f"s{i}": f.value + (-1) ** i * 0.002 * (1 + (name == "after")) for i in range(8)},
            )
            for f in found
        ]
        put(folder / name, small_result(findings=found, left_out=left))
    done = sertools("gate", "after", "--baseline", "before")
    assert done.exit_code == 1
    assert (
        "Compared with the baseline: of 2 metrics, 1 is worse beyond chance, and 0 are better.\n"
        "– correctness: ccc of arousal changed by −0.100 (95 % interval [−0.113, −0.087]), beyond the "
        "tolerance\n"
    ) in done.stdout
    same = sertools("gate", "before", "--baseline", "before")
    assert "of 2 metrics, none is shown to be worse, and 0 are better beyond chance." in same.stdout
