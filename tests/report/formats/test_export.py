import io
import json
import re

import pandas as pd
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.report.formats import export
from sertools.report.formats.export import COLUMNS, Report
from sertools.report.render import render
from sertools.results.read import read_results
from sertools.results.result import Finding, Result, Table
from tests.helpers.report_results import HOSTILE, hostile_result, small_result

UNESCAPED = re.compile(r"(?<!\\)[&%$#_]")


def test_the_union_holds_every_result_unchanged_and_counts_verdicts():
    results = [small_result(), small_result(audit="fairness")]
    together = Report.model_validate_json(export.combined(results))
    assert together.results == results
    assert together.verdicts == {"fail": 2, "inconclusive": 2, "pass": 2, "skipped": 2, "none": 2}
    raw = json.loads(export.combined(results))
    assert list(raw) == ["schema", "title", "headline", "verdicts", "results"]
    assert raw["schema"] == 1
    assert raw["results"][0] == json.loads(results[0].to_json())
    assert raw["headline"].startswith("Limits are missed for default on voices under “")


def test_another_schema_is_refused():
    raw = json.loads(export.combined([small_result()]))
    for changed in ({**raw, "schema": 2}, {**raw, "more": 1}):
        with pytest.raises(ValidationError):
            Report.model_validate(changed)


def test_results_are_read_from_a_folder_that_holds_their_union(tmp_path):
    (tmp_path / "correctness.json").write_text(small_result().to_json())
    render([small_result()], tmp_path)
    assert (tmp_path / "report.json").is_file()
    assert read_results(tmp_path) == [small_result()]


def test_findings_are_exported_in_full():
    frame = pd.read_csv(io.StringIO(export.csv([small_result()])["findings.csv"]))
    assert tuple(frame.columns) == COLUMNS
    first = frame.iloc[0].dropna().to_dict()
    assert first == {
        "audit": "correctness", "model": "default", "corpus": "voices", "name": "ccc", "target": "arousal",
        "slice": "all", "value": 0.7123, "low": 0.6, "high": 0.8, "n": 300, "speakers": 12, "verdict": "pass",
        "above": 0.5, "source": "Wagner 2023",
    }  # fmt: skip
    assert frame["value"].isna().tolist() == [False, False, False, True, False]


def test_no_digit_is_lost_in_csv_or_parquet():
    table = Table(name="t", title="T", columns=["x", "n"], rows=[[0.1 + 0.2, 1], [None, None], [1 / 3, 3]])
    result = small_result(tables=[table])
    for frame in (
        pd.read_csv(io.StringIO(export.csv([result])["correctness-t.csv"])),
        pd.read_parquet(io.BytesIO(export.parquet([result])["correctness-t.parquet"])),
    ):
        assert frame["x"].dropna().tolist() == [0.1 + 0.2, 1 / 3]
        assert frame["n"].dropna().tolist() == [1, 3]


def test_a_column_of_words_and_numbers_is_words_and_whole_numbers_stay_whole():
    rows = [["a", 1, True, None], [0.5, None, None, None], [False, 3, False, None]]
    frame = export.frames([small_result(tables=[Table(name="t", title="", columns=list("wnbe"), rows=rows)])])
    kinds = {name: str(kind) for name, kind in frame["correctness-t"].dtypes.items()}
    assert kinds == {"w": "string", "n": "Int64", "b": "boolean", "e": "string"}
    assert frame["correctness-t"]["w"].tolist() == ["a", "0.5", "False"]
    text = export.csv([small_result(tables=[Table(name="t", title="", columns=list("wnbe"), rows=rows)])])
    assert text["correctness-t.csv"] == "w,n,b,e\na,1,True,\n0.5,,,\nFalse,3,False,\n"


def test_tables_of_one_name_and_columns_of_one_name_are_told_apart():
    twice = Table(name="t", title="", columns=["a", "a"], rows=[[1, 2]])
    results = [small_result(tables=[twice, twice])]
    assert set(export.csv(results)) == {"findings.csv", "correctness-t.csv", "correctness-t-2.csv"}
    assert list(export.frames(results)["correctness-t"].columns) == ["a", "a (2)"]
    assert set(export.parquet(results)) == {name.replace(".csv", ".parquet") for name in export.csv(results)}


def test_a_small_table_for_a_paper_reads_so():
    result = small_result(
        audit="a",
        question="Is it?",
        model={"name": "m"},
        data={"name": "c"},
        findings=small_result().findings[:1],
    )
    (text,) = export.latex([result]).values()
    assert (
        text.split("\n", 1)[1]
        == r"""\begin{table}
\centering
\caption{Is it? Findings of a for m on c. Intervals are clustered by speaker.}\label{tab:audit-a}
\begin{tabular}{lllrrllrr}
\toprule
Measure & Target & Slice & Value & 95 \% interval & Limit & Verdict & n & Speakers \\
\midrule
ccc & arousal & all & 0.712 & {[}0.600, 0.800] & \textgreater{} 0.5 & pass & 300 & 12 \\
\bottomrule
\end{tabular}
\end{table}
"""
    )


def test_a_long_table_may_break_and_repeats_its_head():
    findings = [Finding(name=f"m{i}", value=-0.5, n=1) for i in range(41)]
    text = export.latex([small_result(findings=findings)])["correctness.tex"]
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
    assert text.count("Measure &") == 2
    assert text.count(r"\caption") == 1
    assert text.count(r" & $-$0.500 & ") == 41


@pytest.mark.parametrize(
    "text", [HOSTILE, "\\end{table}", "%$#_{}~^", "a & b \\\\ c", "[x]*", "\n\n\n", "\ud800"]
)
def test_hostile_names_change_nothing_in_latex(text):
    hostile = hostile_result(text)
    (page,) = export.latex([hostile]).values()
    (tame,) = export.latex([hostile_result("tame")]).values()
    commands = re.compile(r"\\(begin|end|caption|label|toprule|midrule|bottomrule|centering)\b(?!\\)")
    assert commands.findall(page) == commands.findall(tame)
    assert len(page.splitlines()) == len(tame.splitlines())
    for line, plain in zip(page.splitlines()[1:], tame.splitlines()[1:], strict=True):
        bare = line.replace("$-$", "")
        assert len(UNESCAPED.findall(bare)) == len(UNESCAPED.findall(plain)), line
        braces = re.sub(r"\\[{}]", "", line)
        assert braces.count("{") == braces.count("}")
        assert not line.startswith(("[", "*"))
    page.encode("utf-8")


@pytest.mark.parametrize("text", [HOSTILE, "a,b;c\"d'\n", "\ud800", "=1+1", "x" * 10_000])
def test_hostile_names_come_back_from_csv_and_parquet_as_they_were(text):
    expected = text.encode("utf-8", "backslashreplace").decode()
    result = hostile_result(text)
    csv = pd.read_csv(io.StringIO(export.csv([result])["findings.csv"], newline=""), keep_default_na=False)
    parquet = pd.read_parquet(io.BytesIO(export.parquet([result])["findings.parquet"]))
    for frame in (csv, parquet):
        assert frame["target"].tolist() == [expected] * 2


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("html", {"report.html"}),
        ("md", {"report.md", "figures/correctness-1.svg"}),
        ("json", {"report.json"}),
        ("csv", {"tables/findings.csv", "tables/correctness-t.csv"}),
        ("parquet", {"tables/findings.parquet", "tables/correctness-t.parquet"}),
        ("latex", {"latex/correctness.tex"}),
    ],
)
def test_a_format_writes_its_files_and_no_others(tmp_path, name, files):
    written = render([small_result()], tmp_path, formats=[name])
    assert {str(path.relative_to(tmp_path)) for path in written} == files
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == files


def test_results_of_the_union_are_results():
    assert isinstance(Report.model_validate_json(export.combined([hostile_result()])).results[0], Result)


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "|x", "%0A=1"]
)
def test_a_spreadsheet_runs_no_text_of_a_safe_csv(text):
    table = Table(name="t", title="T", columns=[text, "n"], rows=[[text, -1.5], ["anger", 2.0]])
    result = small_result(tables=[table])
    safe = pd.read_csv(
        io.StringIO(export.csv([result], spreadsheet_safe=True)["correctness-t.csv"]), keep_default_na=False
    )
    assert safe.columns[0] == safe.iloc[0, 0]
    assert safe.iloc[0, 0].startswith("'")
    assert safe.iloc[1, 0] == "anger"
    assert safe["n"].tolist() == [-1.5, 2.0]


def test_spreadsheets_are_an_option_of_csv_alone(tmp_path):
    (tmp_path / "correctness.json").write_text(small_result().model_dump_json())
    words = ["report", str(tmp_path), "--spreadsheet-safe"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "--spreadsheet-safe only applies to --format csv" in done.stderr
    assert CliRunner().invoke(app, [*words, "--format", "csv"]).exit_code == 0
