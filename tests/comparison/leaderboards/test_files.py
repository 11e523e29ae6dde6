"""`sertools leaderboard`: from result files below a folder to a site and its feed."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sertools.auditing.audit import load
from sertools.cli.app import app
from sertools.comparison.leaderboards import pages, sources
from sertools.comparison.leaderboards.feed import Feed
from sertools.comparison.leaderboards.files import read_entries, write_leaderboard
from sertools.comparison.leaderboards.leaderboard import board
from sertools.errors import GateError
from sertools.pipeline.provenance import answers as answered
from sertools.report.pages import script_hash
from sertools.results.answers import PROVENANCE
from tests.helpers.audits import run
from tests.helpers.comparisons import WITHOUT, ccc, kept, result
from tests.helpers.report_results import HOSTILE
from tests.helpers.unanswered import answers, middling, silent_about


def write(path: Path, each) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(each.to_json())
    return path


def model(name, value, *, print_="1", date="2026-01-01", **more):
    made = result([ccc(value, value - 0.05, value + 0.05)], left_out=[kept(WITHOUT["b"])], model=name, **more)
    told = made.provenance | {"model_fingerprint": print_, "date": date}
    return made.model_copy(update={"provenance": told})


@pytest.fixture
def folder(tmp_path) -> Path:
    write(tmp_path / "in" / "one" / "correctness.json", model("one", 0.5))
    write(tmp_path / "in" / "deep" / "down" / "correctness.json", model("two", 0.8))
    return tmp_path / "in"


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"#]+)', page)


def test_the_site_holds_a_table_a_page_for_each_model_and_the_feed(folder, tmp_path):
    site = tmp_path / "site"
    written = write_leaderboard(folder, site)
    found = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert {file for file in found if not file.startswith(".kept/")} == {
        "index.html", "models/one.html", "models/two.html", "feed.json", "feed.schema.json"
    }  # fmt: skip
    assert written.notes == []
    index = (site / "index.html").read_text()
    assert "2 models on 1 corpus" in index
    assert index.index(">two<") < index.index(">one<"), "the best stands first"
    assert "[0.750, 0.850]" in index
    page = (site / "models" / "two.html").read_text()
    assert "Place 1 of 2 by the CCC of arousal, 0.800." in page


def test_every_link_of_the_site_leads_somewhere_within_it(folder, tmp_path):
    site = tmp_path / "site"
    write_leaderboard(folder, site)
    for path in site.rglob("*.html"):
        for link in links(path.read_text()):
            assert (path.parent / link).is_file(), link


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts.append(data)


def test_pages_load_nothing_and_run_only_the_script_that_their_policy_names(folder, tmp_path):
    site = tmp_path / "site"
    write_leaderboard(folder, site)
    for path in site.rglob("*.html"):
        elements = Elements(path.read_text())
        assert not {tag for tag, _ in elements.found} & {"img", "iframe", "object", "embed", "base"}
        assert not any({"src", "srcset", "onclick"} & set(attributes) for _, attributes in elements.found)
        policy = next(a["content"] for tag, a in elements.found if a.get("http-equiv"))
        script = "".join(elements.scripts)
        assert f"script-src '{script_hash(script)}';" in policy
        assert "default-src 'none'" in policy


def test_the_feed_says_what_the_files_say_and_fits_its_schema(folder, tmp_path):
    write_leaderboard(folder, tmp_path / "site")
    feed = Feed.model_validate_json((tmp_path / "site" / "feed.json").read_text())
    (group,) = feed.groups
    assert (group.corpus, group.labels, group.order_by) == ("voices", "dimensions", "CCC of arousal")
    assert [(m.model, m.place, m.page, m.check) for m in group.models] == [
        ("two", 1, "models/two.html", False),
        ("one", 2, "models/one.html", False),
    ]
    (score,) = group.models[0].scores
    assert (score.name, score.value, score.low, score.high, score.n, score.speakers, score.rank) == (
        "ccc", 0.8, 0.75, 0.8500000000000001, 50, 5, 1
    )  # fmt: skip
    assert group.models[0].verdicts_by_audit["correctness"]["pass"] == 0
    schema = json.loads((tmp_path / "site" / "feed.schema.json").read_text())
    assert set(json.loads((tmp_path / "site" / "feed.json").read_text())) == set(schema["properties"])
    described = schema["$defs"]["Model"]["properties"]
    assert set(described) == set(group.models[0].model_dump())


def test_the_same_results_give_the_same_bytes(folder, tmp_path):
    for name in ("a", "b"):
        write_leaderboard(folder, tmp_path / name)
    for path in (path for path in (tmp_path / "a").rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_what_is_no_result_is_left_out_and_named(folder):
    (folder / "package.json").write_text("{}")
    write(folder / "cmp" / "compare.json", result(audit="compare"))
    found = read_entries(folder)
    assert [entry.model for entry in found.entries] == ["one", "two"]
    (note,) = found.notes
    assert note.startswith("package.json is left out: is not a result file of this sertools version")


def test_pipes_and_links_to_nothing_are_left_out_and_named(folder):
    os.mkfifo(folder / "pipe.json")
    (folder / "link.json").symlink_to("nowhere.json")
    notes = read_entries(folder).notes
    assert notes == ["link.json is left out: it is not a file", "pipe.json is left out: it is not a file"]


def test_what_an_audit_writes_beside_its_results_is_no_news(folder):
    (folder / "one" / "report.json").write_text("{}")
    (folder / "one" / "sounds").mkdir()
    (folder / "one" / "sounds" / "index.json").write_text("{}")
    assert read_entries(folder).notes == []


def test_of_two_runs_of_one_model_the_later_counts(folder):
    write(folder / "one again" / "correctness.json", model("one", 0.6, date="2026-02-01"))
    write(folder / "a first" / "correctness.json", model("one", 0.4, date="2025-02-01"))
    found = read_entries(folder)
    (entry,) = [e for e in found.entries if e.model == "one"]
    assert entry.run.results["correctness"].findings[0].value == 0.6
    assert found.notes == [
        "a first/correctness.json is left out: one/correctness.json is the same audit of one, made later",
        "one/correctness.json is left out: one again/correctness.json is the same audit of one, made later",
    ]


def test_models_and_corpora_that_only_share_a_name_are_told_apart(folder):
    write(folder / "other" / "correctness.json", model("one", 0.6, print_="2222222222ff"))
    write(folder / "sound" / "correctness.json", model("three", 0.6, sound="xyz"))
    found = read_entries(folder)
    assert [(e.model, e.corpus) for e in found.entries] == [
        ("one (1)", "voices (abc)"),
        ("one (2222222222)", "voices (abc)"),
        ("three", "voices (xyz)"),
        ("two", "voices (abc)"),
    ]


def test_sound_that_was_not_opened_is_a_corpus_by_its_name(folder):
    write(folder / "table" / "correctness.json", model("three", 0.6, sound="the sound was not opened"))
    assert {e.corpus for e in read_entries(folder).entries} == {"voices"}


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_results_is_one_sentence(tmp_path, make):
    if make:
        (tmp_path / "none").mkdir()
    with pytest.raises(GateError, match="no results below" if make else "no folder"):
        read_entries(tmp_path / "none")


def test_a_site_within_the_folder_can_be_made_anew(folder):
    first = write_leaderboard(folder, folder / "site")
    again = write_leaderboard(folder, folder / "site")
    assert again.rankings == first.rankings
    assert again.notes == []


def test_hostile_names_are_shown_literally(tmp_path):
    write(tmp_path / "in" / "x" / "correctness.json", model(HOSTILE, 0.5, corpus=HOSTILE))
    write(tmp_path / "in" / "y" / "correctness.json", model('"><img src=x>', 0.8, corpus=HOSTILE))
    write_leaderboard(tmp_path / "in", tmp_path / "site")
    for path in (tmp_path / "site").rglob("*.html"):
        page = path.read_text()
        assert page.count("<script>") == 1
        assert "<img" not in page
        assert "&lt;" in page


def test_the_command_shows_the_ranking_and_says_what_it_left_out(folder, tmp_path):
    (folder / "broken.json").write_text("{")
    done = CliRunner().invoke(app, ["leaderboard", str(folder), "--out", str(tmp_path / "site")])
    assert done.exit_code == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert [line[:3] for line in lines[2:]] == [["1", "two", "0.8"], ["2", "one", "0.5"]]
    assert "two has the highest CCC of arousal, 0.800, and is better beyond chance" in done.stderr
    assert "Warning: broken.json is left out" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("Site: ")


def test_quiet_only_warns(folder, tmp_path):
    (folder / "broken.json").write_text("{")
    words = ["leaderboard", str(folder), "--out", str(tmp_path / "site"), "--quiet"]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.stdout) == (0, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Warning: broken.json is left out")


def test_json_is_the_feed(folder, tmp_path):
    words = ["leaderboard", str(folder), "--out", str(tmp_path / "site"), "--format", "json"]
    done = CliRunner().invoke(app, words)
    assert done.stdout == (tmp_path / "site" / "feed.json").read_text()


def test_the_command_names_five_models_and_counts_the_rest(tmp_path):
    for i in range(12):
        write(tmp_path / "in" / str(i) / "correctness.json", model(f"m{i:02d}", 0.5 + i / 100))
    done = CliRunner().invoke(app, ["leaderboard", str(tmp_path / "in"), "--out", str(tmp_path / "site")])
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()][2:]
    assert [row[1] for row in rows] == ["m11", "m10", "m09", "m08", "m07"]
    assert "… and 7 more models; the site lists all." in done.stderr


def silent_models(folder: Path) -> None:
    """Two models with the same answers, but the second leaves out 4 % of the clips, which it gets wrong."""
    first = middling()
    wrong = np.flatnonzero([t != p for t, p in answers(first)])
    silent = np.isin(np.arange(240), wrong[:9])
    for name, tables in (("all", first), ("chosen", silent_about(first, silent))):
        known = answered(tables)
        told = {"corpus_fingerprint": "abc", "model_fingerprint": name, PROVENANCE: known.digest}
        each = run(
            load("correctness"), tables, seed=0, model={"name": name}, data={"name": "toy"}, provenance=told
        )
        write(folder / name / "correctness.json", each)
        known.write(folder / name)


def test_models_in_files_meet_on_the_clips_that_both_answered(tmp_path):
    silent_models(tmp_path)
    found = read_entries(tmp_path)
    assert found.notes == []
    for group in board(found.entries):
        assert [str(standing.places) for standing in group.standings] == ["1–2", "1–2"], group.order_by
        assert "compared on the 231 clips that both answered" in group.summary


def test_answers_that_cannot_be_read_are_a_note(tmp_path):
    silent_models(tmp_path)
    (tmp_path / "chosen" / "answers.parquet").write_text("no parquet")
    found = read_entries(tmp_path)
    assert len(found.entries) == 2
    assert any("answers.parquet" in note for note in found.notes)


def dated(path: Path) -> int:
    return path.stat().st_mtime_ns


def test_only_what_has_changed_is_written_again(folder, tmp_path):
    for name, value in (("one", 0.4), ("two", 0.3)):
        write(folder / "more" / name / "correctness.json", model(name, value, corpus="emodb", sound="def"))
    write(folder / "third" / "correctness.json", model("three", 0.4))
    site = tmp_path / "site"
    first = write_leaderboard(folder, site)
    assert (first.computed, first.pages) == (["emodb", "voices"], 4)
    assert write_leaderboard(folder, site).computed == []
    before = {path: dated(path) for path in (site / "models").iterdir()}
    write(folder / "more" / "one" / "correctness.json", model("one", 0.2, corpus="emodb", sound="def"))
    again = write_leaderboard(folder, site)
    assert again.computed == ["emodb"]
    assert {path.name for path in before if dated(path) != before[path]} == {"one.html", "two.html"}
    write_leaderboard(folder, tmp_path / "anew")
    for path in (path for path in (tmp_path / "anew").rglob("*") if path.suffix in {".html", ".json"}):
        assert path.read_bytes() == (site / path.relative_to(tmp_path / "anew")).read_bytes(), path


def test_what_was_kept_and_has_been_damaged_is_made_again(folder, tmp_path):
    site = tmp_path / "site"
    write_leaderboard(folder, site)
    page = (site / "index.html").read_bytes()
    for path in (site / ".kept").iterdir():
        path.write_bytes(path.read_bytes()[:-9] + b"xxxxxxxxx")
    (site / "models" / "one.html").unlink()
    assert write_leaderboard(folder, site).computed == ["voices"]
    assert (site / "index.html").read_bytes() == page
    assert (site / "models" / "one.html").is_file()


def test_many_models_have_a_page_for_each_corpus_and_a_list_to_search(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "WHOLE", 3)
    monkeypatch.setattr(pages, "FIRST", 2)
    for i in range(4):
        write(folder / f"m{i}" / "correctness.json", model(f"m{i}", 0.6 + i / 100))
    site = tmp_path / "site"
    write_leaderboard(folder, site)
    index = (site / "index.html").read_text()
    whole = (site / "corpora" / "voices.html").read_text()
    assert "All 6 models on" in index
    assert [index.count(f'href="models/m{i}.html"') for i in range(4)] == [1, 1, 1, 2]  # all are in the list
    assert all(whole.count(f'href="../models/m{i}.html"') == 1 for i in range(4))
    for path in site.rglob("*.html"):
        for link in links(path.read_text()):
            assert (path.parent / link).is_file(), (path, link)


def test_many_pages_are_written_by_several_processes(folder, tmp_path, monkeypatch):
    write_leaderboard(folder, tmp_path / "alone")
    monkeypatch.setattr(sources, "MANY_FILES", 1)
    written = write_leaderboard(folder, tmp_path / "site")
    assert written.pages == 3
    for path in (tmp_path / "alone" / "models").iterdir():
        assert path.read_bytes() == (tmp_path / "site" / "models" / path.name).read_bytes()
