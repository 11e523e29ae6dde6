"""The report in a real browser: Debian's Chromium, driven by Playwright."""

from pathlib import Path

import numpy as np
import pytest

from sertools.audio.files import flac
from sertools.audio.spectrogram import picture
from sertools.report.render import render
from sertools.results.audio_clips import Index, Recording
from sertools.results.result import Finding, Limit, Sound, Table, Verdict
from tests.helpers.pages import column, unfold
from tests.helpers.report_results import HOSTILE, KINDS, figure, hostile_result, small_result

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RATE = 16000


def keep(folder: Path, clip: str, condition: str, audit: str) -> list[Recording]:
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for i, name in enumerate(["clean", condition]):
        signal = (0.3 * np.sin(2 * np.pi * (300 + 500 * i) * np.arange(2 * RATE) / RATE)).astype(np.float32)
        (folder / f"tone-{i}.flac").write_bytes(flac(signal, RATE))
        (folder / f"tone-{i}.png").write_bytes(picture(signal, RATE))
        kept.append(
            Recording(audit=audit, clip=clip, condition=name, audio=f"tone-{i}.flac",
                      picture=f"tone-{i}.png", seconds=2, rate=RATE)
        )  # fmt: skip
    return kept


def scores() -> Table:
    rows = [[f"speaker {i}", (i * 7 % 30) / 30 if i % 5 else None, i % 2 == 0] for i in range(30)]
    return Table(name="scores", title="Scores of speakers", columns=["speaker", "score", "judged"], rows=rows)


def large_audit(i: int):
    limit = Limit(name="ccc", above=0.5, source="Wagner 2023, https://example.org/a")
    findings = [
        Finding(name="ccc", target=f"t{k}", value=k / 15, low=k / 15 - 0.1, high=k / 15 + 0.1, n=9,
                speakers=5, limit=limit, verdict=list(Verdict)[k % 3], reason="told" if k % 3 == 2 else "")
        for k in range(15)
    ]  # fmt: skip
    figures = [figure(KINDS[(i + k) % len(KINDS)]) for k in range(3)]
    sounds = [
        Sound(clip="a", condition="gain@drawn", target="arousal", truth=0.5, clean=0.25, changed=0.75,
              caption="arousal goes up.", speaker="s1", transcript="hello")
    ]  # fmt: skip
    return small_result(
        audit=f"audit_{i // 3:02d}", findings=findings, tables=[scores()], figures=figures, sounds=sounds
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """Six audits with many findings, all kinds of figures, and sounds."""
    return write(tmp_path_factory.mktemp("report"), 6)


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> str:
    """Three of them, which have all kinds of figures."""
    return write(tmp_path_factory.mktemp("short"), 3)


def write(folder: Path, n: int) -> str:
    results = [large_audit(3 * i) for i in range(n)]
    takes = [take for r in results for take in keep(folder / "sounds", "a", "gain@drawn", r.audit)]
    (folder / "sounds" / "index.json").write_text(Index(recordings=takes).model_dump_json(by_alias=True))
    render(results, folder)
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> str:
    """Names, transcripts and all else that data can hold, at their worst."""
    folder = tmp_path_factory.mktemp("hostile")
    long = "x" * 10_000
    sounds = [
        Sound(clip=HOSTILE, condition="gain@drawn", target=HOSTILE, truth=HOSTILE, caption=HOSTILE,
              speaker=HOSTILE, transcript=text)
        for text in (HOSTILE,)
    ]  # fmt: skip
    results = [
        hostile_result().model_copy(update={"sounds": sounds}),
        hostile_result(long).model_copy(update={"audit": "long"}),
    ]
    takes = keep(folder / "sounds", HOSTILE, "gain@drawn", "hostile")
    (folder / "sounds" / "index.json").write_text(Index(recordings=takes).model_dump_json(by_alias=True))
    render(results, folder)
    return (folder / "report.html").as_uri()


def counted(browser, address: str) -> dict[str, float]:
    """What Chromium counts while it opens a page: nodes, layouts, and the like."""
    page = browser.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(address)
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    found["cells"] = page.locator(".cell").count()
    found["cards"] = page.locator("section.card[id^=audit]").count()
    found["bytes"] = len(page.content())
    page.close()
    return found


def test_the_work_to_open_a_page_grows_only_as_its_content(browser, report, short):
    six, three = counted(browser, report), counted(browser, short)
    assert (six["cards"], three["cards"]) == (6, 3)
    for name in ("Nodes", "JSEventListeners", "bytes"):
        assert 0 < six[name] <= 2 * three[name], name
    # a script that changes and measures cells in turn would cause a layout for each of them; a busy machine
    # lays the page out several times while it arrives
    assert six["cells"] > 500
    assert 0 < six["LayoutCount"] <= 100
    assert 0 < six["RecalcStyleCount"] <= 100


def test_a_click_on_a_header_sorts_and_numbers_that_are_absent_come_last(opened, short):
    page = opened(short)
    unfold(page)
    table = page.locator("table", has_text="Scores of speakers").first
    original = column(table, 0)
    button = table.get_by_role("button", name="score")
    head = button.locator("xpath=..")
    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    shown = column(table, 1)
    numbers = [float(cell) for cell in shown if cell != "–"]
    assert shown[-6:] == ["–"] * 6
    assert numbers == sorted(numbers)
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    shown = column(table, 1)
    assert shown[-6:] == ["–"] * 6
    assert shown[:24] == sorted(shown[:24], reverse=True)
    button.click()
    assert head.get_attribute("aria-sort") is None
    assert column(table, 0) == original


def test_sorting_is_by_the_whole_number_not_by_what_is_shown(browser, tmp_path):
    rows = [["a", 0.50004], ["b", 0.50001], ["c", 0.50003], ["d", -2.0], ["e", 11.0]]
    table = Table(name="t", title="Close", columns=["name", "value"], rows=rows)
    render([small_result(tables=[table], figures=[])], tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    unfold(page)
    close = page.locator("table", has_text="Close")
    close.get_by_role("button", name="value").click()
    assert column(close, 0) == ["d", "b", "c", "a", "e"]
    page.close()


def test_verdicts_sort_by_urgency_and_the_keyboard_can_do_it(opened, short):
    page = opened(short)
    unfold(page)
    table = page.locator("#audit-audit_00 table").first
    table.get_by_role("button", name="Verdict").focus()
    page.keyboard.press("Enter")
    order = [verdict.split()[-1] for verdict in column(table, 4)]
    assert order == sorted(order, key=["fail", "inconclusive", "pass"].index)
    assert page.locator("p[role=status]").inner_text() == "sorted by Verdict, ascending"


def test_a_long_table_can_be_filtered_and_says_how_many_rows_are_left(opened, short):
    page = opened(short)
    unfold(page)
    table = page.locator("table", has_text="Scores of speakers").first
    line = page.locator("#audit-audit_00 .filter").last
    box = line.get_by_role("searchbox", name="Filter rows")
    box.fill("17 SPEAKER")
    assert column(table, 0) == ["speaker 17"]
    assert line.get_by_role("status").inner_text() == "1 of 30 rows"
    box.fill("yes")
    assert column(table, 2) == ["yes"] * 15
    box.fill("")
    assert len(column(table, 0)) == 30
    assert line.get_by_role("status").inner_text() == ""


def test_without_the_script_everything_is_shown(browser, short):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(short)
    assert page.locator("th button, input").count() == 0
    assert page.locator("table", has_text="Scores of speakers").first.locator("tbody tr").count() == 30
    context.close()


def test_clips_play(opened, short):
    page = opened(short)
    unfold(page)
    player = page.locator("audio").nth(1)
    player.focus()
    page.keyboard.press("Space")
    for _ in range(100):  # the page's policy forbids to wait by a script
        if player.evaluate("a => a.currentTime") > 0.2:
            break
        page.wait_for_timeout(100)
    assert player.evaluate("a => a.currentTime") > 0.2
    assert player.evaluate("a => a.error") is None
    assert player.evaluate("a => a.duration") == pytest.approx(2, abs=0.01)


def test_pictures_of_clips_are_there(opened, short):
    page = opened(short)
    unfold(page)
    assert page.locator("img").count() == 6
    assert page.locator("img").evaluate_all("all => all.every(i => i.complete && i.naturalWidth === 480)")


def test_dark_and_light_differ_and_both_can_be_read(opened, short):
    seen = {}
    for scheme in ("light", "dark"):
        page = opened(short, scheme=scheme)
        style = "getComputedStyle(document.body)"
        seen[scheme] = page.evaluate(f"[{style}.color, {style}.backgroundColor]")
    assert seen["light"][0] != seen["dark"][0]
    light, dark = (sum(map(int, seen[s][1].removeprefix("rgb(").rstrip(")").split(","))) for s in seen)
    assert light > 600
    assert dark < 120


@pytest.mark.parametrize("which", ["short", "hostile"])
def test_no_column_is_cut_off_on_paper(opened, request, which):
    page = opened(request.getfixturevalue(which), 720)  # A4 at 96 pixels an inch, between margins of 1 cm
    page.emulate_media(media="print")
    unfold(page)
    wide = "all => all.filter(t => t.getBoundingClientRect().right > 721).length"
    assert page.locator("table").evaluate_all(wide) == 0


def test_print_shows_what_is_folded_and_no_controls(opened, short):
    page = opened(short, scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".filter:visible, audio:visible").all()
    folded = page.locator("#audit-audit_00 details:not([open]) p").first
    assert folded.evaluate("e => e.getBoundingClientRect().height") > 0
    assert len(page.pdf()) > 10_000


@pytest.mark.parametrize("which", ["short", "hostile"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(opened, request, which, width):
    page = opened(request.getfixturevalue(which), width)
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_text_is_shown_literally_and_does_nothing(opened, hostile):
    page = opened(hostile)
    unfold(page)
    shown = page.locator("#audit-hostile").inner_text()
    assert shown.count("<script>alert('x')</script> & \"q\" | `tick` [l](javascript:1)") > 5
    assert "🎉" in shown
    assert "עברית" in shown
    assert page.locator("script").count() == 1
    assert page.locator("#audit-hostile audio").count() == 2


@pytest.mark.parametrize(
    ("which", "width", "scheme"), [("short", 1280, "light"), ("short", 390, "dark"), ("hostile", 390, "dark")]
)
def test_axe_finds_no_serious_fault(opened, request, which, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(request.getfixturevalue(which), width, scheme)
    unfold(page)
    found = Axe().run(page).response["violations"]
    faults = [
        (each["id"], each["impact"], len(each["nodes"]), each["nodes"][0]["html"][:200]) for each in found
    ]
    assert [fault for fault in faults if fault[1] in {"serious", "critical"}] == []
