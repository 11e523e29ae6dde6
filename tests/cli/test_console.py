import csv
import io
import json
import sys

import pytest

from sertools.cli import console, progress
from sertools.errors import CorpusError
from sertools.results.result import Verdict
from tests.helpers.report_results import HOSTILE, hostile_result, small_result


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def ticking(*frame_sums: float):
    """A clock that shows these moments one after the other."""
    times = iter(frame_sums)
    return lambda: next(times)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


SUMMARY = """\
Limits are missed for default on voices under “Does the model agree with the labels?”.

 Question                                Verdict   Most important number
 ──────────────────────────────────────────────────────────────────────────────────────────────────
 Does the model agree with the labels?   ✗ fail    valence, CCC 0.100 [−0.100, 0.300], wanted > 0.5

✗ fail correctness: ccc of valence is 0.100 (95 % interval [−0.100, 0.300]), wanted > 0.5
"""


def test_the_summary_goes_to_stdout_as_plain_text(capsys):
    console.show_summary([small_result()])
    out, err = capsys.readouterr()
    assert out == SUMMARY
    assert err.startswith("Warning: 1 clip missing")


def test_quiet_leaves_the_table_out_and_not_the_data(capsys):
    console.show_summary([small_result()], quiet=True)
    assert capsys.readouterr().out == ""
    console.show_summary([small_result()], format="json", quiet=True)
    assert json.loads(capsys.readouterr().out)["verdicts"]["fail"] == 1


def test_the_summary_as_json_holds_counts_answers_and_unrounded_findings(capsys):
    console.show_summary([small_result()], format="json")
    summary = json.loads(capsys.readouterr().out)
    assert summary["schema"] == 1
    assert summary["verdicts"] == {"fail": 1, "inconclusive": 1, "pass": 1, "skipped": 1, "none": 1}
    (audit,) = summary["audits"]
    assert audit["audit"] == "correctness"
    assert audit["answer"] == "Arousal is predicted, valence is not."
    assert audit["findings"][0]["value"] == 0.7123
    assert audit["findings"][3]["value"] is None
    assert set(audit["verdicts"]) == {verdict.value for verdict in Verdict}


@pytest.mark.parametrize("force", [False, True])
def test_no_control_character_leaves_for_a_pipe(capsys, monkeypatch, force):
    if force:
        monkeypatch.setenv("FORCE_COLOR", "1")
    console.show_summary([hostile_result()])
    console.table([HOSTILE], [[HOSTILE], [None]])
    console.message(HOSTILE)
    console.fail(CorpusError(HOSTILE, hint=HOSTILE))
    out, err = capsys.readouterr()
    assert not [c for c in out + err if (ord(c) < 32 and c != "\n") or c == "\u202e"]
    assert "<script>alert('x')</script>" in out


def test_a_terminal_gets_colours_unless_it_asks_for_none(monkeypatch):
    for no_color, coloured in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_color)
        monkeypatch.setattr(sys, "stdout", screen := Terminal())
        console.show_summary([small_result()])
        assert ("\x1b[1;31m" in screen.getvalue()) is coloured


def test_a_stream_that_knows_no_symbols_gets_them_written_out(monkeypatch):
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    console.show_summary([small_result()])
    assert b"x fail " in screen.buffer.getvalue()


def test_an_error_is_one_line_and_its_hint_another(capsys):
    console.fail(CorpusError("clips.csv has no column\n'file'", hint="add it [now]"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Error: clips.csv has no column 'file'\nHint: add it [now]\n"


def test_an_error_without_a_hint_is_one_line(capsys):
    console.fail(CorpusError("no"))
    assert capsys.readouterr().err == "Error: no\n"


def test_messages_and_warnings_go_to_stderr_whole(capsys):
    console.message("/a/very/long/path" * 40)
    console.warn("half the clips are missing")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "/a/very/long/path" * 40 + "\nWarning: half the clips are missing\n"


ROWS = [["a,b", 1, 0.5, True], ['say "x"', 20, None, False]]


def test_a_list_for_people(capsys):
    console.table(["name", "clips", "rate", "there"], ROWS)
    assert capsys.readouterr().out == (
        " name      clips   rate   there\n"
        " ──────────────────────────────\n"
        " a,b           1    0.5   yes\n"
        ' say "x"      20      –   no\n'
    )


def test_a_list_as_json_keeps_types(capsys):
    console.table(["name", "clips", "rate", "there"], ROWS, "json")
    assert json.loads(capsys.readouterr().out) == [
        {"name": "a,b", "clips": 1, "rate": 0.5, "there": True},
        {"name": 'say "x"', "clips": 20, "rate": None, "there": False},
    ]


def test_a_list_as_csv_reads_back(capsys):
    console.table(["name", "clips", "rate", "there"], ROWS, "csv")
    out = capsys.readouterr().out
    assert "\r" not in out
    assert list(csv.reader(io.StringIO(out))) == [
        ["name", "clips", "rate", "there"],
        ["a,b", "1", "0.5", "True"],
        ['say "x"', "20", "", "False"],
    ]


@pytest.mark.parametrize(("form", "text"), [("json", "[]\n"), ("csv", "a,b\n")])
def test_an_empty_list_is_a_list(capsys, form, text):
    console.table(["a", "b"], [], form)
    assert capsys.readouterr().out == text


def test_progress_away_from_a_terminal_is_a_line_every_ten_seconds(capsys):
    clock = ticking(0, 4, 10, 10, 15, 20, 20, 25)
    with progress.progress("Predicting", 100, clock=clock) as advance:
        advance(20)  # at 4 s: too early
        advance(20)  # at 10 s
        advance(20)  # at 15 s: too early
        advance(40)  # at 20 s
    assert capsys.readouterr().err == (
        "Predicting: 40/100 clips, 4.0 clips/s, 15.0 s left\n"
        "Predicting: 100/100 clips, 5.0 clips/s, 0.0 s left\n"
        "Predicting: 100 clips in 25.0 s, 4.0 clips/s\n"
    )


def test_progress_that_is_cut_short_says_how_far_it_came(capsys):
    def cut_short():
        with progress.progress("Predicting", 100, clock=ticking(0, 5, 10)) as advance:
            advance(30)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert capsys.readouterr().err == "Predicting: 30 of 100 clips in 10.0 s, 3.0 clips/s\n"


def test_progress_over_nothing_divides_by_nothing(capsys):
    with progress.progress("Predicting", 0, clock=ticking(0, 0)):
        pass
    assert capsys.readouterr().err == "Predicting: 0 clips in 0.0 s\n"


def test_a_step_that_is_done_soon_has_no_last_line(capsys):
    for end_s in (1.9, 2.0):
        with progress.progress("audits", 3, "audits", silent_s=2, clock=ticking(0, 1, end_s)) as advance:
            advance(3)
    assert capsys.readouterr().err == "audits: 3 audits in 2.0 s, 1.5 audits/s\n"


def test_quiet_progress_says_nothing(capsys):
    with progress.progress("Predicting", 2, quiet=True) as advance:
        advance(2)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_is_a_bar_with_speed(monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    with progress.progress("Predicting", 4, "files") as advance:
        for _ in range(4):
            advance(1)
    assert "4/4 files" in screen.getvalue()
    assert "files/s" in screen.getvalue()
    assert screen.getvalue().splitlines()[-1].split("Predicting: ")[1].startswith("4 files in ")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (59.97, "1 min 0 s"), (3599.6, "1 h 0 min")]
)
def test_a_duration_reads_like_a_clock(seconds, words):
    assert progress._duration(seconds) == words


def test_importing_the_console_loads_neither_rich_nor_matplotlib():
    import subprocess

    heavy = "{'rich', 'matplotlib', 'jinja2', 'torch'}"
    code = f"import sys, sertools.cli.console; print({heavy} & {{*sys.modules}} or '')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_verbose_lists_every_finding_with_its_interval_before_the_summary(capsys):
    console.show_summary([small_result()], verbose=True)
    out = capsys.readouterr().out
    rows = out[: out.index("Limits are missed")].splitlines()
    assert any(line.split()[:2] == ["correctness", "mae"] for line in rows), "the summary does not name it"
    assert any("no emotion in common" in line for line in rows), "nor why something was skipped"
    assert out.endswith(SUMMARY)


def test_verbose_changes_nothing_of_the_json(capsys):
    console.show_summary([small_result()], format="json")
    usual = capsys.readouterr().out
    console.show_summary([small_result()], format="json", verbose=True)
    assert capsys.readouterr().out == usual
