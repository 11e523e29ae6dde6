import pytest

from sertools.report import figures
from sertools.report.kept import drawing
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


def test_many_figures_are_drawn_by_two_processes_as_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "MANY", 4)
    chosen = [(figure(kind), f"a-{i}") for i, kind in enumerate(KINDS)][:4]
    drawn_here = []
    alone = kept_figures.draw

    def draw(shown, salt, folder):
        drawn_here.append(salt)
        return alone(shown, salt, folder)

    monkeypatch.setattr(kept_figures, "draw", draw)
    drawing.draw_together(chosen, tmp_path, cores=2)
    assert drawn_here == ["a-0", "a-2"]
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(kept) == 4
    drawing.draw_together(chosen, tmp_path, cores=2)
    assert len(drawn_here) == 2, "what is kept is not drawn again"
    for path in tmp_path.iterdir():
        path.unlink()
    for shown, salt in chosen:
        alone(shown, salt, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_without_other_processes_every_figure_is_drawn_all_the_same(tmp_path, monkeypatch, drawn):
    monkeypatch.setattr(drawing, "MANY", 4)
    monkeypatch.setattr(drawing, "WORKER", ["false"])
    chosen = [(figure("bar"), f"a-{i}") for i in range(4)]
    drawing.draw_together(chosen, tmp_path, cores=2)
    assert [kept_figures.draw(*each, tmp_path) for each in chosen] == [
        f"<svg id='a-{i}'>{figure('bar').title}</svg>\n" for i in range(4)
    ]
