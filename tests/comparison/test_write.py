"""`sertools compare`: from folders of results into a folder of its own."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.comparison.compare import compare
from sertools.comparison.write import compare_folders, read_runs, short, write_comparison
from sertools.errors import GateError
from sertools.results.read import read_result
from sertools.results.result import Finding, LeftOut, Limit, Result
from tests.helpers.comparisons import WITHOUT, X, Y, against, ccc, difference, kept, result, speaker_scores
from tests.helpers.report_results import HOSTILE
from tests.helpers.small import write_noises


def folder(path: Path, *results: Result) -> Path:
    path.mkdir(parents=True)
    for each in results:
        (path / f"{each.audit}.json").write_text(each.to_json())
    return path


def test_runs_are_named_after_their_models_else_their_folders_else_as_they_were_written(tmp_path):
    one, two = (folder(tmp_path / name / "out", result(model=name)) for name in "ab")
    assert [name for name, _ in read_runs([one, two])] == ["a", "b"]
    again = folder(tmp_path / "last", result(model="a"))
    assert [name for name, _ in read_runs([one, again])] == ["out", "last"]
    both = folder(tmp_path / "c" / "out", result(model="a"))
    assert [name for name, _ in read_runs([one, both])] == [str(one), str(both)]


def test_runs_that_have_no_name_of_their_own_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [folder(Path(name), result(model="m")) for name in ("audit", "target")]
    assert [name for name, _ in read_runs(folders)] == ["run 1", "run 2"]


def test_a_folder_that_is_named_twice_or_empty_is_one_sentence(tmp_path):
    one = folder(tmp_path / "one", result())
    with pytest.raises(GateError, match="one is named twice"):
        read_runs([one, tmp_path / "one" / ".." / "one"])
    with pytest.raises(GateError, match="no results in"):
        read_runs([one, folder(tmp_path / "empty")])


def test_a_comparison_is_not_written_among_the_results_of_an_audit(tmp_path):
    one = folder(tmp_path / "one", result())
    with pytest.raises(GateError, match=r"one holds correctness\.json, which is not a comparison"):
        write_comparison(against(result(), result()), one)
    assert [path.name for path in one.iterdir()] == ["correctness.json"]


def test_hostile_names_of_models_are_shown_literally(tmp_path):
    comparison = compare([(HOSTILE, [speaker_scores(X)]), ("new", [speaker_scores(Y)])])
    write_comparison(comparison, tmp_path)
    page = (tmp_path / "compare.html").read_text()
    assert "&lt;script&gt;" in page
    assert page.count("<script>") == 1, "its own"
    assert "<script>" not in (tmp_path / "compare.md").read_text()
    assert read_result(tmp_path / "compare.json") == comparison


def test_a_terminal_shows_what_is_paired_or_judged_otherwise():
    limit = Limit(name="mae", below=0.5)
    mae = {"name": "mae", "n": 9, "limit": limit, "slice": "sex=male"}
    old = result(
        [ccc(0.5), ccc(0.2, target="valence"), Finding(**mae, value=0.1, verdict="pass")],
        left_out=[kept(WITHOUT["b"])],
    )
    new = result(
        [ccc(0.5), ccc(0.3, target="valence"), Finding(**mae, value=0.9, verdict="fail")],
        left_out=[kept(WITHOUT["b"])],
    )
    columns, shown = short(against(new, old))
    assert columns == ["finding", "old", "new", "new − old"]
    assert shown == [
        ["correctness: ccc of arousal", "0.500", "0.500", "0.000 [0.000, 0.000]"],
        ["correctness: mae, sex=male", "0.100", "0.900", "0.800"],
    ]
    neither = short(against(result([ccc(0.1), ccc(0.1, target="valence")]), result([ccc(0.1)])))[1]
    assert neither == [["correctness: ccc of arousal", "0.100", "0.100", "0.000"]]
    assert short(compare([("a", [speaker_scores(X)]), ("b", [speaker_scores(Y)])]))[1] == []


# the command


def sertools(*words: str | Path):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> list[Path]:
    """The results of two toy models on the same noises."""
    place = tmp_path_factory.mktemp("compare")
    manifest = write_noises(place / "c", 72)
    words = ["--data", str(manifest), "--cache", str(place / "cache"), "--quiet"]
    for model in ("loudness", "random"):
        out = place / model
        done = sertools("audit", "correctness", "speakers", "--model", f"toy:{model}", "--out", out, *words)
        assert done.exit_code in {0, 1}, done.stderr
    return [place / "loudness", place / "random"]


def test_the_command_writes_a_comparison_that_can_be_read_and_reported_again(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "out"
    done = sertools("compare", *folders, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "correctness: ccc of arousal" in done.stdout
    assert done.stderr.splitlines()[-1].endswith(f"Report: {out / 'compare.html'}")
    written = read_result(out / "compare.json")
    assert difference(written).slice == "toy-random − toy-loudness"
    assert difference(written).high < 0
    values = [read_result(f / "correctness.json").findings for f in folders]
    of = [next(f.value for f in found if (f.name, f.target) == ("ccc", "arousal")) for found in values]
    assert difference(written).value == of[1] - of[0]
    agreement = {f.target: f for f in written.findings if f.name == "speakers.agreement"}
    assert agreement["arousal"].speakers == 6
    page, text = (out / "compare.html").read_text(), (out / "compare.md").read_text()
    assert "Agreement on the ranking of speakers (Spearman)" in page
    assert "Agreement on the ranking of speakers" in text
    drawn = sorted((out / "figures").iterdir())
    assert len(drawn) == len(written.figures) == page.count("<figure>")
    assert all(f"figures/{path.name}" in text for path in drawn)
    assert sertools("compare", *folders, "--out", out).exit_code == 0, "a comparison may be made anew"


def test_the_page_says_first_what_was_compared_and_never_that_nothing_was_judged(folders, tmp_path):
    assert sertools("compare", *folders, "--out", tmp_path / "out").exit_code == 0
    for name in ("compare.html", "compare.md"):
        page = (tmp_path / "out" / name).read_text()
        assert "Which serves clips better, toy-loudness or toy-random?" in page
        assert "toy-random is not shown to beat a constant prediction; these are not counted" in page
        assert "Nothing was judged" not in page
        assert page.index("Scores of each model") < page.index("Differences paired by speaker")
        assert page.index("Differences paired by speaker") < page.index("common scale")


def test_a_published_model_that_does_not_fit_ends_with_2_and_says_where_it_would(folders, tmp_path):
    done = sertools("compare", *folders, "--reference", "w2v2-L-robust", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "it has values on iemocap, msp-test1, msp-test2" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_published_model_stands_beside_one_folder(tmp_path):
    one = folder(tmp_path / "one", result([ccc(0.6, 0.5, 0.7)], corpus="iemocap", model="mine"))
    done = sertools("compare", one, "--reference", "w2v2-L-robust", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert difference(read_result(tmp_path / "out" / "compare.json")).value == pytest.approx(0.077, abs=1e-12)
    assert "w2v2-L-robust (published)" in (tmp_path / "out" / "compare.html").read_text()


def test_a_terminal_shows_no_more_rows_than_fit():
    many = [ccc(i / 100, target=f"t{i}") for i in range(50)]
    assert len(short(against(result(many), result(many)))[1]) == 20


def test_quiet_says_nothing_and_writes_the_same(folders, tmp_path):
    done = sertools("compare", *folders, "--out", tmp_path / "a", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    loud = sertools("compare", *folders, "--out", tmp_path / "b")
    assert loud.stdout
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_json_is_the_differences_with_their_reasons(folders, tmp_path):
    done = sertools("compare", *folders, "--out", tmp_path / "out", "--format", "json")
    told = json.loads(done.stdout)["audits"]
    written = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert [a["audit"] for a in told] == ["compare"]
    assert told[0]["findings"] == written["findings"]
    assert all(f["reason"] for f in told[0]["findings"] if f["value"] is None or f["low"] is None)


@pytest.mark.parametrize("words", [["one"], ["one", "one"], ["one", "two"]])
def test_bad_folders_end_with_2_and_leave_nothing(folders, tmp_path, words):
    given = [folders[0] if word == "one" else tmp_path / word for word in words]
    done = sertools("compare", *given, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert not (tmp_path / "out").exists()


def test_the_help_has_an_example():
    assert "Example: sertools compare" in " ".join(sertools("compare", "--help").stdout.split())


def test_runs_that_share_no_value_are_refused(tmp_path):
    targets = {"one": "arousal", "two": "valence"}
    folders = [folder(tmp_path / m, result([ccc(0.5, target=of)], model=m)) for m, of in targets.items()]
    with pytest.raises(GateError, match="no two of one and two have a value of the same measure"):
        compare_folders(folders, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_of_many_runs_the_terminal_shows_the_first_and_the_four_best_and_the_answer_the_best():
    rng = np.random.default_rng(0)
    runs = []
    for i in range(9):
        score = 0.3 + 0.05 * i
        values = dict(zip("abcdef", rng.normal(score, 0.001, 6).tolist(), strict=True))
        left = [LeftOut(name="ccc", target="arousal", values=values)]
        runs.append((f"m{i}", [result([ccc(score, score - 0.1, score + 0.1)], left_out=left)]))
    comparison = compare(runs)
    columns, found = short(comparison)
    assert columns == ["finding", "m0", "m5", "m6", "m7", "m8", *(f"m{i} − m0" for i in range(5, 9))]
    assert [len(row) for row in found] == [len(columns)]
    assert found[0][1:6] == ["0.300", "0.550", "0.600", "0.650", "0.700"]
    assert [text.partition(" ")[0] for text in found[0][6:]] == ["0.250", "0.300", "0.350", "0.400"]
    assert comparison.answer == (
        "Compared on voices: m0, m1, m2, m3, m4 and 4 more. m8 has the highest CCC of arousal, 0.700, and is "
        "better beyond chance than all others with a place. Compared with m0, 8 are better beyond chance in "
        "some score and worse in none, 0 worse in some and better in none, 0 both, 0 neither "
        "(95 % interval of each score by itself). "
        "0 verdicts differ."
    )
