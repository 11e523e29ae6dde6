import pandas as pd
import pytest

from sertools.report.excerpts.excerpt import LEVELS, excerpt, shortened
from sertools.report.render import MOST_BYTES, render
from sertools.results.result import Figure, Finding, Limit, Missing, Series, Table, Verdict
from tests.helpers.pages import read
from tests.helpers.report_results import small_result

USUAL = LEVELS[0]


def speakers(n: int, targets=("arousal", "emotion")) -> Table:
    rows = [[target, f"speaker {i}", i / n] for target in targets for i in range(n)]
    return Table(name="speakers", title="Worst first", columns=["target", "speaker", "score"], rows=rows)


def test_a_short_result_is_shown_whole():
    result = small_result()
    shown = excerpt([result])
    assert shown.results == [result]
    assert shown.tables == {}


def test_a_long_table_shows_the_first_rows_of_each_target_and_names_the_file_with_all():
    short = shortened(speakers(100), USUAL, "tables/speakers-speakers.parquet")
    kept = [[target, f"speaker {i}", i / 100] for target in ("arousal", "emotion") for i in range(25)]
    assert short.rows == kept
    assert short.note == (
        "Shown: the first 25 of each target, 50 of 200 rows; all are in `tables/speakers-speakers.parquet`."
    )


def test_a_long_table_without_blocks_shows_its_first_rows():
    rows = [[f"clip {i}", i] for i in range(51)]
    short = shortened(
        Table(name="t", title="T", columns=["clip", "n"], rows=rows, note="n: a number"), USUAL, "tables/t"
    )
    assert short.rows == rows[:50]
    assert short.note == "n: a number. Shown: the first 50 of 51 rows; all are in `tables/t`."


def test_a_wide_table_shows_its_first_columns():
    wide = Table(name="t", title="T", columns=[f"c{i}" for i in range(300)], rows=[list(range(300))])
    short = shortened(wide, USUAL, "tables/t")
    assert (short.columns, short.rows) == (wide.columns[:40], [list(range(40))])
    assert short.note == "Shown: the first 40 of 300 columns; all are in `tables/t`."


def test_the_most_urgent_findings_are_kept_and_all_are_counted(tmp_path):
    limit = Limit(name="ccc", above=0.5)
    passed = [
        Finding(name="ccc", target=f"p{i}", value=0.9, n=9, limit=limit, verdict=Verdict.PASS)
        for i in range(300)
    ]
    failed = Finding(name="ccc", target="worst", value=0.1, n=9, limit=limit, verdict=Verdict.FAIL)
    result = small_result(findings=[*passed, failed])
    (short,) = excerpt([result]).results
    assert len(short.findings) == USUAL.findings
    assert failed in short.findings
    render([result], tmp_path)
    page = read(tmp_path)
    assert "shows the 200 most urgent of 301 judged findings; all are in tables/findings.parquet" in page.text
    assert ("a", "tables/findings.parquet") in [(tag, at.get("href")) for tag, at in page.elements]
    assert len(pd.read_parquet(tmp_path / "tables" / "findings.parquet")) == 301


def test_the_files_beside_the_page_hold_every_row(tmp_path):
    series = Series(x=[f"s{i}" for i in range(100)], y=[float(i) for i in range(100)])
    figure = Figure(name="f", kind="interval", title="F", alt="", series=[series])
    render([small_result(tables=[speakers(100)], figures=[figure])], tmp_path, formats=["md"])
    table = pd.read_parquet(tmp_path / "tables" / "correctness-speakers.parquet")
    assert table.to_numpy().tolist() == speakers(100).rows
    drawn = pd.read_parquet(tmp_path / "tables" / "correctness-figure-1.parquet")
    assert drawn["x"].tolist() == series.x
    assert drawn["y"].tolist() == series.y
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "(tables/correctness-speakers.parquet)" in page
    assert "The figure “F” shows the first 60 of 100; all values are in" in page


EMOTIONS = [f"emotion {i}" for i in range(300)]

LARGE = {
    "speakers": lambda: {"tables": [speakers(5000, ("arousal", "dominance", "valence", "emotion"))]},
    "classes": lambda: {
        "figures": [
            Figure(
                name="confusion",
                kind="heat",
                title="Confusion",
                alt="",
                series=[
                    Series(name=f"e{i}", x=[f"e{j}" for j in range(300)], y=[0.1] * 300) for i in range(300)
                ],
            )
        ]
    },
    "notes": lambda: {"notes": ["x" * 500] * 10_000},
    "one long text": lambda: {"answer": "x" * 10_000_000},
    "many tables": lambda: {
        "tables": [speakers(60).model_copy(update={"name": f"t{i}"}) for i in range(350)]
    },
    "reasons": lambda: {
        "findings": [
            Finding(name="f", value=None, n=0, reason=f"no {i}", verdict=Verdict.SKIPPED) for i in range(9999)
        ],
        "missing": [Missing(clip=f"c{i}", condition="clean", reason=f"{i} broken") for i in range(20_000)],
    },
    "facts": lambda: {"model": {"name": "m", "labels": [f"label {i}" for i in range(300_000)]}},
}


def test_no_audit_is_left_out_however_many_there_are(tmp_path):
    long = [[f"speaker {i} " + "z" * 500, i] for i in range(60)]
    tables = [Table(name=f"t{j}", title="T", columns=["speaker", "n"], rows=long) for j in range(6)]
    results = [
        small_result(audit=f"audit{i}", answer="y" * 300, tables=tables, figures=[]) for i in range(25)
    ]
    render(results, tmp_path)
    assert (tmp_path / "report.html").stat().st_size <= MOST_BYTES < 25 * 6 * 50 * 500
    page = read(tmp_path).text.lower()
    assert all(f"audit{i}" in page for i in range(25))
    assert "y" * 300 in page


@pytest.mark.parametrize("what", LARGE)
def test_a_page_has_at_most_three_megabytes(tmp_path, what):
    render([small_result(**LARGE[what]())], tmp_path)
    assert (tmp_path / "report.html").stat().st_size <= MOST_BYTES == 3_000_000
