"""A comparison and a leaderboard in a real browser."""

from pathlib import Path

import pytest

from sertools.comparison.compare import compare
from sertools.comparison.leaderboards.files import write_leaderboard
from sertools.comparison.write import write_comparison
from tests.helpers.comparisons import WITHOUT, X, Y, ccc, kept, result, speaker_scores
from tests.helpers.pages import column, unfold
from tests.helpers.report_results import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def audited(model, value, corpus="voices") -> list:
    """Three scores and the scores by speaker of a model."""
    found = [ccc(value + k / 10, value + k / 10 - 0.05, value + k / 10 + 0.05, target=target)
             for k, target in enumerate(("arousal", "dominance", "valence"))]  # fmt: skip
    left = [kept([w + value + k for w in WITHOUT["a"]]).model_copy(update={"target": target})
            for k, target in enumerate(("arousal", "valence"))]  # fmt: skip
    scores = speaker_scores(X if value > 0.5 else Y, model=model, corpus=corpus)
    return [result(found, left_out=left, model=model, corpus=corpus), scores]


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("compare")
    write_comparison(compare([("old", audited("old", 0.3)), (HOSTILE, audited("new", 0.6))]), folder)
    return (folder / "compare.html").as_uri()


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    for i in range(14):
        for corpus in ("voices", "emodb")[: 1 + i % 2]:
            place = folder / "in" / f"{i}-{corpus}"
            place.mkdir(parents=True)
            name = HOSTILE if i == 3 else f"model {i}"
            for each in audited(name, 0.01 * i, corpus)[: 1 + (corpus == "emodb")]:
                (place / f"{each.audit}.json").write_text(each.to_json())
    write_leaderboard(folder / "in", folder / "site")
    return folder / "site"


def test_a_comparison_can_be_sorted(opened, comparison):
    page = opened(comparison)
    table = page.locator("table", has_text="Ranks (from paired differences, Holm)")
    assert table.locator("tbody tr").count() >= 1
    button = page.locator("table").first.get_by_role("button", name="Value")
    button.click()
    numbers = [float(cell.replace("−", "-")) for cell in column(page.locator("table").first, 2)]
    assert numbers == sorted(numbers)


def test_a_leaderboard_is_filtered_by_corpus_and_by_audit(opened, site):
    page = opened((site / "index.html").as_uri())
    sections = page.locator("section[data-corpus]")
    assert sections.count() == 2
    page.get_by_label("Corpus").select_option("emodb")
    assert [s.is_visible() for s in sections.all()] == [True, False]
    page.get_by_label("Corpus").select_option("")
    assert [s.is_visible() for s in sections.all()] == [True, True]
    before = page.locator("th[data-audit]:visible").count()
    page.get_by_label("Audit").select_option("correctness")
    assert page.locator("th[data-audit]:visible").count() <= before
    assert set(page.locator("th:visible").evaluate_all("all => all.map(e => e.dataset.audit ?? '')")) == {
        "", "correctness"
    }  # fmt: skip


def test_a_leaderboard_sorts_by_whole_numbers(opened, site):
    page = opened((site / "index.html").as_uri())
    table = page.locator("section", has_text="voices: dimensions").locator("table").first
    heads = table.locator("thead th").all_inner_texts()
    place = next(i for i, head in enumerate(heads) if head.startswith("valence, CCC"))
    table.get_by_role("button", name="valence, CCC").click()
    shown = [float(cell) for cell in column(table, place)]
    assert len(shown) == 14
    assert shown == sorted(shown)
    cell = table.locator("tbody tr").first.locator("td, th").nth(place)
    assert float(cell.get_attribute("data-value")) == pytest.approx(0.2)


def test_a_model_page_leads_back(opened, site):
    page = opened((site / "index.html").as_uri())
    page.get_by_role("link", name="model 13").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "model 13"
    page.get_by_role("link", name="Leaderboard").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Leaderboard"


def pages(site: Path, comparison: str) -> list[str]:
    return [comparison, (site / "index.html").as_uri(), (site / "models" / "model-0.html").as_uri()]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_scrolls_sideways_or_has_a_serious_fault(opened, site, comparison, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    for address in pages(site, comparison):
        page = opened(address, width, scheme)
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        found = Axe().run(page).response["violations"]
        faults = [(each["id"], each["impact"], each["nodes"][0]["html"][:200]) for each in found]
        assert [fault for fault in faults if fault[1] in {"serious", "critical"}] == [], address
