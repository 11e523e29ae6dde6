"""One finding has the same label and the same numbers in every output."""

import io
import re
from contextlib import redirect_stdout
from xml.etree import ElementTree

import pytest

from sertools.cli import console
from sertools.comparison.compare import compare
from sertools.comparison.leaderboards import pages, terminal
from sertools.comparison.leaderboards.leaderboard import Entry, board
from sertools.comparison.runs import run_of
from sertools.comparison.write import short
from sertools.report import content, markdown
from sertools.report.formats import ci, export, model_card
from sertools.report.render import html
from sertools.results.collection import Results
from sertools.results.keys import FindingKey
from sertools.results.result import Finding, LeftOut, Limit, Result
from sertools.results.terms.names import finding_words
from tests.helpers.report_results import small_result

LIMIT = Limit(name="ccc", above=0.75, source="a paper")
FINDING = Finding(
    name="ccc", target="arousal", value=0.5, low=-0.0254, high=0.61237, n=50, speakers=5, limit=LIMIT,
    verdict="fail",
)  # fmt: skip
WORDS = "arousal, CCC"
"""The same finding in sentences and tables for people, which no other program reads."""

LABEL, VALUE, INTERVAL = "ccc of arousal", "0.500", "[−0.025, 0.612]"

WITHOUT = LeftOut(
    name="ccc", target="arousal", values=dict(zip("vwxyz", [0.4, 0.5, 0.6, 0.5, 0.5], strict=True))
)


def audited(model: str = "m") -> Result:
    return small_result(findings=[FINDING], left_out=[WITHOUT], tables=[], model={"name": model})


def groups():
    entries = [Entry(model=name, corpus="voices", run=run_of(name, [audited(name)])) for name in ("m", "o")]
    return entries, board(entries)


def printed(**options) -> str:
    text = io.StringIO()
    with redirect_stdout(text):
        console.show_summary([audited()], **options)
    return text.getvalue()


def leaderboard_page() -> str:
    entries, ranked = groups()
    names = pages.names([entry.model for entry in entries])
    return "".join(pages.section(group, names) for group in ranked)


def model_page() -> str:
    entries, ranked = groups()
    stands = [
        pages.stand(group, each) for group in ranked for each in group.standings if each.entry.model == "m"
    ]
    return pages.model_page("m", stands, entries[:1])


def joined(table) -> str:
    columns, rows = table
    return "\n".join([" | ".join(columns), *(" | ".join(map(str, row)) for row in rows)])


RENDERED = {
    "summary in a terminal": printed,
    "findings in a terminal": lambda: printed(verbose=True).replace("\n", " "),
    "HTML report": lambda: html([audited()], {(0, 0): ""}),
    "Markdown report": lambda: markdown.page([audited()], {(0, 0): "f.svg"}),
    "sentence of a failure": lambda: content.against_limit(FINDING),
    "JUnit": lambda: "".join(
        f"{case.get('name')} {case[0].get('message')}"
        for case in ElementTree.fromstring(ci.junit([audited()])).iter("testcase")
    ),
    "GitHub annotation": lambda: "".join(ci.annotations([audited()])),
    "GitHub summary": lambda: ci.step_summary([audited()]),
    "model card": lambda: model_card.section([audited()]),
    "leaderboard page": leaderboard_page,
    "page of a model": model_page,
    "notebook": lambda: audited()._repr_html_(),
}


IN_WORDS = {"summary in a terminal", "HTML report", "Markdown report", "leaderboard page", "page of a model"}


@pytest.mark.parametrize("name", RENDERED)
def test_every_output_shows_the_same_label_value_and_interval(name):
    shown = re.sub(r"</?abbr[^>]*>", "", RENDERED[name]()).replace("\\[", "[").replace("\\]", "]")
    label = WORDS if name in IN_WORDS else LABEL
    for text in (label, VALUE, INTERVAL):
        assert text in shown


def test_tables_without_intervals_show_the_same_label_and_value():
    comparison = joined(short(compare([("m", [audited()]), ("o", [audited("o")])])))
    assert LABEL in comparison
    assert VALUE in comparison


def test_a_ranking_shows_the_measure_that_decides_once():
    _, ranked = groups()
    assert terminal.short(ranked[0])[0] == ["place", "model", "CCC of arousal"]


def test_the_model_index_has_the_label_and_the_interval_and_the_unrounded_value():
    (entry,) = model_card.evaluations([audited()])
    assert entry.metric_name.startswith(f"{LABEL} (95 % interval {INTERVAL},")
    assert entry.metric_value == FINDING.value


def test_latex_shows_the_same_numbers_in_its_own_notation():
    (page,) = export.latex([audited()]).values()
    assert f"ccc & arousal & all & {VALUE} & {export.escaped(INTERVAL)} &" in page


def test_figures_of_a_comparison_name_their_axes_as_the_pages_name_findings():
    found = compare([("m", [audited()]), ("o", [audited("o")])])
    words = f"Correctness: {finding_words(FINDING.key)}"
    assert [figure.series[0].x for figure in found.figures] == [[words]]


def test_findings_and_values_without_each_speaker_have_the_same_key():
    assert FINDING.key == WITHOUT.key == FindingKey("ccc", "arousal")
    assert FINDING.key.label == FINDING.label == LABEL


def test_several_results_have_one_answer_each_in_a_notebook():
    assert "Arousal is predicted, valence is not." in Results([audited(), audited("o")])._repr_html_()
