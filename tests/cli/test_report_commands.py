"""Recordings and exports from the command line: `--audio`, and `sertools report --format`."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sertools.cli.app import app
from sertools.report.formats.export import Report
from sertools.results.read import read_results
from tests.helpers.small import write_noises


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def manifest(tmp_path) -> str:
    return str(write_noises(tmp_path / "c", 24))


def sertools(*words: str | Path):
    return CliRunner().invoke(app, [str(word) for word in words])


def audited(manifest: str, out: Path, *words: str):
    return sertools(
        "audit", "correctness", "--data", manifest, "--model", "toy:loudness", "--out", out, *words
    )


def recorded(out: Path) -> list[str]:
    index = out / "sounds" / "index.json"
    return [take["clip"] for take in json.loads(index.read_text())["recordings"]] if index.exists() else []


def test_an_audit_keeps_as_many_clips_as_asked_for_and_plays_them(tmp_path, manifest):
    assert audited(manifest, tmp_path, "--audio", "3").exit_code in {0, 1}
    named = [sound.clip for sound in read_results(tmp_path)[0].sounds]
    assert len(named) > 3
    assert recorded(tmp_path) == named[:3]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio ") == 3
    assert "contains voice recordings from" in page
    assert len(list((tmp_path / "sounds").glob("*.flac"))) == 3


def test_none_keeps_no_recording_and_removes_those_from_before(tmp_path, manifest):
    audited(manifest, tmp_path, "--audio", "2")
    audited(manifest, tmp_path, "--audio", "none")
    assert recorded(tmp_path) == []
    assert [path.name for path in (tmp_path / "sounds").iterdir()] == ["index.json"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<audio " not in page
    assert page.count("these results have no recordings") == 1


def test_the_command_of_one_audit_keeps_clips_too(tmp_path, manifest):
    sertools("correctness", "--data", manifest, "--model", "toy:loudness", "--out", tmp_path, "--audio", "1")
    assert len(recorded(tmp_path)) == 1


@pytest.mark.parametrize("number", ["x", "-1", "2.5", "³", ""])
def test_a_number_of_clips_that_is_none_is_one_sentence_before_any_work(tmp_path, manifest, number):
    result = audited(manifest, tmp_path / "out", "--audio", number)
    assert result.exit_code == 2
    assert f"--audio {number!r} is not a number of clips" in result.stderr
    assert not (tmp_path / "out").exists()


def test_predictions_made_elsewhere_have_no_sound(tmp_path, manifest):
    sertools("predict", "--data", manifest, "--model", "toy:loudness", "--csv", tmp_path / "p.csv")
    spec = f"predictions:{tmp_path / 'p.csv'}"
    sertools("correctness", "--data", manifest, "--model", spec, "--out", tmp_path / "out")
    assert read_results(tmp_path / "out")[0].sounds
    assert not (tmp_path / "out" / "sounds").exists()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "these results have no recordings" in page


def test_a_report_is_made_again_without_the_corpus(tmp_path, manifest):
    audited(manifest, tmp_path / "out", "--audio", "2")
    before = (tmp_path / "out" / "report.html").read_bytes()
    shutil.rmtree(Path(manifest).parent)
    assert sertools("report", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "report.html").read_bytes() == before
    assert sertools("report", tmp_path / "out", "--out", tmp_path / "copy").exit_code == 0
    assert (tmp_path / "copy" / "report.html").read_bytes() == before
    assert len(list((tmp_path / "copy" / "sounds").glob("*.flac"))) == 2


def test_every_format_is_written_where_it_is_asked_for(tmp_path, manifest):
    audited(manifest, tmp_path / "out", "--audio", "none")
    expected = {
        "html": {"report.html"},
        "json": {"report.json"},
        "csv": {"tables/findings.csv", "tables/correctness-baselines.csv"},
        "parquet": {"tables/findings.parquet", "tables/correctness-baselines.parquet"},
        "latex": {"latex/correctness.tex"},
    }
    for name, files in expected.items():
        to = tmp_path / name
        result = sertools("report", tmp_path / "out", "--out", to, "--format", name)
        assert result.exit_code == 0, result.stderr
        assert {str(p.relative_to(to)) for p in to.rglob("*") if p.is_file()} == files
        assert set(result.stderr.split()) == {str(to / file) for file in files}
    together = Report.model_validate_json((tmp_path / "json" / "report.json").read_text())
    assert together.results == read_results(tmp_path / "out")


def test_a_damaged_list_of_recordings_is_one_sentence(tmp_path, manifest):
    audited(manifest, tmp_path, "--audio", "1")
    (tmp_path / "sounds" / "index.json").write_text("[]")
    result = sertools("report", tmp_path)
    assert result.exit_code == 2
    assert "is not a valid list of recordings" in result.stderr
