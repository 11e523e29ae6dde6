import pytest

from sertools.report import figures
from sertools.report.kept import figures as kept_figures
from sertools.report.render import render
from tests.helpers.report_results import KINDS, figure, small_result


@pytest.fixture
def drawn(monkeypatch):
    """How often a figure was drawn."""
    counted = []

    def draw(shown, salt):
        counted.append(shown)
        return f"<svg id='{salt}'>{shown.title}</svg>\n"

    monkeypatch.setattr(figures, "draw", draw)
    return counted


def test_the_same_figure_is_drawn_once(tmp_path, drawn):
    first = kept_figures.draw(figure("bar"), "a", tmp_path)
    assert kept_figures.draw(figure("bar"), "a", tmp_path) == first
    assert len(drawn) == 1


def test_another_figure_another_prefix_or_other_code_is_drawn_anew(tmp_path, drawn, monkeypatch):
    kept_figures.draw(figure("bar"), "a", tmp_path)
    kept_figures.draw(figure("bar", title="other"), "a", tmp_path)
    kept_figures.draw(figure("bar"), "b", tmp_path)
    monkeypatch.setattr(kept_figures, "_code", lambda: "other code")
    kept_figures.draw(figure("bar"), "a", tmp_path)
    assert len(drawn) == 4


def test_a_damaged_drawing_is_drawn_anew(tmp_path, drawn):
    first = kept_figures.draw(figure("bar"), "a", tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b"<svg", b"<script"))
    assert kept_figures.draw(figure("bar"), "a", tmp_path) == first
    assert len(drawn) == 2


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path, drawn):
    (tmp_path / "file").write_text("no folder")
    for _ in range(2):
        kept_figures.draw(figure("bar"), "a", tmp_path / "file")
    assert len(drawn) == 2


def test_a_report_from_kept_figures_is_the_same_to_the_byte(tmp_path):
    results = [small_result(figures=[figure(kind) for kind in KINDS])]
    render(results, tmp_path / "without")
    for name in ("first", "again"):
        render(results, tmp_path / name, kept=tmp_path / "kept")
        for path in (tmp_path / "without").rglob("*.*"):
            assert (
                tmp_path / name / path.relative_to(tmp_path / "without")
            ).read_bytes() == path.read_bytes()
