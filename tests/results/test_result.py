import json
import os

import pytest
from pydantic import ValidationError

from sertools.errors import GateError
from sertools.results import read
from sertools.results.read import read_result, read_results
from sertools.results.result import Figure, Finding, LeftOut, Limit, Result, Series, Sound, Table, Verdict
from tests.helpers.report_results import small_result


def test_a_result_comes_back_from_its_file_as_it_was(tmp_path):
    left_out = LeftOut(name="ccc", target="arousal", values={"a": 0.1 + 0.2, "b": -1.0})
    result = small_result(left_out=[left_out])
    path = tmp_path / "correctness.json"
    path.write_text(result.to_json(), encoding="utf-8")
    assert read_result(path) == result


def test_the_file_has_the_names_that_other_tools_rely_on():
    stored = json.loads(small_result().to_json())
    assert {"schema", "audit", "model", "data", "findings", "tables", "figures", "provenance"} <= set(stored)
    assert stored["schema"] == 2
    assert list(stored["findings"][0]) == [
        "name",
        "target",
        "slice",
        "value",
        "low",
        "high",
        "n",
        "speakers",
        "verdict",
        "limit",
        "reason",
        "reason_code",
    ]
    assert stored["findings"][0]["verdict"] == "pass"


def test_a_result_of_an_earlier_version_without_left_out_values_is_read(tmp_path):
    stored = json.loads(small_result().to_json())
    del stored["left_out"]
    path = tmp_path / "correctness.json"
    path.write_text(json.dumps(stored), encoding="utf-8")
    assert read_result(path).left_out == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_is_null_and_needs_a_reason(value):
    finding = Finding(name="ccc", value=value, low=value, high=value, n=0, reason="no clips")
    assert (finding.value, finding.low, finding.high) == (None, None, None)
    assert "NaN" not in finding.model_dump_json()
    with pytest.raises(ValidationError, match="finding 'ccc' has no value and no reason"):
        Finding(name="ccc", value=value, n=0)


def test_integers_of_numpy_and_python_become_floats():
    assert repr(Finding(name="ccc", value=1, n=1).value) == "1.0"


def test_tables_and_series_hold_null_where_a_number_is_undefined():
    table = Table(name="t", title="T", columns=["a", "b"], rows=[["x", float("nan")], [None, 1]])
    assert table.rows == [["x", None], [None, 1]]
    series = Series(x=["a"], y=[float("nan")], low=[float("-inf")], high=[0.5])
    assert (series.y, series.low, series.high) == ([None], [None], [0.5])
    assert Series(x=["a"], y=[None]).low is None


def test_a_row_that_does_not_fit_its_columns_is_named():
    with pytest.raises(ValidationError, match="table 't': row 1 does not have 2 columns"):
        Table(name="t", title="T", columns=["a", "b"], rows=[[1, 2], [3]])


@pytest.mark.parametrize("wrong", [{"above": float("nan")}, {"below": float("inf")}])
def test_a_limit_that_nothing_can_pass_or_fail_is_refused(wrong):
    with pytest.raises(ValidationError, match="finite"):
        Limit(name="ccc", **wrong)


def test_a_limit_needs_a_range_that_is_not_empty():
    with pytest.raises(ValidationError, match="limit 'ccc' needs 'above' or 'below'"):
        Limit(name="ccc")
    with pytest.raises(ValidationError, match=r"contradicts itself: above 0\.5, below 0\.5"):
        Limit(name="ccc", above=0.5, below=0.5)


def test_a_limit_reads_as_a_sign():
    assert [
        str(Limit(name="x", **r)) for r in ({"above": 0.5}, {"below": 0.1}, {"above": -1, "below": 1})
    ] == [
        "> 0.5",
        "< 0.1",
        "-1 … 1",
    ]


def test_left_out_values_are_numbers():
    with pytest.raises(ValidationError, match="finite"):
        LeftOut(name="ccc", values={"a": float("nan")})


def test_left_out_values_have_the_key_of_their_finding():
    finding = Finding(name="uar", target="emotion", slice="sex=male", value=0.5, n=9)
    left_out = LeftOut(name="uar", target="emotion", slice="sex=male", values={"a": 0.4})
    assert left_out.key == finding.key
    assert left_out.key != LeftOut(name="uar", target="emotion", values={}).key


def test_a_clip_to_hear_has_null_where_a_prediction_is_undefined():
    sound = Sound(clip="a", target="joy", truth="joy", clean=float("nan"), changed=0.1 + 0.2, caption="A.")
    assert (sound.truth, sound.clean, sound.changed) == ("joy", None, 0.1 + 0.2)
    assert Sound(clip="a", target="joy", clean=float("-inf"), caption="A.").clean is None


def test_unknown_keys_and_changes_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Finding(name="ccc", value=1, n=1, colour="red")
    with pytest.raises(ValidationError, match="frozen"):
        small_result().findings[0].verdict = Verdict.PASS
    with pytest.raises(ValidationError, match="Input should be"):
        Figure(name="f", kind="pie", title="", alt="", series=[])


def test_another_schema_is_refused_with_both_numbers(tmp_path):
    stored = json.loads(small_result().to_json()) | {"schema": 3}
    path = tmp_path / "correctness.json"
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(GateError, match="schema 3, but this sertools reads schema 2") as raised:
        read_result(path)
    assert "the file" in raised.value.message
    assert raised.value.hint == "run sertools audit again to rewrite it"


def test_a_wrong_field_is_named(tmp_path):
    stored = json.loads(small_result().to_json())
    stored["findings"][1]["n"] = "many"
    path = tmp_path / "correctness.json"
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(GateError, match=r"findings\.1\.n: "):
        read_result(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"{", "not a result file of this sertools"),
        (b"\xff\xfe\x00", "it is not text"),
        (b"", "not a result file of this"),
    ],
)
def test_a_file_that_is_no_result_is_named(tmp_path, content, what):
    path = tmp_path / "correctness.json"
    path.write_bytes(content)
    with pytest.raises(GateError, match=what) as raised:
        read_result(path)
    assert str(path) in raised.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(GateError, match="cannot read .*none.json: No such file"):
        read_result(tmp_path / "none.json")


def test_all_results_of_a_folder_come_in_the_order_of_their_names(tmp_path):
    for name in ("speakers", "correctness"):
        (tmp_path / f"{name}.json").write_text(small_result(audit=name).to_json(), encoding="utf-8")
    (tmp_path / "report.json").write_text("[]", encoding="utf-8")
    (tmp_path / "report.html").write_text("", encoding="utf-8")
    assert [result.audit for result in read_results(tmp_path)] == ["correctness", "speakers"]


def test_a_folder_without_results_and_no_folder_are_said_apart(tmp_path):
    with pytest.raises(GateError, match="no results in") as raised:
        read_results(tmp_path)
    assert raised.value.hint == "give the --out folder of an earlier sertools audit"
    with pytest.raises(GateError, match="no folder"):
        read_results(tmp_path / "none")


def test_results_are_made_by_either_name_of_the_schema():
    assert Result.model_validate_json(small_result().to_json()).schema_version == 2
    assert small_result(schema_version=1) == small_result(schema=1)


def test_files_of_schema_1_are_still_read(tmp_path):
    stored = json.loads(small_result().to_json()) | {"schema": 1}
    path = tmp_path / "correctness.json"
    path.write_text(json.dumps(stored), encoding="utf-8")
    read = read_result(path)
    assert read.schema_version == 1
    assert read.findings == small_result().findings


def test_a_file_that_is_too_large_or_too_deep_is_named(tmp_path, monkeypatch):
    path = tmp_path / "correctness.json"
    path.write_text(small_result().to_json(), encoding="utf-8")
    monkeypatch.setattr(read, "MAX_BYTES", 10)
    with pytest.raises(GateError, match="too large for a result"):
        read_result(path)
    monkeypatch.undo()

    def deep(text: str) -> Result:
        raise RecursionError("too deep")

    monkeypatch.setattr(Result, "model_validate_json", deep)
    with pytest.raises(GateError, match=r"correctness\.json is not .*too deep"):
        read_result(path)


@pytest.mark.parametrize("rows", [3, [3], [{"a": 1}], [[2**63]]])
def test_rows_of_a_table_are_lists_of_numbers_that_a_file_can_hold(rows):
    with pytest.raises(ValueError, match="rows"):
        Table(name="t", title="", columns=["a"], rows=rows)


def test_a_series_has_one_number_for_each_x():
    with pytest.raises(ValueError, match="series 's' has 2 low for 1 x"):
        Series(name="s", x=[1.0], y=[1.0], low=[0.0, 0.0])


def test_what_is_no_file_is_not_waited_for(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "correctness.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "one" / "correctness.json", tmp_path / "pipe.json"):
        with pytest.raises(
            GateError, match="is not a result file of this sertools version: it is not a file"
        ):
            read_result(path)
