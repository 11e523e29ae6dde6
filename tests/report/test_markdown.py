import re
from pathlib import Path

import pytest

from sertools.report import markdown
from tests.helpers.report_results import HOSTILE, hostile_result, small_result

SMALL = Path(__file__).parent / "small.md"


def test_a_small_result_reads_so():
    page = markdown.page([small_result()], {(0, 0): "figures/correctness-1.svg"})
    assert page == SMALL.read_text(encoding="utf-8")


def test_simulated_labels_are_told_before_any_number():
    page = markdown.page([small_result(data={"simulated": "Labels follow a rule."}, figures=[])], {})
    assert page.index("**About the labels:** Labels follow a rule.") < page.index("| Question |")


def tokens(page: str):
    """What a reader for GitHub's dialect of Markdown sees."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)


@pytest.mark.parametrize(
    "text", [HOSTILE, "a|b\nc", "x" * 10_000, "# h", "1. one", "- item", "> q", "```", "===", "|---|"]
)
def test_hostile_text_changes_no_structure(text):
    hostile = hostile_result(text).model_copy(update={"figures": [], "method": ""})
    page = markdown.page([hostile], {})
    tame = markdown.page([hostile_result("tame").model_copy(update={"figures": [], "method": ""})], {})
    kinds = [t.type for t in tokens(page) if t.nesting]
    assert kinds == [t.type for t in tokens(tame) if t.nesting]
    inner = {child.type for t in tokens(page) for child in t.children or []}
    literal = {"text", "text_special", "softbreak", "html_inline", "code_inline"}
    assert inner <= literal | {"strong_open", "strong_close", "link_open", "link_close"}
    html = {c.content for t in tokens(page) for c in t.children or [] if c.type == "html_inline"}
    assert html <= {"<br>"}
    assert not [t for t in tokens(page) if t.type == "html_block"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>",
        "a|b",
        "*b* _i_ __s__ `c` ~~d~~",
        "$x$",
        "\\",
        "&amp;",
        "1. x",
        "[a](b)",
        "snake_case",
        "עברית 🎉",
    ],
)
def test_plain_text_reads_back_as_it_was(text):
    inline = tokens(markdown.plain(text))[1]
    assert "".join(child.content for child in inline.children) == text


def test_every_row_of_a_table_has_as_many_cells_as_its_header():
    page = markdown.page([hostile_result().model_copy(update={"figures": []})], {})
    width = 0
    for line in page.split("\n"):
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not cells or cells == (width or cells)
        width = cells


def test_an_empty_table_and_an_audit_without_findings_say_so():
    empty = small_result(
        findings=[], figures=[], tables=[{"name": "t", "title": "T", "columns": [], "rows": []}]
    )
    page = markdown.page([empty], {})
    assert "This audit has no findings." in page
    assert "### T\n\nno rows\n" in page


def test_a_passage_that_holds_a_fence_gets_a_longer_one():
    page = markdown.page([small_result(method="Text.\n\n    ```\n    x\n", figures=[])], {})
    assert "````text\n```\nx\n````" in page
