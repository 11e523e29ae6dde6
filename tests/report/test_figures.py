import functools
import re
import xml.etree.ElementTree as ET

import pytest

from sertools.report import figures
from sertools.report.figures import draw, standalone
from sertools.results.result import Figure, Series
from tests.helpers.report_results import HOSTILE, KINDS, figure

SVG = "{http://www.w3.org/2000/svg}"


@functools.cache
def drawn(kind: str) -> str:
    """The figure of a kind, drawn once for all tests that only look at it."""
    return draw(figure(kind))


@pytest.fixture(autouse=True)
def _anew():
    """What is drawn here is not what an earlier test has drawn."""
    figures.forget()


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def ids(svg: str) -> list[str]:
    return [element.get("id") for element in ET.fromstring(svg).iter() if element.get("id")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_as_the_same_bytes_each_time(kind):
    first = draw(figure(kind))
    assert draw(figure(kind)) is first, "a process draws it once"
    figures.forget()
    assert draw(figure(kind)) == first == drawn(kind)


def test_settings_of_matplotlib_neither_reach_a_figure_nor_stay_changed():
    import matplotlib as mpl

    wanted = draw(figure("bar"))
    figures.forget()
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        assert draw(figure("bar")) == wanted
        assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_says_what_it_shows_to_who_cannot_see_it(kind):
    root = ET.fromstring(drawn(kind))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == f"A {kind}"
    assert root.find(f"{SVG}desc").text == f"What the {kind} shows"


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_two_figures_on_one_page_never_meet(kind):
    one, two = draw(figure(kind), "one"), draw(figure(kind), "two")
    assert len(ids(one)) == len(set(ids(one)))
    assert not set(ids(one)) & set(ids(two))
    used = re.findall(r'(?:url\(#|href="#)([^)"]+)', one)
    assert set(used) <= set(ids(one))


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_loads_nothing_and_restyles_nothing(kind):
    svg = drawn(kind)
    assert not re.search(r'href="(?!#|data:)|url\((?!#)|<style|<script|<metadata', svg)
    assert set(re.findall(r"https?://[^\"]+", svg)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("kind", KINDS)
def test_text_takes_the_colour_of_the_page(kind):
    svg = drawn(kind)
    assert "currentColor" in svg
    assert "#012345" not in svg


@pytest.mark.parametrize("kind", ["interval", "bar", "heat", "histogram", "line"])
def test_names_and_labels_are_text(kind):
    shown = texts(drawn(kind))
    assert {"across", "up"} <= set(shown)
    assert {"female", "male"} <= set(shown)


def test_rows_of_a_dot_plot_stand_in_the_order_given():
    svg = draw(figure("interval"))
    height = {e.text: float(e.get("y")) for e in ET.fromstring(svg).iter(f"{SVG}text") if e.get("y")}
    assert height["anger"] < height["fear"] < height["joy"]


def places(svg: str) -> dict[str, tuple[float, float]]:
    found = ET.fromstring(svg).iter(f"{SVG}text")
    return {e.text: (float(e.get("x")), float(e.get("y"))) for e in found if e.get("x")}


def test_a_lone_label_of_a_dot_plot_stands_below_its_values():
    at = places(draw(figure("interval", x_label="score", y_label="")))
    assert at["score"][1] > at["joy"][1]
    assert at == places(draw(figure("interval", x_label="", y_label="score")))


def dots(svg: str) -> int:
    return len(re.findall(r"<use ", svg))


def test_a_missing_value_draws_no_dot():
    full = figure("scatter", series=[Series(x=[1.0, 2.0, 3.0], y=[1.0, 2.0, 3.0])], band=None)
    gap = figure("scatter", series=[Series(x=[1.0, 2.0, 3.0], y=[1.0, None, 3.0])], band=None)
    ticks = dots(draw(full)) - 3
    assert dots(draw(gap)) == ticks + 2


def test_a_missing_cell_of_a_heat_map_holds_no_number():
    series = [Series(name="a", x=["p", "q"], y=[5, None]), Series(name="b", x=["p", "q"], y=[1, 2])]
    shown = texts(draw(figure("heat", series=series)))
    assert sorted(t for t in shown if t.isdigit()) == ["1", "2", "5"]


def test_a_word_cloud_sets_frequent_words_larger():
    words = Series(name="low", x=["hate", "no"], y=[40, 10])
    svg = draw(Figure(name="w", kind="cloud", title="t", alt="a", series=[words]))
    size = {
        e.text: float(re.search(r"([\d.]+)px", e.get("style"))[1])
        for e in ET.fromstring(svg).iter(f"{SVG}text")
        if e.text in ("hate", "no")
    }
    assert size["hate"] > size["no"] >= 9


def test_points_of_a_cloud_get_shades_where_they_have_numbers_and_a_scale_that_names_them():
    points = Series(name="arousal", x=[0.0, 1.0, 2.0], y=[0.0, 1.0, 2.0], shade=[0.0, 0.5, 1.0])
    svg = draw(Figure(name="m", kind="cloud", title="t", alt="a", series=[points]))
    darkest, lightest = "#00224e", "#fee838"  # the ends of cividis
    assert darkest in svg
    assert lightest in svg
    assert "arousal" in [e.text for e in ET.fromstring(svg).iter(f"{SVG}text")]


def test_twelve_kinds_differ_in_colour_or_marker():
    series = [Series(name=f"k{i}", x=[float(i)], y=[0.0]) for i in range(12)]
    svg = draw(Figure(name="m", kind="cloud", title="t", alt="a", series=series))
    root = ET.fromstring(svg)
    looks = set()
    shapes = {e.get("id"): e.get("d") for e in root.iter(f"{SVG}path") if e.get("id")}
    for use in root.iter(f"{SVG}use"):
        outline = shapes.get(str(use.get("href")).lstrip("#"))
        fill = re.search(r"fill: (#\w+)", use.get("style") or "")
        if outline and fill:  # whatever its size, which is another in the legend
            numbers = [float(number) for number in re.findall(r"-?[\d.]+", outline)]
            shape = tuple(round(number / max(map(abs, numbers)), 2) + 0.0 for number in numbers)
            looks.add((shape, fill[1]))
    assert len(looks) == 12


def test_spokes_of_a_radar_start_upwards_go_clockwise_and_are_as_long_as_their_values():
    import matplotlib.figure

    from sertools.report.figure_kinds import DRAW

    spokes = ["up", "right", "down", "left"]
    series = [Series(name="a", x=spokes, y=[1, 0.5, -0.3, None]), Series(name="b", x=spokes[:2], y=[0, 2])]
    axes = matplotlib.figure.Figure().add_subplot()
    DRAW["radar"](axes, figure("radar", series=series))
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    # a value below 0 lies at the centre, one above 1 on the rim, and where there is none the outline is open
    assert drawn["a"][:3] == [pytest.approx(at, abs=1e-12) for at in ([0, 1], [0.5, 0], [0, 0])]
    assert all(value != value for value in drawn["a"][3])
    assert drawn["a"][4] == drawn["a"][0]
    assert drawn["b"][1] == pytest.approx([1, 0], abs=1e-12)
    assert {text.get_text() for text in axes.texts} >= set(spokes)


def test_the_band_is_named_and_shaded():
    assert "tolerated" in texts(draw(figure("line")))
    assert "tolerated" not in texts(draw(figure("line", band=None)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("series", [[], [Series(x=[], y=[])], [Series(name="s", x=[1.0], y=[None])]])
def test_a_figure_without_values_says_so(kind, series):
    assert texts(draw(figure(kind, series=series))) == ["no values to draw"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 1e-12, -3.5, 1e9])
def test_a_single_value_is_drawn(kind, value):
    lone = [Series(name="s", x=[1.0], y=[value])]
    ET.fromstring(draw(figure(kind, series=lone, band=(None, None), reference=None)))


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_stay_text(kind):
    series = [Series(name=HOSTILE, x=[HOSTILE, "x" * 10_000], y=[1.0, 2.0])] * 2
    svg = draw(figure(kind, title=HOSTILE, alt=HOSTILE, x_label=HOSTILE, y_label=HOSTILE, series=series))
    root = ET.fromstring(svg)
    assert "script" not in {element.tag.removeprefix(SVG) for element in root.iter()}
    assert root.find(f"{SVG}title").text.startswith("<script>alert('x')</script> & \"q\"")


@pytest.mark.parametrize("names", [[f"class {i}" for i in range(60)], list(map(float, range(120)))])
@pytest.mark.parametrize("kind", KINDS)
def test_many_names_are_drawn(kind, names):
    series = [Series(name="s", x=names, y=[0.5] * len(names))]
    ET.fromstring(draw(figure(kind, series=series)))


def test_many_points_stay_a_small_file():
    points = [i / 20_000 for i in range(20_000)]
    svg = draw(figure("cloud", series=[Series(x=points, y=points)]))
    assert 'href="data:image/png;base64,' in svg
    assert len(svg) < 300_000


def test_a_file_of_its_own_brings_its_own_colour():
    svg = draw(figure("bar"))
    assert "prefers-color-scheme" not in svg
    assert "prefers-color-scheme" in standalone(svg)
    ET.fromstring(standalone(svg))
