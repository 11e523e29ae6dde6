"""Several results together, as a table and in a notebook."""

import dataclasses
from html.parser import HTMLParser

import pandas as pd
import pytest

from sertools.errors import GateError
from sertools.results import answers
from sertools.results.collection import Results, joined
from sertools.results.frames import COLUMNS
from sertools.results.result import Finding, Limit, Table
from tests.helpers.report_results import HOSTILE, hostile_result, small_result

BOTH = Results([small_result(), small_result(audit="fairness", findings=[])])


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert not attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_results_are_found_by_position_by_audit_and_in_order():
    assert len(BOTH) == 2
    assert [result.audit for result in BOTH] == ["correctness", "fairness"]
    assert BOTH[0] is BOTH["correctness"]
    assert BOTH[-1] is BOTH["fairness"]
    assert BOTH[1:] == Results([BOTH["fairness"]])
    assert BOTH["fairness"] in BOTH
    assert repr(BOTH) == "Results(correctness, fairness)"


def test_an_audit_that_is_not_there_or_there_twice_is_one_sentence():
    with pytest.raises(GateError, match="no result of the audit 'fairnes'") as error:
        BOTH["fairnes"]
    assert "fairness" in error.value.hint
    with pytest.raises(GateError, match="2 results are of the audit 'correctness'"):
        Results([small_result()] * 2)["correctness"]
    with pytest.raises(IndexError):
        BOTH[2]


def test_results_equal_the_list_of_them_and_nothing_else():
    assert list(BOTH) == BOTH
    assert list(BOTH)[:1] != BOTH
    assert BOTH != "correctness"
    assert BOTH != 2


def test_results_cannot_be_changed():
    given = [small_result()]
    results = Results(given)
    given.clear()
    assert len(results) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        results.results = ()


def test_the_exit_code_is_that_of_a_gate():
    assert BOTH.exit_code == 1
    assert Results([BOTH["fairness"]]).exit_code == 2  # nothing in it has a value
    assert Results([]).exit_code == 0


def test_findings_are_rows_with_types_that_know_missing_values():
    frame = small_result().to_pandas()
    assert tuple(frame.columns) == COLUMNS
    assert frame["value"].tolist()[:3] == [0.7123, 0.5, 0.1]
    assert frame["value"].isna().tolist() == [False, False, False, True, False]
    assert frame["speakers"].tolist()[:3] == [12, 12, 12]
    assert frame["limit"].tolist()[:1] == ["> 0.5"]
    assert frame["limit"].isna().tolist() == [False, False, False, True, True]
    assert frame["verdict"].tolist() == ["pass", "inconclusive", "fail", "skipped", "none"]
    assert frame["reason"].tolist()[3] == "no emotion in common"


@pytest.mark.parametrize("findings", [[], [Finding(name="a", value=None, n=0, reason="none")]])
def test_the_types_are_the_same_whether_or_not_there_are_values(findings):
    few = small_result(findings=findings).to_pandas()
    assert few.dtypes.to_dict() == small_result().to_pandas().dtypes.to_dict()


def test_all_findings_are_one_table_with_the_audit_the_model_and_the_corpus():
    both = Results([small_result(), small_result(audit="fairness", model={})])
    frame = both.to_pandas()
    assert tuple(frame.columns) == ("audit", "model", "corpus", *COLUMNS)
    assert frame["audit"].tolist() == ["correctness"] * 5 + ["fairness"] * 5
    assert frame["model"].isna().tolist() == [False] * 5 + [True] * 5
    assert set(frame["corpus"]) == {"voices"}
    assert frame.index.tolist() == list(range(10))
    assert frame["value"].dtype == "Float64"
    assert tuple(Results([]).to_pandas().columns) == tuple(frame.columns)


def test_a_table_is_a_frame_with_one_type_for_each_column():
    table = Table(name="t", title="", columns=["x", "n", "x"], rows=[[0.1 + 0.2, 1, "a"], [None, None, 2]])
    frame = table.to_pandas()
    assert list(frame.columns) == ["x", "n", "x (3)"]
    assert [str(kind) for kind in frame.dtypes] == ["Float64", "Int64", "string"]
    assert frame["x"].tolist()[0] == 0.1 + 0.2
    assert frame["x"].tolist()[1] is pd.NA


def test_a_notebook_shows_findings_with_their_numbers_and_limits():
    limit = Limit(name="ccc", above=-0.5)
    finding = Finding(
        name="ccc", target="joy", value=-0.1, low=-0.2, high=0.0, n=9, limit=limit, verdict="pass"
    )
    page = Tags(small_result(findings=[finding])._repr_html_())
    assert page.tags == ["table", "caption", "tr", *["th"] * 6, "tr", *["td"] * 6]
    assert page.text == [
        "correctness: Arousal is predicted, valence is not.",
        "finding", "value", "95 % interval", "limit", "verdict", "reason",
        "ccc of joy", "−0.100", "[−0.200, 0.000]", "> −0.5", "pass",
    ]  # fmt: skip


def test_a_notebook_shows_results_with_their_verdicts_and_answers():
    page = Tags(BOTH._repr_html_())
    assert page.text == [
        "Results of 2 audits",
        "audit", "pass", "fail", "inconclusive", "skipped", "answer",
        "correctness", "1", "1", "1", "1", "Arousal is predicted, valence is not.",
        "fairness", "0", "0", "0", "0", "Arousal is predicted, valence is not.",
    ]  # fmt: skip


@pytest.mark.parametrize("text", [HOSTILE, "</td></table><script>", '"><img src=x onerror=y>', "&lt;"])
def test_hostile_text_stays_text_in_a_notebook(text):
    result, tame = hostile_result(text), hostile_result("tame")
    for hostile, plain in ((result, tame), (Results([result]), Results([tame]))):
        page, wanted = hostile._repr_html_(), plain._repr_html_()
        assert Tags(page).tags == Tags(wanted).tags
        assert "\x1b" not in page
        assert "\u202e" not in page


def test_a_column_of_yes_and_no_is_boolean():
    frame = Table(name="t", title="", columns=["b"], rows=[[True], [None], [False]]).to_pandas()
    assert str(frame["b"].dtype) == "boolean"


def test_joined_results_keep_what_the_models_answered():
    table = pd.DataFrame([["a", "s", "arousal", "0.5", "0.4"]], columns=list(answers.COLUMNS))
    given = answers.Answers(table)
    told = BOTH["correctness"].model_copy(update={"provenance": {answers.PROVENANCE: given.digest}})
    both = joined([Results([told], {given.digest: given}), [BOTH["fairness"]]])
    assert [result.audit for result in both] == ["correctness", "fairness"]
    assert both.answers_of(told) is given
    assert both.answers_of(BOTH["fairness"]) is None
