import base64
import hashlib
import importlib.metadata
import os
import re

import pytest

from sertools.errors import GateError
from sertools.report import figures
from sertools.report.kept import pages as kept_pages
from sertools.report.render import render
from sertools.results.result import Finding, Missing
from tests.helpers.pages import read
from tests.helpers.report_results import HOSTILE, KINDS, figure, hostile_result, small_result

VOID = {"meta", "br", "hr", "img", "link", "input", "path", "use", "rect"}


def all_kinds():
    return small_result(figures=[figure(kind) for kind in KINDS])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A report with every kind of figure and hostile text."""
    folder = tmp_path_factory.mktemp("rendered")
    render([all_kinds(), hostile_result()], folder)
    return folder


def test_both_pages_and_the_figures_are_written_and_nothing_else(tmp_path):
    written = render([all_kinds()], tmp_path / "new" / "folder")
    there = {path for path in (tmp_path / "new" / "folder").rglob("*") if path.is_file()}
    assert set(written) == there
    names = {path.name for path in written}
    figures = {f"correctness-{i + 1}.svg" for i in range(len(KINDS))}
    assert names == {"report.html", "report.md", "report.json"} | figures


def test_the_page_in_markdown_refers_to_figures_that_exist(tmp_path):
    render([all_kinds(), small_result(audit="fair ness")], tmp_path)
    files = re.findall(r"!\[.*\]\((.*)\)", (tmp_path / "report.md").read_text(encoding="utf-8"))
    assert len(files) == len(KINDS) + 1
    assert all((tmp_path / file).is_file() for file in files)


def test_the_same_results_give_the_same_bytes(tmp_path, rendered):
    figures.forget()
    render([all_kinds(), hostile_result()], tmp_path)
    for path in rendered.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(rendered)).read_bytes()


def test_the_page_needs_no_network_and_runs_no_script_but_its_own(rendered):
    page = read(rendered)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"link", "iframe", "object", "embed", "base", "form"}
    (script,) = re.findall(r"<script>(.*)</script>", (rendered / "report.html").read_text("utf-8"), re.DOTALL)
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a)
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{own}';" in policy
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "data", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        href = attributes.get("href") or "#"
        assert (
            href.startswith(("#", "https://", "http://")) if tag == "a" else href.startswith(("#", "data:"))
        )
    assert not re.search(r"@import|url\((?!#)", (rendered / "report.html").read_text(encoding="utf-8"))


def test_ids_are_unique_and_every_reference_within_the_page_arrives(tmp_path):
    render([all_kinds(), small_result(audit="fairness", figures=[figure("line")] * 2)], tmp_path)
    page = read(tmp_path)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        href = attributes.get("href") or ""
        wanted = [href[1:]] if href.startswith("#") else []
        wanted += (attributes.get("aria-labelledby") or "").split()
        assert set(wanted) <= set(ids)


def test_verdicts_come_before_details_and_in_words(tmp_path):
    render([small_result()], tmp_path)
    text = " ".join(read(tmp_path).text.split())
    order = [
        "How well does default serve voices?",
        "Limits are missed for default on voices under “Does the model agree with the labels?”.",
        "Does the model agree with the labels? ✗ fail Correctness: Arousal is predicted, valence is not.",
        "valence, CCC 0.100 [−0.100, 0.300]",
        "What the numbers leave out: 1 clip missing, most often because: too short.",
        "The answer Correctness Model and data Glossary How to reproduce this",
        "Correctness ✗ fail Does the model agree with the labels? Arousal is predicted, valence is not.",
        "A interval",
        "valence, CCC 0.100 [−0.100, 0.300] > 0.5 ✗ fail",
        "dominance, CCC 0.500 [0.400, 0.600] > 0.5 ? inconclusive",
        "1 more finding",
        "arousal, MAE mae 0.100 300",
        "What was skipped, and why no emotion in common (UAR)",
        "What could not be decided, and why the interval holds the limit (dominance, CCC)",
        "Missing clips 1 clip: too short (under clean)",
        "How this was measured Concordance, by ccc.",
        "Limits and their sources CCC > 0.5: Wagner 2023 (3 findings)",
        "CCC concordance correlation coefficient",
        "How to reproduce this sertools audit All audits seed 0 versions numpy 2.0",
    ]
    for words in order:
        before, found, text = text.partition(words)
        assert found, f"{words!r} does not follow {before!r}"


def test_simulated_labels_are_told_before_any_number(tmp_path):
    render([small_result(data={"simulated": "Labels follow a rule."})], tmp_path)
    text = read(tmp_path).text
    assert text.index("Labels follow a rule.") < text.index("0.100")


@pytest.mark.parametrize("hostile", [HOSTILE, "x" * 10_000, "</style></svg></table>", "{{ 7 * 7 }}{% raw %}"])
def test_hostile_text_is_shown_literally(tmp_path, hostile):
    render([hostile_result(hostile)], tmp_path)
    page = read(tmp_path)
    shown = hostile.replace("\x1b", "␛")
    assert page.text.count(shown) > 10
    assert "\x1b" not in page.text


def test_a_link_in_a_source_can_be_followed_and_only_there(tmp_path):
    render([small_result(notes=["See https://example.org/a?b=1&c=2, or javascript:alert(1)."])], tmp_path)
    links = [a["href"] for tag, a in read(tmp_path).elements if tag == "a" and not a["href"].startswith("#")]
    assert links == ["https://example.org/a?b=1&c=2"]


def test_empty_results_are_rendered(tmp_path):
    nothing = small_result(
        method="", answer="", model={}, data={}, options={}, findings=[], tables=[], figures=[], missing=[],
        notes=[], provenance={},
    )  # fmt: skip
    render([nothing], tmp_path)
    text = read(tmp_path).text
    assert "How well does an unnamed model serve unnamed data?" in text
    assert "This audit has no findings." in text
    assert "The results do not say how they were produced." in text


def test_twenty_missing_clips_are_named_and_the_rest_counted(tmp_path):
    missing = [Missing(clip=f"clip-{i:03d}", condition="clean", reason="broken") for i in range(50)]
    render([small_result(missing=missing)], tmp_path)
    text = read(tmp_path).text
    assert "clip-019" in text
    assert "clip-020" not in text
    assert "and 30 more" in text


def test_several_models_are_told_apart(tmp_path):
    render([small_result(), small_result(model={"name": "other"})], tmp_path)
    text = read(tmp_path).text
    assert "default on voices" in text
    assert "other on voices" in text


def test_an_undefined_value_is_no_zero(tmp_path):
    finding = Finding(name="ccc", value=None, n=0, verdict="skipped", reason="no clips")
    render([small_result(findings=[finding], tables=[], figures=[])], tmp_path)
    text = " ".join(read(tmp_path).text.split())
    assert "What was skipped, and why no clips (CCC)" in text
    assert "0.000" not in text


def test_no_result_is_an_error(tmp_path):
    with pytest.raises(GateError, match="there are no results to report"):
        render([], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(GateError, match=r"cannot write .*file.report\.html: a file is in its way"):
        render([small_result()], tmp_path / "file")


def test_a_page_that_cannot_be_replaced_stays_whole_and_leaves_no_rest(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(GateError):
        render([small_result()], tmp_path)
    assert os.listdir(tmp_path) == ["report.html"]


def test_the_first_screen_says_once_why_numbers_have_no_interval(tmp_path):
    why = "fewer than 5 speakers, and a reason that is long enough to need a line of its own"
    limit = {"name": "ccc", "above": 0.5}
    of = {"name": "ccc", "n": 9, "speakers": 4, "limit": limit, "verdict": "inconclusive", "reason": why}
    found = [Finding(target=target, value=0.6, **of) for target in ("arousal", "valence")]
    render([small_result(findings=found)], tmp_path)
    first = (tmp_path / "report.html").read_text(encoding="utf-8").partition("</header>")[0]
    assert first.count(f"Undecided: {why}.") == 1
    assert first.count(why) == 1


def test_maps_by_the_colour_of_points_are_chosen_from(tmp_path):
    maps = [figure("cloud", name=colour, choice=colour) for colour in ("emotion", "sex", "age")]
    render([small_result(figures=maps)], tmp_path)
    page = read(tmp_path)
    names = {a["name"] for tag, a in page.elements if tag == "input" and a.get("type") == "radio"}
    assert names == {"audit-correctness-colour"}
    assert "Choose the colour of the points" in (tmp_path / "report.html").read_text("utf-8")


def test_what_is_kept_of_pages_needs_no_library_of_an_extra(monkeypatch):
    version = importlib.metadata.version

    def without_words(name):
        if name == "wordcloud":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_words)
    kept_pages._code.cache_clear()
    assert kept_pages._code()
    kept_pages._code.cache_clear()
